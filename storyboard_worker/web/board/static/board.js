// Asks every few seconds what has changed, and replaces only that. Without this script the pages
// work by their links and forms.
"use strict";

const SOONEST_MS = 4000;
const LATEST_MS = 20000;
const TROUBLE_MS = 60000;
const SLOWER = 1.5;

const live = document.body.dataset.live;
let waitMs = SOONEST_MS;
let timer = 0;
let asking = false;

function shown() {
  return Array.from(document.querySelectorAll("[data-shown]"), (one) => one.dataset.shown).join(",");
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

// The same element in the new part, for the focus, and for what a person has opened.
function counterpart(part, old) {
  return old.id ? part.querySelector(`#${CSS.escape(old.id)}`) : null;
}

function replace(id, html) {
  const old = document.getElementById(id);
  const part = parsed(html);
  if (!old || !part) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  for (const opened of old.querySelectorAll("details[open][id]")) {
    const twin = counterpart(part, opened);
    if (twin) twin.open = true;
  }
  if (old.isEqualNode(part)) return;
  // A summary has no id; its parent has.
  const place = focused && (focused.id ? focused : focused.closest("[id]"));
  old.replaceWith(part);
  if (!focused) return;
  const twin = place && place !== old ? counterpart(part, place) : null;
  const target = twin && !focused.id ? twin.querySelector("summary") || twin : twin;
  (target || part.querySelector("a, button, summary") || document.getElementById("main")).focus({
    preventScroll: true,
  });
}

function tell(message) {
  const trouble = document.getElementById("trouble");
  if (!trouble || (trouble.textContent === message && trouble.hidden === !message)) return;
  trouble.textContent = message;
  trouble.hidden = !message;
}

function take(found) {
  for (const [id, html] of Object.entries(found.parts)) replace(id, html);
  for (const id of found.gone) {
    const gone = document.getElementById(id);
    if (gone) gone.remove();
  }
  const newer = document.getElementById("newer-panels");
  if (newer && found.newer) newer.hidden = false;
  if (found.said) document.getElementById("said").textContent = found.said;
  const quiet = !found.said && !found.gone.length;
  waitMs = quiet ? Math.min(LATEST_MS, waitMs * SLOWER) : SOONEST_MS;
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const separator = live.includes("?") ? "&" : "?";
    const answer = await fetch(`${live}${separator}shown=${encodeURIComponent(shown())}`, {
      headers: { Accept: "application/json" },
    });
    if (answer.status === 401) {
      tell(document.body.dataset.signedOut);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    take(await answer.json());
    tell("");
  } catch {
    tell(document.body.dataset.lost);
    waitMs = Math.min(TROUBLE_MS, waitMs * 2);
  } finally {
    asking = false;
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, waitMs);
}

if (live) {
  document.addEventListener("visibilitychange", () => {
    waitMs = SOONEST_MS;
    clearTimeout(timer);
    if (!document.hidden) ask();
  });
  plan();
}

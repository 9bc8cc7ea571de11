// Asks every few seconds what has changed, and replaces only that. Without this script the pages
// work by their links and forms.
"use strict";

const SOONEST_MS = 6000;
// While nothing changes, and nothing on the page waits or is in progress.
const LATEST_MS = 20000;
const TROUBLE_MS = 60000;
const SLOWER = 1.5;
const AGES_MS = 10000;
// A server that takes a question and stays silent for so long is lost.
const SILENCE_MS = 15000;

const { live, asks } = document.body.dataset;
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

// Times differ with each answer. They are put in one by one, so that the rest stays untouched.
function withoutTimes(part) {
  const copy = part.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.replaceWith(document.createElement("time"));
  return copy;
}

function differsInTimesOnly(old, part) {
  if (!withoutTimes(old).isEqualNode(withoutTimes(part))) return false;
  const times = part.querySelectorAll("time");
  old.querySelectorAll("time").forEach((time, index) => time.replaceWith(times[index]));
  return true;
}

function replace(id, part) {
  const old = document.getElementById(id);
  if (!old) return;
  for (const opened of old.querySelectorAll("details[open][id]")) {
    const twin = counterpart(part, opened);
    if (twin) twin.open = true;
  }
  if (differsInTimesOnly(old, part)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(part);
  if (focused) focusLike(part, focused);
}

// A summary has no id; the element around it has.
function focusLike(part, focused) {
  const named = focused.id ? focused : focused.closest("[id]");
  const twin = counterpart(part, named);
  const target = twin && twin.matches("details") ? twin.querySelector("summary") : twin;
  const next = target || part.querySelector("a, button, summary") || document.getElementById("main");
  next.focus({ preventScroll: true });
}

function tell(message) {
  const trouble = document.getElementById("trouble");
  if (!trouble || (trouble.textContent === message && trouble.hidden === !message)) return;
  trouble.textContent = message;
  trouble.hidden = !message;
}

function remove(card) {
  const project = card.closest(".project");
  const next = card.nextElementSibling || card.previousElementSibling;
  const hadFocus = document.activeElement !== document.body;
  card.remove();
  recount(project);
  const isLost = hadFocus && document.activeElement === document.body;
  const target = (next && next.querySelector("a")) || document.getElementById("main");
  if (isLost) target.focus({ preventScroll: true });
}

function recount(project) {
  const left = project.querySelectorAll(".card").length;
  const { onePanel, panels } = document.body.dataset;
  if (left) {
    const told = left === 1 ? onePanel : panels.replace("{count}", left);
    project.querySelector(".count").textContent = told;
  } else {
    project.remove();
  }
  document.getElementById("all-gone").hidden = Boolean(document.querySelector(".card"));
}

function take(found) {
  const parts = Object.entries(found.parts).map(([id, html]) => [id, parsed(html)]);
  if (loadsAgainFor(parts.map(([, part]) => part), found.said)) return;
  for (const [id, part] of parts) replace(id, part);
  for (const id of found.gone) {
    const card = document.getElementById(id);
    if (card) remove(card);
  }
  if (found.now) setClock(found.now);
  refreshAges();
  const newer = document.getElementById("newer-panels");
  if (newer && found.newer) newer.hidden = false;
  if (found.said) document.getElementById("said").textContent = found.said;
  const quiet = !found.said && !found.gone.length;
  const atWork = document.querySelector(".badge.pending, .badge.processing");
  waitMs = quiet && !atWork ? Math.min(LATEST_MS, waitMs * SLOWER) : SOONEST_MS;
}

// In a body, because an address that holds a long filter and what the page shows may be too long.
function question() {
  const fields = new URLSearchParams(asks);
  fields.set("shown", shown());
  return fields;
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  const silence = new AbortController();
  const limit = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const answer = await fetch(live, {
      method: "POST",
      body: question(),
      headers: { Accept: "application/json" },
      signal: silence.signal,
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
    clearTimeout(limit);
    asking = false;
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(ask, waitMs);
}

// The same words as the server's.
function age(seconds, mayLieAhead) {
  const { ago, ahead, now, units } = document.body.dataset;
  const past = Math.abs(seconds);
  if (past < 1 || (seconds < 0 && !mayLieAhead)) return now;
  const [second, minute, hour, day] = units.split("|");
  const steps = [
    [120, 1, second],
    [7200, 60, minute],
    [172800, 3600, hour],
    [Infinity, 86400, day],
  ];
  const [, length, unit] = steps.find(([limit]) => past < limit);
  const text = unit.replace("{number}", (Math.floor(past) / length).toFixed(0));
  return (seconds > 0 ? ago : ahead).replace("{length}", text);
}

// The server's clock at one moment, and the browser's.
let clock = { server: NaN, here: 0 };

function setClock(moment) {
  clock = { server: Date.parse(moment), here: performance.now() };
}

function refreshAges() {
  const now = clock.server + performance.now() - clock.here;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const text = age((now - Date.parse(time.dateTime)) / 1000, "ahead" in time.dataset);
    if (time.textContent !== text) time.textContent = text;
  }
}

function tellMissing(image) {
  const { missing } = image.dataset || {};
  if (!missing) return;
  const told = document.createElement("span");
  told.className = "placeholder";
  told.textContent = missing;
  image.replaceWith(told);
}

// An error of an image does not bubble, but it can be caught on its way down.
document.addEventListener("error", (event) => tellMissing(event.target), true);
// One that failed before this script ran is asked for again, to be told by its error.
for (const image of document.images) {
  if (image.complete && !image.naturalWidth) image.src = image.src;
}

if (document.body.dataset.moment) {
  setClock(document.body.dataset.moment);
  setInterval(refreshAges, AGES_MS);
}

if (live) {
  document.addEventListener("visibilitychange", () => {
    waitMs = SOONEST_MS;
    clearTimeout(timer);
    if (!document.hidden) ask();
  });
  plan();
}

// Loads the page again when a picture has come from a host that its policy does not name, and puts
// back what a person had done on it. The browser itself puts back how far it was scrolled.
"use strict";

const named = document.body.dataset.pictures.match(/\S+/g) || [];
const policyOrigins = new Set([location.origin, ...named.map((one) => new URL(one).origin)]);
// The entry of this page in the browser's history, which outlives loading it again.
const before = history.state || {};
// Hosts that loading again has not helped with. It is not tried twice, so that it never goes on.
const tried = (before.tried || []).filter((origin) => !policyOrigins.has(origin));

// Whether the page is on its way to show these parts with a policy that lets their pictures load.
function loadsAgainFor(parts, said) {
  const images = parts.flatMap((part) => Array.from(part.querySelectorAll("img[src]")));
  const origins = images.map((image) => new URL(image.src).origin);
  const strange = origins.filter((one) => !policyOrigins.has(one) && !tried.includes(one));
  if (!strange.length) return false;
  history.replaceState({ ...whatIsDone(), said, tried: [...tried, ...strange] }, "");
  location.reload();
  return true;
}

function whatIsDone() {
  const focused = document.activeElement.closest("[id]");
  const opened = document.querySelectorAll("details[open][id]");
  const fields = document.querySelectorAll(".filter input, .filter select");
  return {
    focused: focused ? focused.id : "",
    opened: Array.from(opened, (one) => one.id),
    fields: Array.from(fields, (one) => [one.id, one.value]),
  };
}

function putBack({ focused, opened = [], fields = [], said }) {
  for (const id of opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  for (const [id, value] of fields) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  const target = focused && document.getElementById(focused);
  if (target) (target.querySelector(":scope > summary") || target).focus({ preventScroll: true });
  if (said) document.getElementById("said").textContent = said;
}

putBack(before);
history.replaceState({ tried }, "");

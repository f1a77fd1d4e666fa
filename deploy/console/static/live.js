"use strict";
// Keeps a page up to date while it is looked at, and takes one to pages by keys. Without it
// everything can be read and done.
const EVERY_MS = 2000;
const main = () => document.querySelector("main");
const bar = document.querySelector("[data-switch]");
const tell = (text) => { const said = bar.querySelector("[data-said]"); if (said.textContent !== text) said.textContent = text; };
const paused = () => sessionStorage.getItem("paused") === "yes";

function busy() {
  const at = document.activeElement;
  const typing = at && main().contains(at) && at.closest("form");
  const dirty = [...main().querySelectorAll("input, select, textarea")].some((field) =>
    field.type === "checkbox" ? field.checked !== field.defaultChecked
      : field.tagName === "SELECT" ? [...field.options].some((o) => o.selected !== o.defaultSelected) && field.selectedIndex > 0
        : field.value !== field.defaultValue);
  return paused() || document.hidden || typing || dirty || !getSelection().isCollapsed || document.querySelector("dialog[open]");
}

function swap(fresh) {
  const old = main();
  const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
  for (const open of old.querySelectorAll("details[id]")) fresh.querySelector(`#${CSS.escape(open.id)}`)?.toggleAttribute("open", open.open);
  for (const live of old.querySelectorAll("[aria-live][id]")) { // the same node, or nobody is told
    const now = fresh.querySelector(`#${CSS.escape(live.id)}`);
    if (!now) continue;
    if (now.textContent !== live.textContent) live.replaceChildren(...now.childNodes);
    now.replaceWith(live);
  }
  old.replaceChildren(...fresh.childNodes);
  if (focused) old.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

async function refresh() {
  if (!busy()) {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected) return tell("Signed out: reload the page to sign in");
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (fresh && !busy()) swap(fresh);
      tell(answer.ok ? "Live: every 2 s" : `Answered ${answer.status}`);
    } catch { tell("Cannot be reached; trying again"); }
  }
  setTimeout(refresh, EVERY_MS);
}

function live() {
  const button = bar.querySelector("[data-pause]");
  const show = () => { button.setAttribute("aria-pressed", paused()); tell(paused() ? "Paused" : "Live: every 2 s"); };
  button.addEventListener("click", () => { sessionStorage.setItem("paused", paused() ? "no" : "yes"); show(); });
  bar.hidden = false;
  show();
  setTimeout(refresh, EVERY_MS);
}

let went = false; // whether the last key was g
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  const page = went && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  went = event.key === "g";
  if (page) location.assign(page.href);
  else if (event.key === "/") { event.preventDefault(); document.querySelector("#find")?.focus(); }
  else if (event.key === "?") document.querySelector("#keys")?.showModal();
});
for (const all of document.querySelectorAll("[data-all]")) {
  all.hidden = false;
  all.addEventListener("change", () => { for (const box of document.querySelectorAll(`input[name="${all.dataset.all}"]`)) box.checked = all.checked; });
}
if (bar && main().hasAttribute("data-live")) live();

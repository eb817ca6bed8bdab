"use strict";
// What makes the console quicker. Everything works without it.

// Requests by htmx run no text as code, and put no style into the page.
document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) { copyText(copy); }
  const pause = event.target.closest("[data-pause]");
  if (pause) {
    setPaused(pause, pause.getAttribute("aria-pressed") !== "true");
  }
});

// Copies what a button names. Browsers have a clipboard only over https and on the machine itself: elsewhere the
// field beside the button is chosen and copied in the old way.
async function copyText(button) {
  const beside = button.parentElement.querySelector("input");
  const field = beside?.value === button.dataset.copy ? beside : null;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(button, "Copied");
  } catch {
    const area = field ?? document.body.appendChild(document.createElement("textarea"));
    if (!field) { area.className = "unseen"; area.value = button.dataset.copy; }
    area.select();
    const isCopied = document.execCommand("copy");
    if (!field) { area.remove(); }
    if (isCopied) { button.focus(); }
    say(button, isCopied ? "Copied" : field ? "Press Ctrl+C" : "Not copied");
  }
}

// Says for two seconds on a button what it has done.
const said = new WeakMap();
function say(button, text) {
  const before = said.get(button);
  clearTimeout(before?.timer);
  const words = before?.words ?? button.textContent;
  button.textContent = text;
  const timer = setTimeout(() => { button.textContent = words; said.delete(button); }, 2000);
  said.set(button, { words, timer });
}

// One box chooses all rows of its form.
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-all]");
  if (all) {
    for (const box of all.form.querySelectorAll(`input[name="${all.dataset.all}"]`)) {
      box.checked = all.checked;
    }
  }
  const file = event.target.closest("input[type=file][data-into]");
  if (file && file.files.length) {
    put(file.files[0], document.getElementById(file.dataset.into));
  }
});

// A file that is chosen or dropped is read here: the server gets its text.
async function put(file, area) {
  area.value = decode(new Uint8Array(await file.arrayBuffer()));
  area.dispatchEvent(new Event("input", { bubbles: true }));
}
// A spreadsheet writes UTF-16 with a mark, UTF-8, or what Windows had before.
function decode(bytes) {
  const mark = bytes[0] * 256 + bytes[1];
  if (mark === 0xfffe || mark === 0xfeff) {
    return new TextDecoder(mark === 0xfffe ? "utf-16le" : "utf-16be").decode(bytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const place = event.target.closest?.(".drop");
    if (!place) { return; }
    place.classList.toggle("over", name === "dragover");
    if (name === "dragover") { event.preventDefault(); }
    if (name === "drop" && event.dataTransfer.files.length) {
      event.preventDefault();
      put(event.dataTransfer.files[0], place.querySelector("textarea"));
    }
  });
}

// The secret of a sign-in link stands behind the #, so that no server and no log gets it by itself.
function signIn() {
  const form = document.querySelector("form[data-sign-in]");
  const token = location.hash.slice(1);
  if (form && token.startsWith("ivl_")) {
    history.replaceState(null, "", location.pathname + location.search);
    form.querySelector("[name=key]").value = token;
    form.submit();
  }
}

// Parts that are live load themselves again when the server says that something happened.
const sources = new Map();
function setPaused(button, paused) {
  const part = document.getElementById(button.dataset.pause);
  button.setAttribute("aria-pressed", paused);
  button.textContent = paused ? "Go on" : "Pause";
  part.toggleAttribute("data-paused", paused);
  document.querySelector(`.live[data-of="${part.id}"]`)?.classList.toggle("paused", paused);
  if (!paused) { reload(part); }
}
function reload(part) {
  if (part.hasAttribute("data-paused") || part.contains(document.activeElement)) { return; }
  htmx.ajax("GET", location.href, { target: `#${part.id}`, select: `#${part.id}`, swap: "outerHTML" });
}
function listen() {
  for (const part of document.querySelectorAll(".scripted")) { part.hidden = false; }
  // On a phone the places are a strip that scrolls.
  const place = document.querySelector(".side [aria-current]");
  if (place) { place.parentElement.scrollLeft = place.offsetLeft - place.parentElement.clientWidth / 3; }
  const wanted = new Set();
  for (const part of document.querySelectorAll("[data-live]")) { wanted.add(part.dataset.live); }
  for (const [url, source] of sources) {
    if (!wanted.has(url)) { source.close(); sources.delete(url); }
  }
  for (const url of wanted) {
    if (sources.has(url)) { continue; }
    const source = new EventSource(url);
    let waiting = 0;
    const changed = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        for (const part of document.querySelectorAll(`[data-live="${url}"]`)) { reload(part); }
      }, 250);
    };
    source.onmessage = changed;
    source.addEventListener("change", changed);
    sources.set(url, source);
  }
}
// What is no page with the navigation stays out of it: what failed is loaded as a page of its own. A form that failed
// is told of in the page, or, after the session, by a page that asks to sign in and leads back here.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target, requestConfig } = event.detail;
  if (target.hasAttribute("data-live")) {
    event.detail.shouldSwap &&= xhr.status === 200;
    return;
  }
  if (xhr.status >= 400) {
    // All of it is shown, also where a part was asked for.
    Object.assign(event.detail, { target: document.querySelector("main"), selectOverride: "main", swapOverride: "outerHTML show:window:top" });
  }
  if (!xhr.responseText.includes(' id="side"')) {
    const isPage = requestConfig.verb === "get" || xhr.responseURL !== new URL(requestConfig.path, location.href).href;
    if (!isPage && xhr.status !== 401) { return; }
    event.detail.shouldSwap = false;
    if (isPage) { location.assign(xhr.responseURL); } else { location.reload(); }
  }
});
// The focus was on something that is not there any more.
function refocus() {
  if (document.activeElement && document.activeElement !== document.body) { return; }
  const place = ["#trouble", "main [aria-invalid=true]", "#content"].map((where) => document.querySelector(where));
  place.find((found) => found)?.focus({ preventScroll: true });
}
document.addEventListener("htmx:afterSettle", (event) => {
  listen();
  // What loads itself takes no focus.
  if (!event.detail.target?.hasAttribute("data-live")) { refocus(); }
});
document.addEventListener("DOMContentLoaded", () => {
  // What is relative to this address must not move when the address changes without a new page.
  for (const link of document.head.querySelectorAll("link")) { link.href = link.href; }
  signIn();
  if (window.htmx) { listen(); }
});

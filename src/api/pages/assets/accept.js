// The page that an invitation's link leads to. The server writes each of its steps, as a form that works without this script, too.
// The script keeps the link's token out of the address bar, of the history, and of the page, and puts the next step in the place of
// the one before, with the focus where the person goes on. Nothing is changed before a button is pressed.
"use strict";

// The server's root. A proxy may have put a path before it, and the page has other addresses than /accept; its script has one.
const root = new URL("..", document.currentScript.src);
const page = new URL("accept", root);

// What is kept until the invitation is answered: the link's token, the address that the person gave, and whether the code is next.
// The storage of the tab has it, so that a reload loses nothing; the address bar and the history have none of it.
const KEY = `invited:${root.pathname}`;
let kept = {};

const main = () => document.querySelector("main");

function keep(changes) {
  kept = { ...kept, ...changes };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

function forget() {
  kept = {};
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was kept.
  }
}

function recall() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) || {};
  } catch {
    return {};
  }
}

// Takes the token out of the page, and keeps it with the place where the person is.
function takePlace() {
  if ("over" in main().dataset) {
    forget();
  }
  for (const form of main().querySelectorAll("form")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sendForm(form, event.submitter);
    });
    const { token, email } = form.elements;
    if (token) {
      keep({ token: token.value, email: email ? email.value : "", isAsked: form.id === "answer" });
      token.remove();
    }
  }
}

// Times come in UTC; people read theirs, as their region writes it.
function tellLocalTime() {
  const shape = { day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" };
  const language = (tag) => tag.split("-")[0];
  const { lang } = document.documentElement;
  const locale = navigator.languages.find((tag) => language(tag) === language(lang)) || lang;
  for (const time of main().querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleString(locale, shape);
  }
}

// Puts the step that the server wrote in the place of the one that is there.
function show(html, isFirst) {
  const next = new DOMParser().parseFromString(html, "text/html");
  const step = next.querySelector("main[data-step]");
  if (!step) {
    return false;
  }
  const { lang, dir } = next.documentElement;
  Object.assign(document.documentElement, { lang, dir });
  document.title = next.title;
  const before = pressed;
  main().replaceWith(document.adoptNode(step));
  takePlace();
  tellLocalTime();
  const focused = step.querySelector("[autofocus]") || (!isFirst && (sameButton(step, before) || step.querySelector("h1")));
  if (focused) {
    focused.focus();
  }
  return true;
}

// The button that was pressed, where the step has it still.
let pressed = "";
const sameButton = (step, value) => [...step.querySelectorAll("button")].find((button) => button.value === value);

let isBusy = false;

// Sends fields, and shows what is next. No button does anything meanwhile; none is disabled: that would take the focus from it.
async function send(fields, isFirst) {
  if (isBusy) {
    return;
  }
  isBusy = true;
  const mark = (value) => main().querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", value));
  const problem = document.getElementById("problem");
  mark(true);
  problem.textContent = "";
  try {
    const response = await fetch(page, {
      method: "POST",
      headers: { Accept: "text/html" },
      body: new URLSearchParams(fields),
      credentials: "omit",
      cache: "no-store",
    });
    if (!show(await response.text(), isFirst)) {
      problem.textContent = main().dataset.failed;
    }
  } catch {
    problem.textContent = main().dataset.unreachable;
  } finally {
    isBusy = false;
    mark(false);
  }
}

function sendForm(form, button) {
  pressed = button ? button.value : "";
  const fields = new FormData(form, button);
  if (!fields.has("link")) {
    fields.set("token", kept.token || "");
  }
  send(fields, false);
}

// Takes the token out of the address bar, and asks for the step that is next. An address without one means the link that was opened
// in this tab before.
async function open() {
  const link = location.href;
  const isBare = link.split("#").length < 2 && !/%23|iv[tm]_/i.test(link);
  history.replaceState(null, "", page);
  kept = isBare ? recall() : {};
  document.getElementById("wait").textContent = main().dataset.moment;
  const { token, email = "", isAsked } = kept;
  await send(token ? { token, email, do: isAsked ? "have" : "open" } : { link }, true);
  const wait = document.getElementById("wait");
  if (wait) {
    wait.textContent = "";
  }
}

// Another link in the same tab changes only the fragment.
addEventListener("hashchange", () => {
  if (location.hash.length > 1) {
    location.reload();
  }
});

if (main().dataset.step === "start") {
  open();
} else if (main().dataset.step === "signed-in" && recall().token) {
  // A sign-in page sent the person back, and the tab knows for which link.
  kept = recall();
  send({ token: kept.token, id_token: document.querySelector("[name=id_token]").value, do: "open" }, true);
} else {
  // The server wrote a step already, since the form was sent before this script was there.
  takePlace();
  tellLocalTime();
}

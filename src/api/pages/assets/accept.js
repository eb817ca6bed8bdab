// The page that an invitation's link leads to: shows the invitation, and asks for what proves the address. By a mailed link that is
// one click, or a click and the code that it sends; by any other the address, then the code that was sent to it.
// What the server tells is set as text only. Nothing is changed before a button is pressed.
"use strict";

const element = (id) => document.getElementById(id);
const [joinForm, refuseForm, sendForm, askForm, answerForm] = ["join", "refuse", "send", "ask", "answer"].map(element);
const hasMail = document.documentElement.dataset.mail === "on";

// The server's root. A proxy may have put a path before it, and the page has other addresses than /accept; its script has one.
const root = new URL("..", document.currentScript.src);

// What is kept until the invitation is answered: the link's secret, the address that the person gave, and whether the code is next.
// The storage of the tab has it, so that a reload loses nothing; the address bar and the history have none of it.
const KEY = `invited:${root.pathname}`;
let kept = {};

// What is told about an invitation that cannot be answered, by its status.
const CLOSED = {
  accepted: "This invitation has been accepted.",
  declined: "This invitation has been declined.",
  revoked: "This invitation has been withdrawn.",
  expired: "This invitation has expired. Ask the person who invited you to send it again.",
};

// What is said at each step: a form with this id, and whether the token was mailed. {} is the address that the person gave.
const MESSAGES = {
  join: "",
  refuse: "This is final: to join later, you would have to be invited again.",
  send: "To answer, prove that the mail was for you: by a code, which is sent to the address that was invited.",
  ask: "To answer, prove that your address is the one that was invited.",
  answer: "If {} is the address that was invited, a code is on its way to it, and is good for 10 minutes.",
  answerMailed: "A code is on its way to the address that was invited, and is good for 10 minutes.",
};

// What is said once it is answered, by the operation: the title, and the sentence that the organization's name ends.
const ANSWERED = {
  accept: ["Welcome", "You have accepted the invitation to"],
  decline: ["Declined", "You have declined the invitation to"],
};

// What an error means to the person, by the code of its problem document.
const PROBLEMS = {
  not_found: "This link is not valid. If the invitation was sent again, use the link in the newest mail.",
  proof_rejected: "Address and code do not fit, or the code is used up. Check both, or ask for a new code.",
  proof_rejected_by_mail: "The code does not fit, or is used up. Check it, or ask for a new code.",
  rate_limited: "There were too many tries.",
};

const FIELDS = {
  "/email": ["email", "That is not an e-mail address."],
  "/code": ["code", "The code has six digits."],
};

function show(ids) {
  for (const id of ["details", "join", "refuse", "send", "ask", "answer", "next"]) {
    element(id).hidden = !ids.includes(id);
  }
}

// Writes `text` with `name` in place of {}, if it has that. The direction of a name is its own.
function write(place, text, name) {
  const [before, ...after] = text.split("{}");
  const bdi = document.createElement("bdi");
  bdi.textContent = name;
  place.replaceChildren(before, ...after.flatMap((text) => [bdi, text]));
}

function say(title, message, name = "") {
  document.title = title.replace("{}", () => name);
  write(element("title"), title, name);
  write(element("message"), message, name);
  complain("");
}

// Says what is wrong, at the field with this id, or below the form.
function complain(text, field = "") {
  for (const id of ["email", "code"]) {
    element(id).removeAttribute("aria-invalid");
    element(`${id}-problem`).textContent = "";
  }
  element("problem").textContent = field ? "" : text;
  if (field) {
    element(`${field}-problem`).textContent = text;
    element(field).setAttribute("aria-invalid", "true");
    element(field).focus();
  }
}

function keep(changes) {
  kept = { ...kept, ...changes };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

// Whether the link came by mail: then the server knows the address.
function isMailed() {
  return kept.token.startsWith("ivm_");
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

// Percent-decodes the ASCII in `text`; filters of mail encode it up to a few times.
function decoded(text) {
  for (let times = 0; times < 8 && text.includes("%"); times += 1) {
    text = text.replace(/%([0-7][0-9a-f])/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  }
  return text;
}

// The token in `text`, whatever stands around it; "" where there is none. Line breaks and what is not ASCII came into it on its way.
function tokenIn(text) {
  const found = /(iv[tm])_?([0-9a-f]{32})_?([0-9a-f]{64})/i.exec(text.replace(/\s|%[89a-f][0-9a-f]/gi, ""));
  return found ? found.slice(1).join("_").toLowerCase() : "";
}

// The digits in `text` as 0 to 9, whatever their script is; where six of them stand together, these.
function digitsIn(text) {
  const isDigit = (point) => /\p{Nd}/u.test(String.fromCodePoint(point));
  const plain = text.replace(/\p{Nd}/gu, (digit) => {
    let zero = digit.codePointAt(0);
    while (isDigit(zero - 1)) {
      zero -= 1;
    }
    return String((digit.codePointAt(0) - zero) % 10);
  });
  const [code = plain] = /(?<!\d)\d(?:[\s\p{Pd}]?\d){5}(?!\d)/u.exec(plain) || [];
  return code.replace(/\D/g, "");
}

// What an address without a token means to the person.
function explainNoToken(hash, rest) {
  if (/^#(i|iv|iv[tm])$|iv[tm]_|[0-9a-f]{16}/i.test(hash) || /iv[tm]_/.test(rest)) {
    return "This link is incomplete: copy all of it from your invitation mail. It may go over more than one line.";
  }
  if (hash.length > 1) {
    return PROBLEMS.not_found;
  }
  return "Open the link in your invitation mail: this address alone does not say which invitation is meant.";
}

// Sends a request; answers what came back. Throws what went wrong: a problem document, or that there was no answer.
async function send(operation, body) {
  let response;
  try {
    response = await fetch(new URL(`v1/invitations/${operation}`, root), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: kept.token, ...body }),
      credentials: "omit",
      cache: "no-store",
    });
  } catch {
    throw { code: "unreachable" };
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw { ...answer, status: response.status, retryAfter: Number(response.headers.get("Retry-After")) };
  }
  return answer;
}

// Tells what went wrong, in words.
function explain(problem) {
  if (problem.code === "status_conflict" && CLOSED[problem.invitationStatus]) {
    forget();
    say("Invitation", CLOSED[problem.invitationStatus]);
    show(["details"]);
    element("title").focus();
    return;
  }
  const [field] = (problem.errors || []).map((error) => FIELDS[error.pointer]).filter(Boolean);
  const wait = problem.retryAfter > 0 ? ` Try again in ${Math.ceil(problem.retryAfter / 60)} min.` : "";
  if (field) {
    fixField(...field);
  } else if (problem.code === "unreachable") {
    complain("The server cannot be reached. Try again in a moment.");
  } else if (problem.code === "proof_rejected") {
    complain(PROBLEMS[isMailed() ? "proof_rejected_by_mail" : "proof_rejected"], "code");
  } else if (PROBLEMS[problem.code]) {
    complain(PROBLEMS[problem.code] + wait);
  } else {
    complain(problem.status >= 500 ? "The server cannot do it now. Try again in a moment." : problem.detail || "It did not work.");
  }
}

// Leads to the field whose value is wrong.
function fixField(id, text) {
  if (element(id).form.hidden) {
    showStep("ask");
  }
  complain(text, id);
}

function describe(invitation) {
  const organization = invitation.organizationName || invitation.organizationId;
  element("organization").textContent = organization;
  element("role").textContent = invitation.role;
  element("inviter").textContent = invitation.inviterName || "";
  element("inviter").parentElement.hidden = element("inviter-term").hidden = !invitation.inviterName;
  const expires = new Date(invitation.expiresAt);
  element("expires").textContent = expires.toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });
  return organization;
}

// Leads on to where the application wants the person to go.
function leadOn(invitation) {
  if (!/^https?:\/\//.test(invitation.redirectUrl || "")) {
    return [];
  }
  element("continue").href = invitation.redirectUrl;
  return ["next"];
}

// Shows the form of a step.
function showStep(step) {
  const isAsMailed = step === "answer" && isMailed();
  write(element("message"), MESSAGES[isAsMailed ? "answerMailed" : step], kept.email);
  complain("");
  show(["details", step]);
}

// Takes the token out of the address bar. An address without one means the link that was opened in this tab before.
function takeToken() {
  const [hash, ...rest] = [location.hash, location.pathname, location.search].map(decoded);
  const token = [hash, ...rest].map(tokenIn).find(Boolean) || "";
  history.replaceState(null, "", new URL("accept", root));
  const isBare = hash.length < 2 && !/iv[tm]_/.test(rest.join(""));
  const before = recall();
  if (token !== "" && token !== before.token) {
    forget();
    keep({ token });
  } else {
    kept = token !== "" || isBare ? before : {};
  }
  return explainNoToken(hash, rest.join(""));
}

// Opens the link.
async function open() {
  const whyNone = takeToken();
  show([]);
  if (kept.token) {
    say("Invitation", "One moment…");
    await showInvitation();
  } else {
    say("Invitation", whyNone);
  }
}

// Shows the invitation of the link, and the step that is next.
async function showInvitation() {
  let invitation;
  try {
    invitation = await send("lookup", {});
  } catch (problem) {
    say("Invitation", "");
    show([]);
    explain(problem.code === "validation_failed" ? { code: "not_found" } : problem);
    return;
  }
  const organization = describe(invitation);
  if (invitation.status !== "pending") {
    forget();
    say("Invitation", CLOSED[invitation.status] || "");
    show(["details", ...(invitation.status === "accepted" ? leadOn(invitation) : [])]);
    return;
  }
  say("You are invited to {}", "", organization);
  write(joinForm.elements.join, "Join {}", organization);
  write(answerForm.elements.again, isMailed() ? "Another code" : "Another address or code", "");
  if (invitation.acceptance === "mailed-link") {
    showStep("join");
  } else if (hasMail) {
    element("email").value = kept.email || "";
    showStep(kept.isAsked ? "answer" : firstStep());
  } else {
    write(element("message"), "This server sends no mail, so no code can reach you here. Join in the application, or ask the person who invited you.", "");
    show(["details"]);
  }
}

// Where a code is asked for.
function firstStep() {
  return isMailed() ? "send" : "ask";
}

let isBusy = false;

// Runs what a button does; no button does anything meanwhile. None is disabled: that would take the focus from it.
async function busy(work) {
  if (isBusy) {
    return;
  }
  const mark = (value) => document.querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", value));
  isBusy = true;
  mark(true);
  complain("");
  try {
    await work();
  } catch (problem) {
    explain(problem);
  } finally {
    isBusy = false;
    mark(false);
  }
}

// Goes on to the code that was sent, to `email` where that was given.
function askForCode(email) {
  keep({ email, isAsked: true });
  showStep("answer");
  element("code").value = "";
  element("code").focus();
}

sendForm.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(async () => {
    await send("code", {});
    askForCode();
  });
});

sendForm.elements.have.addEventListener("click", () => {
  if (isBusy) {
    return;
  }
  askForCode();
  write(element("message"), "Give the newest code that was sent to you.", "");
});

askForm.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(async () => {
    const email = element("email").value;
    await send("code", { email });
    askForCode(email);
  });
});

askForm.elements.have.addEventListener("click", () => {
  const email = element("email").value.trim();
  if (isBusy) {
    return;
  }
  if (!email.includes("@")) {
    complain("Give the address first: the code is good for it alone.", "email");
    return;
  }
  askForCode(email);
  write(element("message"), "Give the newest code that was sent to {}.", email);
});

// Answers the invitation by `operation` with a proof, and says so.
async function answer(operation, proof) {
  const [title, sentence] = ANSWERED[operation];
  const invitation = await send(operation, proof);
  forget();
  const name = describe(invitation);
  say(title, `${sentence} {}${name.endsWith(".") ? "" : "."}`, name);
  show(operation === "accept" ? leadOn(invitation) : []);
  element("title").focus();
}

// Answers by the mailed link. Where that is not enough any more, or is no link any more, the page begins anew.
function answerByLink(operation) {
  busy(async () => {
    try {
      await answer(operation, {});
    } catch (problem) {
      if (problem.code !== "proof_rejected") {
        throw problem;
      }
      await showInvitation();
      element("title").focus();
    }
  });
}

// Answers by the code in its field.
function answerByCode(operation) {
  busy(async () => {
    const code = digitsIn(element("code").value);
    if (code.length !== 6) {
      complain(FIELDS["/code"][1], "code");
      return;
    }
    await answer(operation, isMailed() ? { code } : { email: element("email").value, code });
  });
}

joinForm.addEventListener("submit", (event) => {
  event.preventDefault();
  answerByLink("accept");
});

joinForm.elements.decline.addEventListener("click", () => {
  if (isBusy) {
    return;
  }
  showStep("refuse");
  write(element("title"), "Decline the invitation to {}?", element("organization").textContent);
  element("title").focus();
});

refuseForm.addEventListener("submit", (event) => {
  event.preventDefault();
  answerByLink("decline");
});

refuseForm.elements.back.addEventListener("click", () => {
  if (isBusy) {
    return;
  }
  showStep("join");
  write(element("title"), "You are invited to {}", element("organization").textContent);
  joinForm.elements.decline.focus();
});

answerForm.addEventListener("submit", (event) => {
  event.preventDefault();
  answerByCode("accept");
});

answerForm.elements.decline.addEventListener("click", () => answerByCode("decline"));

answerForm.elements.again.addEventListener("click", () => {
  if (isBusy) {
    return;
  }
  keep({ isAsked: false });
  showStep(firstStep());
  (isMailed() ? sendForm.elements.send : element("email")).focus();
});

// Another link in the same tab changes only the fragment.
addEventListener("hashchange", () => location.hash.length > 1 && open());
open();

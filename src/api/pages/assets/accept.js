// The page that an invitation's link leads to: shows the invitation, asks for the address, then for the code that was sent to it.
// What the server tells is set as text only. Nothing is changed before a button is pressed.
"use strict";

const element = (id) => document.getElementById(id);
const askForm = element("ask");
const answerForm = element("answer");
const hasMail = document.documentElement.dataset.mail === "on";

// The server's root. A proxy may have put a path before it, and the page has other addresses than /accept; its script has one.
const root = new URL("..", document.currentScript.src);

// The secret of the link. It lives only here: not in the address bar, not in the history, not in any storage.
let token = "";

// What is told about an invitation that cannot be answered, by its status.
const CLOSED = {
  accepted: "This invitation has been accepted.",
  declined: "This invitation has been declined.",
  revoked: "This invitation has been withdrawn.",
  expired: "This invitation has expired. Ask the person who invited you to send it again.",
};

// What an error means to the person, by the code of its problem document.
const PROBLEMS = {
  not_found: "This link is not valid. If the invitation was sent again, use the link in the newest mail.",
  proof_rejected: "Address and code do not fit, or the code is used up. Check both, or ask for a new code.",
  rate_limited: "There were too many tries.",
};

const FIELDS = {
  "/email": "That is not an e-mail address.",
  "/code": "The code has six digits.",
};

function show(ids) {
  for (const id of ["details", "ask", "answer", "next"]) {
    element(id).hidden = !ids.includes(id);
  }
}

function say(title, message) {
  document.title = title;
  element("title").textContent = title;
  element("message").textContent = message;
  element("problem").textContent = "";
}

function complain(text) {
  element("problem").textContent = text;
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
  const found = /ivt_?([0-9a-f]{32})_?([0-9a-f]{64})/i.exec(text.replace(/\s|%[89a-f][0-9a-f]/gi, ""));
  return found ? `ivt_${found[1]}_${found[2]}`.toLowerCase() : "";
}

// What an address without a token means to the person.
function explainNoToken(hash, rest) {
  if (/^#(i|iv|ivt)$|ivt_|[0-9a-f]{16}/i.test(hash) || rest.includes("ivt_")) {
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
      body: JSON.stringify({ token, ...body }),
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
    say("Invitation", CLOSED[problem.invitationStatus]);
    show(["details"]);
    return;
  }
  const fields = (problem.errors || []).map((error) => FIELDS[error.pointer]).filter(Boolean);
  const wait = problem.retryAfter > 0 ? ` Try again in ${Math.ceil(problem.retryAfter / 60)} min.` : "";
  if (fields.length > 0) {
    complain(fields.join(" "));
  } else if (problem.code === "unreachable") {
    complain("The server cannot be reached. Try again in a moment.");
  } else if (PROBLEMS[problem.code]) {
    complain(PROBLEMS[problem.code] + wait);
  } else {
    complain(problem.status >= 500 ? "The server cannot do it now. Try again in a moment." : problem.detail || "It did not work.");
  }
}

function describe(invitation) {
  const organization = invitation.organizationName || invitation.organizationId;
  element("organization").textContent = organization;
  element("role").textContent = invitation.role;
  element("inviter").textContent = invitation.inviterName || "";
  element("inviter").hidden = element("inviter-term").hidden = !invitation.inviterName;
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

// Takes the token out of the address bar, and shows its invitation.
async function open() {
  const [hash, ...rest] = [location.hash, location.pathname, location.search].map(decoded);
  token = [hash, ...rest].map(tokenIn).find(Boolean) || "";
  history.replaceState(null, "", new URL("accept", root));
  show([]);
  if (token === "") {
    say("Invitation", explainNoToken(hash, rest.join("")));
    return;
  }
  say("Invitation", "One moment…");
  let invitation;
  try {
    invitation = await send("lookup", {});
  } catch (problem) {
    say("Invitation", "");
    explain(problem.code === "validation_failed" ? { code: "not_found" } : problem);
    return;
  }
  const organization = describe(invitation);
  if (invitation.status !== "pending") {
    say("Invitation", CLOSED[invitation.status] || "");
    show(["details", ...(invitation.status === "accepted" ? leadOn(invitation) : [])]);
    return;
  }
  const title = `You are invited to ${organization}`;
  if (hasMail) {
    say(title, "To answer, prove that your address is the one that was invited.");
    show(["details", "ask"]);
  } else {
    say(title, "This server sends no mail, so no code can reach you here. Join in the application, or ask the person who invited you.");
    show(["details"]);
  }
}

// Runs what a button does, with the buttons off meanwhile.
async function busy(work) {
  const buttons = document.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  complain("");
  try {
    await work();
  } catch (problem) {
    explain(problem);
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

askForm.addEventListener("submit", (event) => {
  event.preventDefault();
  busy(async () => {
    const { expiresIn } = await send("code", { email: askForm.elements.email.value });
    const minutes = Math.round(expiresIn / 60);
    element("message").textContent = `If this is the address that was invited, a code is on its way to it. It is good for ${minutes} minutes.`;
    show(["details", "answer"]);
    answerForm.elements.code.value = "";
    answerForm.elements.code.focus();
  });
});

// Answers the invitation by `operation`, and says so.
function answer(operation, title, sentence) {
  busy(async () => {
    const proof = { email: askForm.elements.email.value, code: answerForm.elements.code.value.trim() };
    const invitation = await send(operation, proof);
    say(title, `${sentence} ${describe(invitation)}.`);
    show(operation === "accept" ? leadOn(invitation) : []);
    element("title").focus();
  });
}

answerForm.addEventListener("submit", (event) => {
  event.preventDefault();
  answer("accept", "Welcome", "You have accepted the invitation to");
});

answerForm.elements.decline.addEventListener("click", () => {
  answer("decline", "Declined", "You have declined the invitation to");
});

answerForm.elements.again.addEventListener("click", () => {
  complain("");
  show(["details", "ask"]);
  askForm.elements.email.focus();
});

// Another link in the same tab changes only the fragment.
addEventListener("hashchange", () => location.hash.length > 1 && open());
open();

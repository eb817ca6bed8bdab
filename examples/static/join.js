// A page under --accept-url, without a server of its own: look, join or decline by the token.
const server = document.querySelector("meta[name=invited]").content;
const form = document.querySelector("form");
const label = document.querySelector("label");
const told = document.querySelector("[role=status]");

// The token stands in the fragment, which no server sees. It leaves the address bar at once.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

async function ask(operation, body = {}) {
  const response = await fetch(`${server}/v1/invitations/${operation}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, ...body }),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  const wait = response.headers.get("Retry-After");
  throw new Error(wait ? `Please try again in ${wait} seconds.` : answer.detail);
}

function show(invitation) {
  const name = invitation.organizationName ?? invitation.organizationId;
  const by = invitation.inviterName ? ` by ${invitation.inviterName}` : "";
  const welcome = {
    pending: `You are invited${by} to join ${name} as ${invitation.role}.`,
    accepted: `Welcome to ${name}!`,
  };
  told.textContent = welcome[invitation.status] ?? `This invitation is ${invitation.status}.`;
  form.hidden = invitation.status !== "pending";
  return invitation;
}

// What fails is told, and can be tried again.
const tell = (error) => void (told.textContent = error.message);
const invitation = token ? await ask("lookup").then(show, tell) : tell(Error("Open the link in the mail."));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (invitation.acceptance === "code" && label.hidden) {
    await ask("code").then(() => (label.hidden = false), tell);
    return;
  }
  const { code } = Object.fromEntries(new FormData(form));
  await ask(event.submitter.value, code ? { code } : {}).then(show, tell);
});

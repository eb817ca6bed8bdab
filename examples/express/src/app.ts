// An application whose members come by invitation: sign up, invite, join, and hear of it.
import { randomUUID } from "node:crypto";
import express, { type ErrorRequestHandler, type Request } from "express";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

type Owner = { organizationId: string; name: string };
type Invitation = { id: string; organizationId: string; email: string; role: string; status: string };
type Told = { type: string; data: { invitationId?: string } };

function refused(status: number, detail: string): Error {
  return Object.assign(new Error(detail), { status });
}

const { INVITED_URL, INVITED_KEY, WEBHOOK_SECRET = "", PORT = "3000" } = process.env;
const webhook = new Webhook(WEBHOOK_SECRET);
// An application has a database. Here: owners by their session, members by their invitation.
const owners = new Map<string, Owner>();
const members = new Map<string, Invitation>();

async function askInvited(path: string, body: object): Promise<Invitation> {
  const response = await fetch(`${INVITED_URL}/v1/${path}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${INVITED_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw refused(response.status, answer.detail);
  return answer;
}

function ownerOf(request: Request): Owner {
  const owner = owners.get(request.get("Authorization")?.replace(/^Bearer /, "") ?? "");
  if (!owner) throw refused(401, "Sign in first.");
  return owner;
}

const app = express();

// The signature is that of the bytes: this stands before what parses them.
app.post("/webhooks", express.raw({ type: "application/json" }), (request, response) => {
  const told = webhook.verify(request.body, request.headers as Record<string, string>) as Told;
  const member = members.get(told.data.invitationId ?? "");
  // Of other types, as webhook.test, there is nothing to do.
  if (member && told.type === "invitation.accepted") member.status = "accepted";
  response.sendStatus(204);
});

app.use(express.json());

app.post("/signup", ({ body: { name } }, response) => {
  const session = randomUUID();
  owners.set(session, { organizationId: randomUUID(), name });
  response.json({ session });
});

app.post("/invitations", async (request, response) => {
  const { organizationId, name } = ownerOf(request);
  const body = { email: request.body.email, role: "member", inviter: { name } };
  const invitation = await askInvited(`organizations/${organizationId}/invitations`, body);
  members.set(invitation.id, invitation);
  response.json(invitation);
});

app.get("/join", (_, response) => response.sendFile("join.html", { root: "../public" }));

app.post("/join", async ({ body: { token } }, response) => {
  response.json(await askInvited("invitations/accept", { token }));
});

app.get("/members", (request, response) => {
  const { organizationId } = ownerOf(request);
  response.json([...members.values()].filter((member) => member.organizationId === organizationId));
});

app.use(((error, _request, response, _next) => {
  const status = error instanceof WebhookVerificationError ? 401 : (error.status ?? 500);
  response.status(status).json({ detail: error.message });
}) satisfies ErrorRequestHandler);

app.listen(Number(PORT), "127.0.0.1");

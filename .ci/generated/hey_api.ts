// The story with @hey-api/openapi-ts.
import assert from "node:assert/strict";
import { acceptInvitation, acceptInvitationByToken, createInvitation, deleteInvitation, getInvitation, getInvitationLink, listInvitations } from "./generated/hey_api";
import { client } from "./generated/hey_api/client.gen";
import type { InvitationStatus, InvitationCreate, ProblemCode } from "./generated/hey_api";

// It asks for each scheme, and the last one that it is given counts.
client.setConfig({ baseUrl: process.env.INVITED_URL!, auth: ({ scheme }) => (scheme === "bearer" ? process.env.INVITED_KEY : undefined) });
const acme = { organizationId: "hey-api" };
const body: InvitationCreate = { email: "ada@example.com", role: "admin", metadata: { team: "core" } };

const made = await createInvitation({ path: acme, body });
assert.ok(made.data);
const path = { ...acme, invitationId: made.data.id };
const list = await listInvitations({ path: acme, query: { status: ["pending", "expired"], order: "asc" } });
assert.deepEqual(list.data?.map((one) => one.id), [made.data.id]);
const got = await getInvitation({ path });
const status: InvitationStatus | undefined = got.data?.status;
assert.equal(status, "pending");
assert.equal(got.data?.metadata?.team, "core");
const again = await createInvitation({ path: acme, body });
const code: ProblemCode | undefined = again.error?.code;
assert.equal(code, "already_invited");
assert.equal(again.error?.invitationId, made.data.id);
const accepted = await acceptInvitation({ path, body: { email: "ada@example.com", subject: "user_7" } });
assert.equal(accepted.data?.acceptedBy, "user_7");
const other = await createInvitation({ path: acme, body: { ...body, email: "bob@example.com" } });
assert.ok(other.data);
const link = await getInvitationLink({ path: { ...acme, invitationId: other.data.id } });
assert.ok(link.data);
const answered = await acceptInvitationByToken({ body: { token: link.data.token, email: "bob@example.com", subject: "user_8" } });
assert.deepEqual([answered.data?.acceptedBy, answered.data?.id], ["user_8", other.data.id]);
const deleted = await deleteInvitation({ path });
assert.equal(deleted.response?.status, 204);

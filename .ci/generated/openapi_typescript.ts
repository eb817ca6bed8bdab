// The story with openapi-typescript and openapi-fetch.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi_typescript";

const client = createClient<paths>({
  baseUrl: process.env.INVITED_URL!,
  // Several values stand in one parameter, by comma.
  querySerializer: { array: { style: "form", explode: false } },
  headers: { Authorization: `Bearer ${process.env.INVITED_KEY}` },
});
const acme = { organizationId: "openapi-typescript" };
const invitations = "/v1/organizations/{organizationId}/invitations";
const body: components["schemas"]["InvitationCreate"] = { email: "ada@example.com", role: "admin", metadata: { team: "core" } };

const made = await client.POST(invitations, { params: { path: acme }, body });
assert.ok(made.data);
const path = { ...acme, invitationId: made.data.id };
const list = await client.GET(invitations, { params: { path: acme, query: { status: ["pending", "expired"], order: "asc" } } });
assert.deepEqual(list.data?.map((one) => one.id), [made.data.id]);
const got = await client.GET(`${invitations}/{invitationId}`, { params: { path } });
const status: "pending" | "accepted" | "declined" | "revoked" | "expired" | undefined = got.data?.status;
assert.equal(status, "pending");
assert.equal(got.data?.metadata?.team, "core");
const again = await client.POST(invitations, { params: { path: acme }, body });
const code: components["schemas"]["ProblemCode"] | undefined = again.error?.code;
assert.equal(code, "already_invited");
assert.equal(again.error?.invitationId, made.data.id);
const accepted = await client.POST(`${invitations}/{invitationId}/accept`, { params: { path }, body: { email: "ada@example.com", subject: "user_7" } });
assert.equal(accepted.data?.acceptedBy, "user_7");
const other = await client.POST(invitations, { params: { path: acme }, body: { ...body, email: "bob@example.com" } });
assert.ok(other.data);
const link = await client.POST(`${invitations}/{invitationId}/link`, { params: { path: { ...acme, invitationId: other.data.id } } });
assert.ok(link.data);
const answered = await client.POST("/v1/invitations/accept", { body: { token: link.data.token, email: "bob@example.com", subject: "user_8" } });
assert.deepEqual([answered.data?.acceptedBy, answered.data?.id], ["user_8", other.data.id]);
const deleted = await client.DELETE(`${invitations}/{invitationId}`, { params: { path } });
assert.equal(deleted.response.status, 204);

// The story with orval: its functions for fetch, and its schemas for zod.
import assert from "node:assert/strict";
import { acceptInvitation, acceptInvitationByToken, createInvitation, deleteInvitation, getInvitation, getInvitationLink, listInvitations } from "./generated/orval/api";
import type { InvitationStatus, InvitationCreate, ProblemCode } from "./generated/orval/api";
import { acceptInvitationByTokenResponse, createInvitationBody, getInvitationResponse, listInvitationsResponse } from "./generated/orval/zod";

// orval's functions take the path alone.
const send = globalThis.fetch;
globalThis.fetch = (path, options) => send(new URL(String(path), process.env.INVITED_URL), options);
const options = { headers: { Authorization: `Bearer ${process.env.INVITED_KEY}` } };
const body: InvitationCreate = { email: "ada@example.com", role: "admin", metadata: { team: "core" } };
assert.deepEqual(createInvitationBody.parse(body), body);

const made = await createInvitation("orval", body, options);
assert.ok(made.status === 201);
const id = made.data.id;
const list = await listInvitations("orval", { status: ["pending", "expired"], order: "asc" }, options);
assert.ok(list.status === 200);
assert.deepEqual(listInvitationsResponse.parse(list.data).map((one) => one.id), [id]);
const got = await getInvitation("orval", id, options);
assert.ok(got.status === 200);
const status: InvitationStatus = getInvitationResponse.parse(got.data).status;
assert.equal(status, "pending");
assert.deepEqual(getInvitationResponse.parse(got.data).metadata, { team: "core" });
const again = await createInvitation("orval", body, options);
assert.ok(again.status === 409);
const code: ProblemCode = again.data.code;
assert.equal(code, "already_invited");
assert.equal(again.data.invitationId, id);
const accepted = await acceptInvitation("orval", id, { email: "ada@example.com", subject: "user_7" }, options);
assert.ok(accepted.status === 200);
assert.equal(accepted.data.acceptedBy, "user_7");
const other = await createInvitation("orval", { ...body, email: "bob@example.com" }, options);
assert.ok(other.status === 201);
const link = await getInvitationLink("orval", other.data.id, {}, options);
assert.ok(link.status === 200);
const answered = await acceptInvitationByToken({ token: link.data.token, email: "bob@example.com", subject: "user_8" }, options);
assert.ok(answered.status === 200);
const whole = acceptInvitationByTokenResponse.parse(answered.data);
assert.deepEqual([whole.acceptedBy, whole.id], ["user_8", other.data.id]);
const deleted = await deleteInvitation("orval", id, options);
assert.equal(deleted.status, 204);

// The story with the generator typescript-fetch of openapi-generator.
import assert from "node:assert/strict";
import { AnswersApi, Configuration, InvitationsApi, ProblemCode, ProblemFromJSON, ResponseError } from "./generated/typescript_fetch";
import type { InvitationStatus, InvitationCreate } from "./generated/typescript_fetch";

const configuration = new Configuration({ basePath: process.env.INVITED_URL, accessToken: process.env.INVITED_KEY });
const api = new InvitationsApi(configuration);
const acme = { organizationId: "typescript-fetch" };
const invitationCreate: InvitationCreate = { email: "ada@example.com", role: "admin", metadata: { team: "core" } };

const made = await api.createInvitation({ ...acme, invitationCreate });
const invitation = { ...acme, invitationId: made.id };
const list = await api.listInvitations({ ...acme, status: ["pending", "expired"], order: "asc" });
assert.deepEqual(list.map((one) => one.id), [made.id]);
const got = await api.getInvitation(invitation);
const status: InvitationStatus = got.status;
assert.equal(status, "pending");
assert.deepEqual(got.metadata, { team: "core" });
const again = await api.createInvitation({ ...acme, invitationCreate }).catch((error: unknown) => error);
assert.ok(again instanceof ResponseError && again.response.status === 409);
const problem = ProblemFromJSON(await again.response.json());
assert.equal(problem.code, ProblemCode.AlreadyInvited);
assert.equal(problem.invitationId, made.id);
const vouchedAcceptance = { email: "ada@example.com", subject: "user_7" };
const accepted = await api.acceptInvitation({ ...invitation, vouchedAcceptance });
assert.equal(accepted.acceptedBy, "user_7");
const other = await api.createInvitation({ ...acme, invitationCreate: { ...invitationCreate, email: "bob@example.com" } });
const link = await api.getInvitationLink({ ...acme, invitationId: other.id });
const answer = { token: link.token, email: "bob@example.com", subject: "user_8" };
const answered = await new AnswersApi(configuration).acceptInvitationByToken({ invitationAnswer: answer });
assert.deepEqual([answered.acceptedBy, answered.id], ["user_8", other.id]);
await api.deleteInvitation(invitation);

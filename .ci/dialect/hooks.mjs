// clickhouse-cloud-react-hooks: what its hooks fetch, read by its own strict schemas, which know the roles admin and developer only.
import assert from "node:assert/strict";
import * as hooks from "clickhouse-cloud-react-hooks";

const { INVITED_URL, INVITED_ROOT, INVITED_KEY, KEY_ID, KEY_SECRET } = process.env;

async function post(path, body) {
  const headers = { Authorization: `Bearer ${INVITED_KEY}`, "Content-Type": "application/json" };
  const answer = await fetch(INVITED_URL + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

async function joined(email, role) {
  const { id } = await post("/v1/organizations/hooks/invitations", { email, role });
  await post(`/v1/organizations/hooks/invitations/${id}/accept`, { email });
  return id;
}

for (const baseUrl of [`${INVITED_URL}/clickhouse`, INVITED_ROOT]) {
  const config = { keyId: KEY_ID, keySecret: KEY_SECRET, baseUrl };
  const get = async (path, schema) => (await hooks.fetcher(`/v1/organizations${path}`, config, schema)).result;
  const user = await joined("member@example.com", "billing:manager");
  await post("/v1/organizations/hooks/invitations", { email: "open@example.com", role: "viewer", onConflict: "return" });

  const organizations = await get("", hooks.OrganizationsResponseSchema);
  const own = organizations.find(({ name }) => name === "hooks");
  assert.equal((await get(`/${own.id}`, hooks.OrganizationResponseSchema)).id, own.id);

  const [open] = await get(`/${own.id}/invitations`, hooks.InvitationsResponseSchema);
  assert.deepEqual([open.email, open.role], ["open@example.com", "developer"]);
  assert.deepEqual(await get(`/${own.id}/invitations/${open.id}`, hooks.InvitationResponseSchema), open);
  const { createInvitation } = hooks.useCreateOrganizationInvitation(own.id, config);
  const made = await createInvitation({ email: "new@example.com", role: "admin" });
  const id = (made.result ?? made).id;
  await hooks.useDeleteOrganizationInvitation(own.id, id, config).deleteInvitation();

  const [member] = await get(`/${own.id}/members`, hooks.MembersResponseSchema);
  assert.deepEqual([member.userId, member.role], [user, "developer"]);
  assert.deepEqual(await get(`/${own.id}/members/${user}`, hooks.MemberResponseSchema), member);
  await hooks.useUpdateOrganizationMember(own.id, user, config).updateMember({ role: "admin" });
  assert.equal((await get(`/${own.id}/members/${user}`, hooks.MemberResponseSchema)).role, "admin");
  await hooks.useDeleteOrganizationMember(own.id, user, config).deleteMember();
  assert.deepEqual(await get(`/${own.id}/members`, hooks.MembersResponseSchema), []);
}

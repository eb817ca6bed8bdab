import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { after, mock, test } from "node:test";
import { WorkOS } from "@workos-inc/node";
import { createEmulator } from "workos/emulate";

const emulator = await createEmulator({ port: 0 });
const workos = new WorkOS(emulator.apiKey, { apiHostname: "localhost", port: emulator.port, https: false });
after(() => emulator.close());

test("a person joins, and the application is told", async () => {
  const endpoint = createServer().listen(0);
  const url = `http://localhost:${endpoint.address().port}/`;
  await workos.post("/webhook_endpoints", { endpoint_url: url, events: ["invitation.accepted"] });
  const told = once(endpoint, "request").then(([request, response]) => (response.end(), json(request)));
  const { id: organizationId } = await workos.organizations.createOrganization({ name: "Acme" });
  const invitation = await workos.userManagement.sendInvitation({ email: "new@example.com", organizationId });
  const { id } = await workos.userManagement.findInvitationByToken(invitation.token);
  assert.equal((await workos.userManagement.acceptInvitation(id)).state, "accepted");
  assert.equal((await told).data.id, id);
  endpoint.close();
});

test("an invitation that has expired is accepted", async () => {
  const { id } = await workos.userManagement.sendInvitation({ email: "late@example.com" });
  mock.timers.enable({ apis: ["Date"], now: Date.now() + 8 * 24 * 60 * 60 * 1000 });
  assert.equal((await workos.userManagement.acceptInvitation(id)).state, "accepted");
});

import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { Invited, tokenOf } from "@invited/test";

const invited = await Invited.start();
beforeEach(() => invited.reset());
after(() => invited.stop());

test("a person joins by the mail, and the application is told", async () => {
  const webhook = await invited.webhook("invitation.accepted");
  const invitation = await invited.invite("acme", "New@Example.com", "developer");
  const mail = await invited.mail("new@example.com");
  assert.match(await (await fetch(mail.link ?? "")).text(), /<form/);
  assert.equal((await invited.accept(tokenOf(mail))).status, "accepted");
  assert.equal((await webhook.next()).data.invitationId, invitation.id);
  await webhook.close();
});

test("an invitation expires", async () => {
  const { id } = await invited.invite("acme", "late@example.com", "developer");
  await invited.advance("8d");
  const late = await invited.request<{ status: string }>("GET", `/v1/organizations/acme/invitations/${id}`);
  assert.equal(late.status, "expired");
});

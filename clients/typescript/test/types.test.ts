/** The types of what is returned: a wrong name is an error of the compiler, and nothing comes by it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenOf, type InvitationPreview, type InvitedEvent } from "../src/index.js";
import { withServer } from "./server.js";

test("a wrong name of an invitation is found", () =>
  withServer({}, async (invited) => {
    const invitation = await invited.invite("acme", "new@example.com");
    // @ts-expect-error
    assert.equal(invitation.idd, undefined);
    // @ts-expect-error
    assert.equal(invitation.status === "acceptd", false);
    const accepted = await invited.accept(tokenOf(await invited.mail("new@example.com")));
    // @ts-expect-error
    assert.equal(accepted.stats, undefined);
    // The rest of the invitation has names, too, and comes to a key that vouches.
    assert.equal(accepted.id ?? accepted.acceptedBy, undefined);
    const shown: keyof InvitationPreview = "expiresAt";
    assert.equal(shown in accepted, true);
  }));

test("a wrong name of an event is found", () =>
  withServer({}, async (invited) => {
    const webhook = await invited.webhook();
    await invited.invite("acme", "new@example.com");
    const told: InvitedEvent = await webhook.next();
    // @ts-expect-error
    assert.equal(told.data.invitation, undefined);
    // @ts-expect-error
    assert.equal(told.type === "invitation.create", false);
    await webhook.close();
  }));

test("a wrong name of a mail is found", () =>
  withServer({}, async (invited) => {
    await invited.invite("acme", "new@example.com");
    // @ts-expect-error
    assert.equal((await invited.mail("new@example.com")).body, undefined);
    // @ts-expect-error
    await assert.rejects(invited.mail("new@example.com", "invite"), /422 .* one of: invitation, /);
  }));

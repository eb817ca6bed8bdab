/** What the story does not need. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Invited, InvitedError, tokenOf, type InvitedEvent } from "../src/index.js";
import { withServer } from "./server.js";

test("a snapshot is gone back to", () =>
  withServer({}, async (invited) => {
    const before = await invited.snapshot();
    await invited.invite("hooli", "ada@example.com");
    await invited.restore(before);
    assert.deepEqual(await invited.request("GET", "/v1/organizations/hooli/invitations"), []);
  }));

test("a code is read from its mail", () =>
  withServer({}, async (invited) => {
    await invited.request("PUT", "/v1/organizations/hooli", { acceptance: "code" });
    await invited.invite("hooli", "ada@example.com");
    const token = tokenOf(await invited.mail("ada@example.com"));
    await invited.request("POST", "/v1/invitations/code", { token });
    const code = await invited.code("ada@example.com");
    assert.equal((await invited.accept(token, { code })).status, "accepted");
  }));

test("mail and events that do not come fail the test", () =>
  withServer({}, async (invited) => {
    for (const wait of [0, 0.02]) {
      const late = new RegExp(`^Error: no code mail to nobody@example.com within ${wait} s$`);
      await assert.rejects(invited.code("nobody@example.com", wait), late);
    }
    const webhook = await invited.webhook();
    await assert.rejects(webhook.next(0.01), /^Error: no event within 0.01 s$/);
    await webhook.close();
  }));

test("an event goes to who waits for it, and to nobody who has given up", () =>
  withServer({}, async (invited) => {
    const webhook = await invited.webhook("invitation.created");
    await assert.rejects(webhook.next(0.01), /no event/);
    const next = webhook.next();
    const { id } = await invited.invite("hooli", "ada@example.com");
    assert.equal((await next).data.invitationId, id);
    await webhook.close();
  }));

test("a webhook that is refused leaves no endpoint", (context) =>
  withServer({}, async (invited) => {
    const { mock } = context.mock.method(Server.prototype, "listen");
    const failed = (error: unknown) => error instanceof InvitedError && error.status === 422;
    await assert.rejects(invited.webhook("nonsense"), failed);
    const endpoint = mock.calls[0]?.this as Server | undefined;
    for (let tries = 0; endpoint?.listening && tries < 500; tries++) await setTimeout(10);
    assert.equal(endpoint?.listening, false);
  }));

for (const name of ["DATABASE", "CONFIG", "SMTP_URL", "MAIL_WEBHOOK", "SEED"]) {
  test(`no setting of whoever runs the tests reaches the server: ${name}`, async () => {
    const own = join(tmpdir(), `invited-test-own-${process.pid}`);
    const value = name === "SMTP_URL" ? "smtp://127.0.0.1:1" : own;
    process.env[`INVITED_${name}`] = value;
    try {
      await withServer({}, async (invited) => {
        await invited.reset();
        await invited.invite("hooli", "ada@example.com");
        assert.notEqual(tokenOf(await invited.mail("ada@example.com")), "");
      });
      assert.equal(existsSync(own), false);
    } finally {
      delete process.env[`INVITED_${name}`];
    }
  });
}

test("a seed of ids and a clock make the same answers", async () => {
  const options = { clock: "2026-01-01T00:00:00Z", seedIds: 7 };
  const story = () => withServer(options, (invited) => invited.invite("hooli", "ada@example.com"));
  assert.deepEqual(await story(), await story());
});

test("a test of a webhook is an event of no organization", () =>
  withServer({}, async (invited) => {
    const webhook = await invited.webhook("invitation.accepted");
    await invited.request("POST", `/v1/webhooks/${webhook.id}/test`);
    const told = await webhook.next();
    const data = { id: told.data.id, webhookId: webhook.id };
    const expected: InvitedEvent = { type: "webhook.test", timestamp: told.timestamp, data };
    assert.deepEqual(told, expected);
    await webhook.close();
  }));

for (const binary of ["/nowhere/invited", "invited-nowhere", tmpdir()]) {
  test(`a program that is not there is told with what names it: ${binary}`, async () => {
    const own = process.env["INVITED_BIN"];
    process.env["INVITED_BIN"] = binary;
    try {
      const hint = new RegExp(`^Error: no program ${binary}: .* INVITED_BIN$`);
      await assert.rejects(Invited.start(), hint);
    } finally {
      if (own === undefined) delete process.env["INVITED_BIN"];
      else process.env["INVITED_BIN"] = own;
    }
  });
}

test("what the program refuses is no server", async () => {
  await assert.rejects(Invited.start({ clock: "tomorrow" }), /exit code 2/);
});

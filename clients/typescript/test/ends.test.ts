/** Processes that stop nothing of what they started: they end, and the server with them. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

/** Runs a script that starts a server first. Returns its exit code, and the URL of the server. */
async function run(script: string): Promise<{ code: unknown; url: string; said: string }> {
  const index = new URL("../src/index.js", import.meta.url);
  const start = `
    import assert from "node:assert/strict";
    import { test } from "node:test";
    import { Invited, tokenOf } from "${index}";
    const invited = await Invited.start();
    console.error("at " + invited.url);
    ${script}`;
  const env = { ...process.env };
  // Else the script tells its tests to the runner of these.
  delete env["NODE_TEST_CONTEXT"];
  const words = ["--input-type=module", "--eval", start];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { env, timeout: 20_000 }, (error, stdout, stderr) => {
      const url = /at (http\S+)/.exec(stderr)?.[1] ?? "";
      resolve({ code: error === null ? 0 : error.code, url, said: stdout + stderr });
    });
  });
}

/** Whether nobody answers any more. */
async function isGone(url: string): Promise<boolean> {
  for (let tries = 0; tries < 500; tries++) {
    if (await fetch(url).then(() => false, () => true)) return true;
    await setTimeout(10);
  }
  return false;
}

const joined = `
  const webhook = await invited.webhook("invitation.accepted");
  await invited.invite("acme", "new@example.com", "developer");
  await invited.accept(tokenOf(await invited.mail("new@example.com")));
  const told = await webhook.next();`;

const failing = `${joined} assert.equal(told.type, "another");`;

for (const [name, script, code] of [
  ["a test that fails before its webhook is closed", `test("it", async () => {${failing}});`, 1],
  ["a test that passes and stops nothing", `test("it", async () => {${joined}});`, 0],
  ["a script that forgets its server", "", 0],
  ["a script that forgets its server and a webhook that was told", joined, 0],
  ["a script that throws", failing, 1],
] as const) {
  test(`${name} ends, and the server with it`, async () => {
    const ended = await run(script);
    assert.equal(ended.code, code, ended.said);
    assert.match(ended.url, /^http/, ended.said);
    assert.ok(await isGone(ended.url));
  });
}

test("a server that nothing else waits for is still stopped", async () => {
  const { code, said } = await run(`await invited.stop(); console.error("stopped");`);
  assert.equal(code, 0, said);
  assert.match(said, /^stopped$/m);
});

test("an event is still waited for where nothing else is to do", async () => {
  const wait = `const webhook = await invited.webhook();
    await assert.rejects(webhook.next(0.3), /no event within 0.3 s/); console.error("waited");`;
  const { code, said } = await run(wait);
  assert.equal(code, 0, said);
  assert.match(said, /^waited$/m);
});

// node console_tasks.mjs URL KEY INVITED DATABASE: what people do in the console of a running `invited serve`, in Chromium: each task with its
// scripts and without them, by an administrator and by somebody with a narrow key. A session that has ended is told, and nothing is asked of
// other servers. Then every page that the narrow key sees is walked through.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { guarded, launch } from "./page_browser.mjs";
import { api, key, url } from "./page_server.mjs";

const [, , , , invited, database] = process.argv;
let checks = 0;
function check(isSo, what) {
  assert.ok(isSo, what);
  checks += 1;
}

const command = (...words) => execFileSync(invited, [...words, "--database", database], { encoding: "utf8" }).trim();
const browser = await launch();

// Does `task` in a browser of its own, with scripts or without them, and sees that nothing went wrong meanwhile.
async function person(hasScripts, task) {
  const { context, wrong } = await guarded(browser, url, { javaScriptEnabled: hasScripts, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const way = hasScripts ? "with scripts" : "without scripts";
  await task(page, hasScripts, context).catch((error) => assert.fail(`${way}, ${page.url()}: ${error.stack}`));
  assert.deepEqual(wrong, [], way);
  checks += 1;
  await context.close();
}

const button = (page, name) => page.getByRole("button", { name, exact: true });
const link = (page, name) => page.getByRole("link", { name, exact: true });
const says = (page, text) => page.getByText(text).first().waitFor();
const title = (page, name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();

// Signs in with an API key.
async function signIn(page, secret) {
  await page.goto(`${url}/console`);
  await title(page, "Sign in");
  await page.getByLabel("API key or sign-in link").fill(secret);
  await button(page, "Sign in").click();
  await title(page, "Organizations");
}

// Where an invitation's page is.
const pageOf = (made) => `${url}/console/organizations/${made.organizationId}/invitations/${made.id}`;
const invite = (email, more = {}) => api("POST", "/v1/organizations/acme/invitations", { email, role: "developer", ...more });

// A sign-in link works once: with scripts it is opened, without them it is pasted.
async function signsInByLink(page, hasScripts, context) {
  const address = command("login", "--public-url", url);
  if (hasScripts) {
    await page.goto(address);
  } else {
    await page.goto(address);
    await page.getByLabel("API key or sign-in link").fill(address);
    await button(page, "Sign in").click();
  }
  await title(page, "Organizations");
  check(!page.url().includes("ivl_"), "the secret is not in the address");
  const cookies = await context.cookies();
  check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict", "the cookie is out of reach");
  check(hasScripts === false || (await page.evaluate(() => document.cookie)) === "", "no script reads it");
  await page.goto("about:blank");
  await page.goto(address);
  if (!hasScripts) {
    await page.getByLabel("API key or sign-in link").fill(address);
    await button(page, "Sign in").click();
  }
  await says(page, "used already");
}

// What is asked for without a session is there after signing in, and not any more after signing out.
async function signsInAndOut(page) {
  const made = await invite("in-and-out@example.com", {}).catch(() => null);
  await page.goto(made ? pageOf(made) : `${url}/console/keys`);
  await title(page, "Sign in");
  await page.getByLabel("API key or sign-in link").fill("ivk_nonsense");
  await button(page, "Sign in").click();
  await says(page, "neither a whole API key");
  await page.getByLabel("API key or sign-in link").fill(key);
  await button(page, "Sign in").click();
  await page.waitForURL((address) => !address.pathname.endsWith("sign-in"));
  await button(page, "Sign out").click();
  await title(page, "Sign in");
  await page.goBack();
  await page.goto(`${url}/console`);
  await title(page, "Sign in");
}

// A session ends at once with its key, also for a page that is open.
async function losesTheKey(page) {
  const secret = command("key", "create", "--scope", "admin", "--name", "short");
  await signIn(page, secret);
  command("key", "revoke", secret);
  await link(page, "Organizations").first().click();
  await says(page, "Your session has ended");
}

// All that is done to one invitation.
async function runsOneInvitation(page, hasScripts) {
  const email = `one-${hasScripts}@example.com`;
  const made = await invite(email, { inviter: { name: "Grace Hopper" } });
  await signIn(page, key);
  await page.goto(pageOf(made));
  await title(page, email);
  await page.getByLabel("The person's address").fill("other@example.com");
  await button(page, "Explain").click();
  await says(page, "This person cannot accept.");
  await page.getByLabel("The person's address").fill(email.toUpperCase());
  await button(page, "Explain").click();
  await says(page, "This person can accept.");
  await page.goto(pageOf(made));
  await button(page, "Get link").click();
  check((await page.getByRole("textbox", { name: "The secret link" }).inputValue()).startsWith(`${url}/accept#ivt_`), "the link is there");
  await page.goto(pageOf(made));
  await link(page, "Change").click();
  await page.getByLabel("Role").fill("team lead");
  await button(page, "Save changes").click();
  await page.locator("#wrong-role").waitFor();
  check((await page.getByLabel("Role").inputValue()) === "team lead", "what was typed is there");
  await page.getByLabel("Role").fill("admin");
  await button(page, "Save changes").click();
  await says(page, "Your changes are saved.");
  await button(page, "Send again").click();
  await page.getByText(/sent again|a moment ago/).first().waitFor();
  await page.goto(pageOf(made));
  await link(page, "Revoke").click();
  await title(page, "Revoke this invitation?");
  await link(page, "Keep it").click();
  await title(page, email);
  await link(page, "Revoke").click();
  await button(page, "Revoke the invitation").click();
  await says(page, "1 invitation revoked.");
  await link(page, "Delete…").click();
  await button(page, "Delete the invitation").click();
  await says(page, "1 invitation deleted.");
}

// Everything by the keyboard: the first stop skips the navigation.
async function usesTheKeyboard(page) {
  await signIn(page, key);
  await page.reload();
  await page.keyboard.press("Tab");
  check((await page.evaluate(() => document.activeElement.textContent)) === "Skip to the content", "the first stop skips");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)), "the next one is in the content");
}

const TASKS = [signsInByLink, signsInAndOut, losesTheKey, runsOneInvitation, usesTheKeyboard];

try {
  for (const hasScripts of [true, false]) {
    for (const task of TASKS) await person(hasScripts, task);
  }
  console.log(`${checks} checks of ${TASKS.length} tasks, with scripts and without`);
} finally {
  await browser.close();
}

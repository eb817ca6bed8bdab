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
  check((await page.locator("#side").count()) === 0, "nothing of the old page is left");
}

// What fails is a page of its own, and the way back leads to where the person was. A form keeps them at their page.
async function losesTheWay(page, hasScripts) {
  const made = await invite(`gone-${hasScripts}@example.com`);
  await signIn(page, key);
  await page.goto(`${url}/console/organizations/acme`);
  await api("DELETE", `/v1/organizations/acme/invitations/${made.id}`);
  await link(page, made.email).click();
  await page.waitForURL(pageOf(made));
  check((await page.locator("#side").count()) === 0, "the error stands alone");
  check(await page.locator("main").evaluate((main) => getComputedStyle(main).maxWidth !== "none"), "it has its style");
  await link(page, "Go to the console").click();
  await title(page, "Organizations");

  const third = await invite(`explained-${hasScripts}@example.com`);
  await page.goto(pageOf(third));
  await api("DELETE", `/v1/organizations/acme/invitations/${third.id}`);
  await page.getByLabel("The person's address").fill("other@example.com");
  await button(page, "Explain").click();
  await link(page, "Go to the console").click();
  await title(page, "Organizations");

  const other = await invite(`ended-${hasScripts}@example.com`);
  await page.goto(pageOf(other));
  command("logout", "--all");
  await button(page, "Get link").click();
  await says(page, "Your session has ended");
  await page.getByLabel("API key or sign-in link").fill(key);
  await button(page, "Sign in").click();
  await title(page, other.email);
  check(page.url() === pageOf(other), "they are where they were");
}

// A link on another site shows what it leads to, though the browser keeps the cookie back at first.
async function comesByALink(page) {
  await signIn(page, key);
  await page.goto("about:blank");
  await page.setContent(`<a href="${url}/console/keys?x=1">here</a>`);
  await link(page, "here").click();
  await title(page, "Keys");
  check(page.url() === `${url}/console/keys?x=1`, "with its query");
}

// With scripts the focus stays where something is to be done.
async function keepsTheFocus(page, hasScripts) {
  if (!hasScripts) { return; }
  const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
  const made = await invite("focus@example.com");
  await signIn(page, key);
  await link(page, "Keys").click();
  await title(page, "Keys");
  await page.waitForFunction(() => document.activeElement.id === "content");
  await link(page, "New key").click();
  await title(page, "New key");
  await page.getByLabel("Name", { exact: true }).fill("focus");
  await button(page, "Make the key").click();
  await page.waitForFunction(() => document.activeElement.id === "trouble");
  await page.goto(pageOf(made));
  await page.getByLabel("The person's address").fill("other@example.com");
  await button(page, "Explain").click();
  await says(page, "This person cannot accept.");
  await page.waitForTimeout(100);
  check((await focus()) === "explain-go", "the button has it");
  await button(page, "Get link").click();
  await page.waitForFunction(() => document.activeElement.id === "content");
  for (let times = 0; times < 2; times += 1) { await page.locator("[data-copy]").click(); }
  await page.waitForTimeout(2300);
  check((await page.locator("[data-copy]").textContent()) === "Copy", "the button has its word again");
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

// A person's first ten minutes: an organization, five people from a file, a row that is wrong, one that is there already.
async function invitesFromAFile(page, hasScripts) {
  const id = `team-${hasScripts}`;
  await signIn(page, key);
  await link(page, "New organization").click();
  await title(page, "New organization");
  await page.getByLabel("Id", { exact: true }).fill("not an id");
  await button(page, "Make it").click();
  await page.locator("[aria-invalid=true]").waitFor();
  await page.getByLabel("Id", { exact: true }).fill(id);
  await page.getByLabel("Name", { exact: true }).fill("Team <Nord> & Co.");
  await button(page, "Make it").click();
  await title(page, "Team <Nord> & Co.");
  await says(page, "Nobody is invited yet");
  await link(page, "Import a list").click();
  const rows = ["\ufeffName;E-Mail;Role", '"Hopper; Grace";Grace@Example.com;admin', "Ada;ada@example.com;", "Linus;linus@;viewer", ";ada@example.com;viewer", "Edsger;edsger@example.net;", "Barbara;barbara@example.com;viewer", "Alan;alan@example.com;viewer"];
  if (hasScripts) {
    await page.getByLabel("Or choose a file").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from(rows.join("\r\n"), "utf16le") });
    await page.waitForFunction(() => document.querySelector("#list").value.includes("barbara"));
  } else {
    await page.getByLabel("Addresses or CSV").fill(rows.join("\n"));
  }
  await page.getByLabel("Role").fill("developer");
  await button(page, "Check the list").click();
  await title(page, "Check before you invite");
  check((await page.locator("main .chip.good").count()) === 5 && (await page.locator("main .chip.warn").count()) === 2, "each row has its fate");
  check((await api("GET", `/v1/organizations/${id}/invitations`)).length === 0, "nothing was sent");
  await button(page, "Invite 5 people").click();
  await title(page, "Team <Nord> & Co.");
  await says(page, "5 invitations made, 2 rows were refused.");
  const made = await api("GET", `/v1/organizations/${id}/invitations`);
  check(made.length === 5 && made.find(({ email }) => email === "grace@example.com").metadata.name === "Hopper; Grace", "they are invited");

  await page.getByRole("searchbox", { name: "Part of an address" }).fill("example.net");
  await button(page, "Filter").click();
  await says(page, "1 invitation");
  check(page.url().includes("q=example.net"), "the filter is in the address");
  await link(page, "Show all").click();
  await page.getByRole("row", { name: /ada@/ }).getByRole("checkbox").check();
  await page.getByRole("row", { name: /alan@/ }).getByRole("checkbox").check();
  await button(page, "Revoke").click();
  await title(page, "Revoke 2 invitations?");
  await button(page, "Revoke 2 invitations").click();
  await says(page, "2 invitations revoked.");
  const download = page.waitForEvent("download");
  await link(page, "Export CSV").click();
  check((await download).suggestedFilename().endsWith(".csv"), "the list is a file");
}

// Settings, and the end of an organization.
async function runsAnOrganization(page, hasScripts) {
  const id = `short-${hasScripts}`;
  await api("PUT", `/v1/organizations/${id}`, { name: "Short" });
  await signIn(page, key);
  await page.goto(`${url}/console/organizations/${id}/settings`);
  await page.getByLabel("Name", { exact: true }).fill("Shorter");
  await button(page, "Save").click();
  await says(page, "saved");
  check((await api("GET", `/v1/organizations/${id}`)).name === "Shorter", "the name is another one");
  await page.goto(`${url}/console/organizations/${id}/delete`);
  await page.getByRole("textbox").fill("another");
  await page.locator("main form button").click();
  check((await api("GET", `/v1/organizations/${id}`)).name === "Shorter", "a wrong id deletes nothing");
  await page.getByRole("textbox").fill(id);
  await page.locator("main form button").click();
  await title(page, "Organizations");
}

// A key is made, shown once, and revoked.
async function runsKeys(page, hasScripts) {
  const name = `ci ${hasScripts}`;
  await signIn(page, key);
  await link(page, "Keys").click();
  await link(page, "New key").click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await button(page, "Make the key").click();
  await page.getByRole("alert").first().waitFor();
  check((await page.getByLabel("Name", { exact: true }).inputValue()) === name, "what was typed is there");
  await page.getByRole("checkbox", { name: /invitations:read/ }).check();
  await button(page, "Make the key").click();
  await link(page, "I have copied it").waitFor();
  const plain = (await page.content()).match(/ivk_[0-9a-f]{16}_[0-9a-f]{72}/)[0];
  const asked = () => fetch(`${url}/v1/organizations`, { headers: { Authorization: `Bearer ${plain}` } });
  check((await asked()).status === 200, "the key works");
  await link(page, "I have copied it").click();
  await title(page, "Keys");
  check(!(await page.content()).includes(plain), "it is not shown again");
  await link(page, name).click();
  await page.getByRole("link", { name: /Revoke/ }).click();
  await button(page, "Revoke the key").click();
  await says(page, "The key is revoked.");
  check((await asked()).status === 401, "the key opens nothing");
}

// A webhook is made, paused, enabled and deleted.
async function runsWebhooks(page, hasScripts) {
  await signIn(page, key);
  await link(page, "Webhooks").click();
  await page.getByRole("link", { name: "New webhook" }).first().click();
  await page.getByLabel("URL").fill("ftp://hooks.example.com");
  await page.getByLabel("Name", { exact: true }).fill(`hook ${hasScripts}`);
  await button(page, "Make the webhook").click();
  await page.getByRole("alert").first().waitFor();
  await page.getByLabel("URL").fill("https://hooks.example.com/in");
  await page.getByRole("checkbox", { name: /invitation\.created/ }).check();
  await button(page, "Make the webhook").click();
  await link(page, "I have copied it").click();
  await button(page, "Pause").click();
  await button(page, "Enable").click();
  await button(page, "Pause").waitFor();
  await page.getByRole("link", { name: /Delete/ }).click();
  await button(page, "Delete the webhook").click();
  await says(page, "The webhook is deleted.");
  await link(page, "History").click();
  await title(page, "History");
  await page.getByText(/[Ww]ebhook/).first().waitFor();
}

// Somebody with a key that may only read, and only one organization.
async function seesOnlyTheOwn(page) {
  await api("PUT", "/v1/organizations/acme", { name: "Acme" });
  const secret = command("key", "create", "--scope", "invitations:read", "--organization", "acme", "--name", "reader");
  await signIn(page, secret);
  check((await page.locator("tbody tr").count()) === 1, "there is one organization");
  for (const name of ["Keys", "Webhooks", "Mail", "Health", "History", "New organization"]) {
    check((await link(page, name).count()) === 0, `no way to ${name}`);
  }
  await link(page, "Acme").click();
  await title(page, "Acme");
  check((await page.getByRole("checkbox").count()) === 0 && (await link(page, "Import").count()) === 0, "nothing can be changed");
  const foreign = await page.goto(`${url}/console/organizations/team-true`);
  check(foreign.status() === 404, "what is not theirs is not there");
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

const TASKS = [signsInByLink, signsInAndOut, losesTheKey, losesTheWay, comesByALink, keepsTheFocus, runsOneInvitation, invitesFromAFile, runsAnOrganization, runsKeys, runsWebhooks, seesOnlyTheOwn, usesTheKeyboard];

try {
  for (const hasScripts of [true, false]) {
    for (const task of TASKS) await person(hasScripts, task);
  }
  console.log(`${checks} checks of ${TASKS.length} tasks, with scripts and without`);
} finally {
  await browser.close();
}

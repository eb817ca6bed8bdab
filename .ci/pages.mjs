// node pages.mjs URL: the pages of a running `invited dev` in Chromium. Opening a link changes nothing; a click on a mailed link joins,
// and address and code accept by any other; what others wrote stays text; nothing is asked of other servers. With a key, `node pages.mjs URL KEY`: those of a server without mail.
import assert from "node:assert/strict";
import { guarded, launch } from "./page_browser.mjs";
import { MARKUP } from "./page_markup.mjs";
import { api, at, key, url } from "./page_server.mjs";

let checks = 0;
function check(isSo, what) {
  assert.ok(isSo, what);
  checks += 1;
}

const invite = (organization, body) => api("POST", `/v1/organizations/${organization}/invitations`, { role: "developer", ...body });

// The newest mail of a kind to an address.
async function mail(to, kind) {
  const mails = await api("GET", `/dev/mailbox?to=${encodeURIComponent(to)}&kind=${kind}&wait=10s`);
  assert.ok(mails.length > 0, `no ${kind} for ${to}`);
  return mails[0];
}

// The link that an application gets: it proves nothing.
const given = async (invitation) => (await api("POST", `${at(invitation)}/link`)).url;

// Everything that opening a link could change.
const state = async (invitation) =>
  JSON.stringify([await api("GET", at(invitation)), await api("GET", `/v1/organizations/${invitation.organizationId}/events`)]);

const browser = await launch();
const { context, wrong } = await guarded(browser, url, { viewport: { width: 360, height: 640 } });

function nothingWrong(where) {
  assert.deepEqual(wrong, [], where);
  checks += 1;
}

// Opens `address` in a tab of its own, and answers what `look` makes of it.
async function visit(address, look) {
  const page = await context.newPage();
  await page.goto(address);
  const seen = await look(page).catch((error) => assert.fail(`${address}: ${error.message}`));
  nothingWrong(address);
  await page.close();
  return seen;
}

const alert = (page, text) =>
  page.waitForFunction((text) => [...document.querySelectorAll("[role=alert]")].some((one) => one.textContent.includes(text)), text);
const focused = (page) => page.evaluate(() => document.activeElement.value && document.activeElement.tagName === "BUTTON" ? document.activeElement.value : document.activeElement.id);

// That the field with this id is told as wrong, has the focus, and is described by `text`.
async function fieldIsWrong(page, id, text) {
  await alert(page, text);
  check((await page.getAttribute(`#${id}`, "aria-invalid")) === "true", `${id} is told as wrong`);
  const described = await page.getAttribute(`#${id}`, "aria-describedby");
  check((await page.textContent(`#${described}`)).includes(text), `${id} is described by what is wrong`);
  check((await focused(page)) === id, `${id} has the focus`);
}

const title = (page, text) => page.waitForFunction((text) => document.querySelector("h1").textContent.includes(text), text);

// The form that is shown.
const shown = (page, id) => page.waitForSelector(`#${id}:not([hidden])`);

// Invites `email`, opens the link of its mail, and has `look` see the page while nothing is changed yet.
async function byMail(organization, email, look) {
  const made = await invite(organization, { email, inviter: { name: "Grace Hopper" }, redirectUrl: `${url}/health/live` });
  const { link } = await mail(email, "invitation");
  check(link.startsWith(`${url}/accept#ivm_`), link);
  const before = await state(made);
  return visit(link, async (page) => {
    await title(page, `Join ${organization}`);
    await page.waitForTimeout(500);
    check((await state(made)) === before, "a browser that loads and does not click changes nothing");
    check(!(await page.content()).match(/iv[tm]_|@example/) && page.url() === `${url}/accept`, "neither token nor address is on the page");
    await look(page, made);
    return link;
  });
}

async function joinsByOneClick() {
  const link = await byMail("hooli", "joins@example.com", async (page, made) => {
    check((await page.innerText("#join button")) === "Join hooli", "the button says what it does");
    check((await page.locator("button:visible").count()) === 2 && !(await page.isVisible("input")), "nothing else is asked for");
    check((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, "it fits a phone");
    // By keyboard only; at first nobody could reach the server.
    await page.route("**/accept", (route) => route.abort(), { times: 1 });
    await page.keyboard.press("Tab");
    check((await focused(page)) === "join", "the first stop is the button");
    await page.keyboard.press("Enter");
    await alert(page, "cannot be reached");
    check((await focused(page)) === "join" && (await api("GET", at(made))).status === "pending", "it can be tried again");
    await page.keyboard.press("Enter");
    await title(page, "Welcome to hooli");
    check((await page.textContent("#message")) === "You have joined as developer.", "the sentence is whole");
    check((await focused(page)) === "title", "and is read out");
    check((await api("GET", at(made))).status === "accepted", "one click joins");
    check((await page.getAttribute("#continue", "href")) === `${url}/health/live`, "the way on is a link");
    check((await page.evaluate(() => sessionStorage.length)) === 0, "nothing is kept");
  });
  check((await api("GET", "/dev/mailbox?to=joins@example.com&kind=code")).length === 0, "no code was sent");
  await visit(link, async (page) => {
    await page.waitForFunction(() => document.body.innerText.includes("has been accepted"));
    check(!(await page.isVisible("button")), "an accepted one asks for nothing");
  });
}

async function declinesAfterAskingOnceMore() {
  await byMail("hooli", "declines@example.com", async (page, made) => {
    await page.focus("#join [value=decline]");
    await page.keyboard.press("Enter");
    await title(page, "Decline the invitation to hooli?");
    check((await focused(page)) === "title", "the question is read out");
    check((await api("GET", at(made))).status === "pending", "asking changes nothing");
    await page.keyboard.press("Tab");
    check((await focused(page)) === "refuse", "the answers are next");
    await page.click("text=Back");
    await title(page, "Join hooli");
    check((await focused(page)) === "decline", "the way back leads to where one was");
    await page.click("#join [value=decline]");
    await page.reload();
    await shown(page, "join");
    await page.click("#join [value=decline]");
    await page.click("#refuse [value=refuse]");
    await title(page, "Invitation declined");
    check((await api("GET", at(made))).status === "declined", "it is declined");
  });
}

async function sendsTheCodeByOneClick() {
  await api("PUT", "/v1/organizations/careful", { acceptance: "code" });
  await byMail("careful", "careful@example.com", async (page, made) => {
    check((await page.isVisible("#send")) && !(await page.isVisible("#join")) && !(await page.isVisible("input")), "no address is asked for");
    await page.keyboard.press("Tab");
    check((await focused(page)) === "send", "the first stop is the button");
    await page.keyboard.press("Enter");
    await shown(page, "answer");
    check((await focused(page)) === "code", "the code is asked for next");
    await mail("careful@example.com", "code");
    await page.reload();
    await shown(page, "answer");
    const sent = page.waitForResponse("**/accept");
    await page.click("text=Send a new code");
    await sent;
    await page.waitForFunction(() => document.activeElement.id === "code");
    const codes = () => api("GET", "/dev/mailbox?to=careful@example.com&kind=code&wait=10s");
    while ((await codes()).length < 2) await page.waitForTimeout(100);
    const [{ code }] = await codes();
    await page.fill("#code", code === "000000" ? "000001" : "000000");
    await page.keyboard.press("Enter");
    await fieldIsWrong(page, "code", "didn't work");
    check((await api("GET", at(made))).status === "pending", "a wrong code accepts nothing");
    await page.fill("#code", code);
    await page.keyboard.press("Enter");
    await title(page, "Welcome");
    check((await api("GET", at(made))).status === "accepted", "the right one accepts");
  });
}

async function asksForMoreWhereMoreIsAskedMeanwhile() {
  await byMail("strict", "strict@example.com", async (page, made) => {
    await api("PUT", "/v1/organizations/strict", { acceptance: "code" });
    await page.click("#join [value=join]");
    await shown(page, "send");
    check((await focused(page)) === "title" && (await api("GET", at(made))).status === "pending", "the click did not join");
    await api("PUT", "/v1/organizations/strict", {});
    await page.reload();
    await shown(page, "join");
    await api("POST", `${at(made)}/resend`);
    await page.click("#join [value=join]");
    await title(page, "This link is not valid");
    check((await focused(page)) === "title", "that is read out");
    check(!(await page.isVisible("button")), "a link that died meanwhile asks for nothing");
  });
}

async function showsNoOtherStepFirst() {
  await api("PUT", "/v1/organizations/slow", { acceptance: "code" });
  for (const [organization, step] of [["hooli", "join"], ["slow", "send"]]) {
    const made = await invite(organization, { email: "slow@example.com" });
    for (const [link, expected] of [[(await mail("slow@example.com", "invitation")).link, step], [await given(made), "ask"]]) {
      const page = await context.newPage();
      await page.addInitScript(() => {
        window.seen = [];
        const look = () => document.querySelectorAll("form:not([hidden])").forEach(({ id }) => window.seen.includes(id) || window.seen.push(id));
        new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
      });
      await page.route("**/accept", async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 200));
        await route.continue();
      });
      await page.goto(link);
      await shown(page, expected);
      check((await page.evaluate(() => window.seen.join())) === expected, `only ${expected} was ever shown`);
      await page.close();
    }
  }
}

async function acceptsByCode() {
  const made = await invite("hooli", {
    email: "ada@example.com", inviter: { name: "Grace Hopper" }, redirectUrl: `${url}/health/live`,
  });
  const before = await api("GET", at(made));
  const link = await given(made);
  check(link.startsWith(`${url}/accept#ivt_`), link);
  await visit(link, async (page) => {
    await title(page, "Join hooli");
    const text = await page.innerText("body");
    check(text.includes("Grace Hopper") && text.includes("developer"), text);
    check(!(await page.content()).includes("ada@example.com"), "the page shows no address");
    check(page.url() === `${url}/accept`, "the token leaves the address bar");
    check(!(await page.content()).match(/iv[tm]_/), "the token is nowhere on the page");
    await page.waitForTimeout(1000);
    const after = await api("GET", at(made));
    check(after.status === "pending" && after.updatedAt === before.updatedAt, "opening the link changes nothing");
    check((await api("GET", "/dev/mailbox?to=ada@example.com&kind=code")).length === 0, "no code is asked for by opening it");
    check((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, "it fits a phone");

    // By keyboard only: the address, the wrong one first.
    await page.focus("#email");
    await page.keyboard.type("nonsense");
    await page.keyboard.press("Enter");
    await fieldIsWrong(page, "email", "not an e-mail");
    await page.fill("#email", "Ada@Example.com");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#answer:not([hidden])");
    const { code } = await mail("ada@example.com", "code");
    check((await focused(page)) === "code", "the code is asked for next");
    await page.keyboard.type(code === "000000" ? "000001" : "000000");
    await page.keyboard.press("Enter");
    await fieldIsWrong(page, "code", "didn't work");
    check((await api("GET", at(made))).status === "pending", "a wrong code accepts nothing");
    await page.fill("#code", code);
    await page.keyboard.press("Enter");
    await title(page, "Welcome to hooli");
    check((await page.textContent("#message")) === "You have joined as developer.", "the sentence is whole");
    check((await focused(page)) === "title", "and is read out");
    check((await api("GET", at(made))).status === "accepted", "the right one accepts");
    check((await page.getAttribute("#continue", "href")) === `${url}/health/live`, "the way on is a link");
    check((await page.isVisible("#continue")) && page.url() === `${url}/accept`, "and nobody is sent there unasked");
  });
  await visit(link, async (page) => {
    await page.waitForFunction(() => document.body.innerText.includes("has been accepted"));
    check(!(await page.isVisible("#ask")), "an accepted one asks for nothing");
  });
}

async function declines() {
  const made = await invite("hooli", { email: "bob@example.com" });
  await visit(await given(made), async (page) => {
    await page.fill("#email", "bob@example.com");
    await page.click("#ask button");
    await page.fill("#code", (await mail("bob@example.com", "code")).code);
    await page.click("#answer [value=reject]");
    await title(page, "Invitation declined");
  });
  check((await api("GET", at(made))).status === "declined", "it is declined");
}

// Arabic digits, and those that are as wide as an ideograph.
const arabic = (code) => code.replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit)));
const wide = (code) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));

// Invites `email`, and opens its link with the code asked for, which `look` gets.
async function withCode(email, look) {
  const made = await invite("hooli", { email });
  return visit(await given(made), async (page) => {
    await page.fill("#email", email);
    await page.click("#ask :text('Send me a code')");
    await page.waitForSelector("#answer:not([hidden])");
    await look(page, (await mail(email, "code")).code, made);
  });
}

async function takesACodeHoweverItIsTyped() {
  const half = (code, between) => `${code.slice(0, 3)}${between}${code.slice(3)}`;
  const spellings = [
    (code) => ` ${code} `, (code) => `\t${code}`, (code) => half(code, " "), (code) => half(code, "-"), (code) => half(code, "\u2013"),
    (code) => `Code: ${code}`, (code) => `Step 2: ${code}. It is good for 10 minutes.`, arabic, wide, (code) => half(wide(code), "\u3000"),
    (code) => [...code].join(" "), (code) => `\u200f${code}\u200e`,
  ];
  for (const [number, spell] of spellings.entries()) {
    await withCode(`typed${number}@example.com`, async (page, code, made) => {
      await page.fill("#code", "12345");
      await page.keyboard.press("Enter");
      await fieldIsWrong(page, "code", "six digits");
      await page.fill("#code", "");
      await page.keyboard.insertText(spell(code));
      await page.keyboard.press("Enter");
      await title(page, "Welcome");
      check((await api("GET", at(made))).status === "accepted", `${JSON.stringify(spell(code))} is taken`);
    });
  }
}

async function keepsItsPlaceOverAReload() {
  await withCode("reload@example.com", async (page, code, made) => {
    await page.reload();
    await page.waitForSelector("#answer:not([hidden])");
    await title(page, "Join hooli");
    check(page.url() === `${url}/accept` && !(await page.content()).match(/iv[tm]_/), "the token is neither shown nor in the address");
    await page.click("text=Use another address");
    await shown(page, "ask");
    check((await page.inputValue("#email")) === "reload@example.com", "the address is still there");
    check((await focused(page)) === "email", "and has the focus");
    check(!(await page.innerText("#message")).includes("on its way"), "and nothing is said of a code");
    await page.reload();
    await page.waitForSelector("#ask:not([hidden])");

    // The code that came is good still.
    await page.fill("#email", "");
    await page.click("#ask [value=have]");
    await fieldIsWrong(page, "email", "address first");
    await page.fill("#email", "reload@example.com");
    await page.click("#ask [value=have]");
    await shown(page, "answer");
    check((await focused(page)) === "code", "it leads to the field of the code");
    await page.fill("#code", code);
    await page.keyboard.press("Enter");
    await title(page, "Welcome");
    check((await api("GET", at(made))).status === "accepted", "it accepts");
    check((await page.evaluate(() => sessionStorage.length + localStorage.length)) === 0, "nothing is kept once it is answered");
    await page.reload();
    await page.waitForFunction(() => document.body.innerText.includes("Open the link in your invitation mail"));
  });
  // Another link in the same tab takes the place of what was kept; a cut one shows no other invitation.
  await withCode("first@example.com", async (page) => {
    const other = await invite("globex", { email: "second@example.com" });
    await page.goto(await given(other));
    await title(page, "Join globex");
    check((await page.inputValue("#email")) === "" && (await page.isVisible("#ask")), "it begins anew");
    await page.goto((await mail("second@example.com", "invitation")).link);
    await shown(page, "join");
    await page.goto(`${url}/accept#ivt_0123`);
    await page.waitForFunction(() => document.body.innerText.includes("This link is incomplete"));
    await page.goto(`${url}/accept`);
    await title(page, "Join globex");
    await api("POST", `${at(other)}/revoke`);
    await page.reload();
    await page.waitForFunction(() => document.body.innerText.includes("withdrawn"));
    check((await page.evaluate(() => sessionStorage.length)) === 0, "nothing is kept of one that cannot be answered");
  });
}

async function keepsTheFocusWhereThePersonIs() {
  await withCode("focus@example.com", async (page) => {
    await page.fill("#code", "000000");
    for (const button of ["accept", "reject"]) {
      await page.focus(`#answer [value=${button}]`);
      await page.route("**/accept", (route) => route.abort(), { times: 1 });
      await page.keyboard.press("Space");
      await alert(page, "cannot be reached");
      check((await focused(page)) === button, `${button} keeps the focus`);
    }
    // While one request is on its way no button sends another.
    let requests = 0;
    await page.route("**/accept", async (route) => {
      requests += 1;
      await new Promise((resolve) => setTimeout(resolve, 300));
      await route.abort();
    });
    for (const button of ["accept", "accept", "reject"]) {
      await page.click(`#answer [value=${button}]`, { force: true });
    }
    check((await page.getAttribute("#answer [value=accept]", "aria-disabled")) === "true", "it says that it waits");
    await alert(page, "cannot be reached");
    check(requests === 1 && (await page.getAttribute("#answer [value=accept]", "aria-disabled")) === "false", `${requests} request`);
    await page.unroute("**/accept");
    await page.focus("#answer [value=reject]");
    await page.fill("#code", "12345");
    await page.focus("#answer [value=reject]");
    await page.keyboard.press("Space");
    await fieldIsWrong(page, "code", "six digits");
  });
}

async function namesKeepTheirDirection() {
  const name = "مؤسسة النور (2024)!";
  await api("PUT", "/v1/organizations/nur", { name });
  await invite("nur", { email: "rtl@example.com", inviter: { name: "שרה כהן" } });
  await visit((await mail("rtl@example.com", "invitation")).link, async (page) => {
    await title(page, `Join ${name}`);
    const direction = (selector) => page.evaluate((selector) => getComputedStyle(document.querySelector(selector)).direction, selector);
    for (const selector of ["#title bdi", "#who bdi", "[value=join] bdi"]) {
      check((await direction(selector)) === "rtl", `${selector} goes from right to left`);
    }
    check((await direction("#title")) === "ltr" && (await direction("#who")) === "ltr", "and nothing else does");
  });
}

async function saysWhatIsWrongWithALink() {
  const say = (address, text) => visit(address, (page) => page.waitForFunction((text) => document.body.innerText.includes(text), text));
  await say(`${url}/accept`, "Open the link in your invitation mail");
  await say(`${url}/accept#nonsense`, "This link is not valid");
  await say(`${url}/accept#%`, "This link is not valid");
  await say(`${url}/accept#ivt_${"0".repeat(32)}_${"0".repeat(64)}`, "This link is not valid");
  for (const cut of ["#i", "#ivt", "#ivm", "#ivm_", `#ivm_${"0".repeat(32)}`, "%23ivm_0123", "#ivt_", "#ivt_0123", `#ivt_${"0".repeat(32)}`, `#ivt_${"0".repeat(32)}_${"0".repeat(63)}`,
    `#${"0".repeat(20)}_${"0".repeat(64)}`, "%23ivt_0123", "?token=ivt_0123"]) {
    await say(`${url}/accept${cut}`, "This link is incomplete");
  }
  await say(`${url}/accept?fbclid=${"0".repeat(40)}`, "Open the link in your invitation mail");
  const made = await invite("hooli", { email: "carl@example.com" });
  const { link } = await mail("carl@example.com", "invitation");
  await api("POST", `${at(made)}/resend`);
  await say(link, "This link is not valid");
  const newest = await mail("carl@example.com", "invitation");
  check(newest.link !== link, "the mail of the resend is the newest one");
  await api("POST", `${at(made)}/revoke`);
  await say(newest.link, "withdrawn");
  checks += 20;
}

// What becomes of links in mail programs, filters, trackers and notes of people.
async function findsTheTokenInWhateverBecameOfTheLink() {
  const made = await invite("hooli", { email: "dora@example.com" });
  const { link } = await mail("dora@example.com", "invitation");
  const token = link.split("#")[1];
  const [half, rest] = [token.slice(0, 50), token.slice(50)];
  const spellings = [
    `?utm_source=mail#${token}`, `?fbclid=1#${token}`, `/#${token}`, `%23${token}`, `%2523${token}`, `/%252523${token}`,
    `%23${token}?utm_source=mail`, `%23${token}/`, `%23${token}&url=https://example.com/a/b`,
    `#${token}?utm_source=x`, `#${token}&utm_source=x`, `#${token}/`, `#${token}.`, `#${token},`, `#${token})`, `#<${token}>`,
    `#%3C${token}%3E`, `#"${token}"`, `##${token}`, `#%23${token}`, `#token=${token}`, `#${half}%0D%0A${rest}`, `#${half}%20${rest}`,
    `#${half}%C2%AD${rest}`, `#${token.toUpperCase()}`, `#${token.replaceAll("_", "%5F")}`, `#${token.replaceAll("_", "")}`,
    `?token=${token}`, `?%23${token}`, `#${token}#${token}`, `#${(await given(made)).split("#")[1]}`,
  ];
  for (const spelling of spellings) {
    await visit(`${url}/accept${spelling}`, async (page) => {
      await title(page, "Join hooli");
      check(page.url() === `${url}/accept`, `the token leaves the address bar: ${spelling}`);
      check((await page.evaluate(() => getComputedStyle(document.querySelector("main")).maxWidth)) !== "none", "with its style");
    });
  }
  check((await api("GET", at(made))).status === "pending", "opening the links changes nothing");
}

async function storedTextIsText() {
  check(MARKUP.length >= 60, `${MARKUP.length} payloads`);
  for (const [number, markup] of MARKUP.entries()) {
    const organization = `x${number}`;
    const email = `x${number}@example.com`;
    await api("PUT", `/v1/organizations/${organization}`, { name: markup });
    const made = await invite(organization, { email, inviter: { name: markup } });
    const { id, link } = await mail(email, "invitation");
    await visit(link, async (page) => {
      await title(page, "Join ");
      check((await page.textContent("h1")).includes(markup), `${markup} is text in the title`);
      check((await page.title()) === `Join ${markup}`, `${markup} is text in the name of the tab`);
      check((await page.textContent("#who")) === `${markup} invited you to join as developer.`, `${markup} is text as an inviter`);
      check((await page.textContent("#join [value=join]")) === `Join ${markup}`, `${markup} is text on a button`);
    });
    await visit(`${url}/dev/mail`, (page) => page.waitForSelector("table"));
    await visit(`${url}/dev/mail/${id}`, async (page) => {
      check((await page.textContent("#link")) === link, "the link is shown");
      await page.waitForLoadState("networkidle");
    });
    await visit(`${url}/dev/mailbox/${id}/html`, (page) => page.waitForLoadState());
    check((await api("GET", at(made))).status === "pending", "looking changes nothing");
  }
}

async function saysThatThereIsNoMail() {
  const made = await invite("acme", { email: "ada@example.com" });
  const { url: link } = await api("POST", `${at(made)}/link`);
  await visit(link, async (page) => {
    await title(page, "Join acme");
    check((await page.innerText("body")).includes("sends no mail"), "it says that no code can come");
    check(!(await page.isVisible("#ask")), "and asks for none");
  });
  check((await api("GET", at(made))).status === "pending", "opening the link changes nothing");
}

try {
  const tests = key ? [saysThatThereIsNoMail] : [joinsByOneClick, declinesAfterAskingOnceMore, sendsTheCodeByOneClick,
    asksForMoreWhereMoreIsAskedMeanwhile, showsNoOtherStepFirst, acceptsByCode, declines, takesACodeHoweverItIsTyped, keepsItsPlaceOverAReload,
    keepsTheFocusWhereThePersonIs, namesKeepTheirDirection, saysWhatIsWrongWithALink, findsTheTokenInWhateverBecameOfTheLink, storedTextIsText];
  for (const test of tests) {
    await test();
    console.log(`ok: ${test.name}`);
  }
  console.log(`${checks} checks in Chromium ${browser.version()}`);
} finally {
  await browser.close();
}

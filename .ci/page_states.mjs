// node page_states.mjs URL [KEY]: every state of the page that links lead to, in Chromium: light and dark, on a desk and on a phone.
// axe finds nothing wrong with it, the borders of its fields can be seen, and it fits. INVITED_SHOTS names a folder for pictures of
// it. With a key: the state of a server without mail. Without scripts the page does the same by plain forms.
import assert from "node:assert/strict";
import { axe, launch } from "./page_browser.mjs";
import { api, at, key, url } from "./page_server.mjs";

const shots = process.env.INVITED_SHOTS;
let checks = 0;
let pictures = 0;

function check(isSo, what) {
  assert.ok(isSo, what);
  checks += 1;
}

const given = async (made) => (await api("POST", `${at(made)}/link`)).url;
let people = 0;

// Invites somebody to an organization, and gives both links.
async function invite(organization, more = {}) {
  people += 1;
  const email = `person${people}@example.com`;
  const made = await api("POST", `/v1/organizations/${organization}/invitations`, {
    email, role: "developer", inviter: { name: "Grace Hopper" }, redirectUrl: `${url}/health/live`, ...more,
  });
  const mailed = key ? "" : (await api("GET", `/dev/mailbox?to=${email}&kind=invitation&wait=10s`))[0].link;
  return { made, email, mailed, given: await given(made) };
}

const code = async (email) => (await api("GET", `/dev/mailbox?to=${email}&kind=code&wait=10s`))[0].code;
const wrong = (code) => (code === "000000" ? "000001" : "000000");
const press = (value) => (page) => page.click(`button[value=${value}]`);
const fill = (id, text) => (page) => page.fill(`#${id}`, text);
const step = (name) => (page) => page.waitForSelector(`main[data-step=${name}]`);
const problem = (page) => page.waitForFunction(() => [...document.querySelectorAll("[role=alert]")].some((one) => one.textContent));

// Does one thing after the other.
const go = (...acts) => async (page) => {
  for (const act of acts) await act(page);
};

const browser = await launch();

// How much two colours differ, from 1 to 21.
const CONTRAST = `(() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map((part) => part / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  return [...document.querySelectorAll("input:not([type=hidden]), textarea")].map((field) => {
    const [border, sheet] = [getComputedStyle(field).borderTopColor, getComputedStyle(document.querySelector("main")).backgroundColor].map(light);
    return Math.max(border, sheet) / Math.min(border, sheet);
  });
})()`;

// Looks at a state in every form that people see it in.
async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390, 320]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: width === 1280 ? 800 : 760 });
      const where = `${name} ${colorScheme} ${width}`;
      check((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${where} fits`);
      for (const contrast of await page.evaluate(CONTRAST)) check(contrast >= 3, `${where}: a border has ${contrast}:1`);
      if (axe) {
        const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
        const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        assert.deepEqual(violations, [], where);
        checks += 1;
      }
      if (shots && width !== 320) {
        await page.screenshot({ path: `${shots}/${name}-${colorScheme}-${width}.png` });
        pictures += 1;
      }
    }
  }
}

// Opens `link`, goes to a state, and looks at it.
async function state(name, link, act, options = {}) {
  const context = await browser.newContext({ timezoneId: "Europe/Berlin", locale: "en-GB", bypassCSP: true, ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  if (options.prepare) await options.prepare(page);
  await page.goto(link);
  await act(page).catch((error) => assert.fail(`${name}: ${error.message}`));
  if (axe && options.javaScriptEnabled !== false) await page.evaluate(axe);
  if (options.javaScriptEnabled === false) {
    if (shots) await page.screenshot({ path: `${shots}/${name}.png` });
  } else {
    await look(page, name);
  }
  await context.close();
}

async function steps() {
  await api("PUT", "/v1/organizations/hooli", { name: "Hooli Inc." });
  await api("PUT", "/v1/organizations/careful", { name: "Careful & Sons", acceptance: "code" });
  const hooli = await invite("hooli");
  await state("join", hooli.mailed, step("join"));
  await state("refuse", hooli.mailed, go(step("join"), press("decline"), step("refuse")));
  await state("unreachable", hooli.mailed, async (page) => {
    await step("join")(page);
    await page.route("**/accept", (route) => route.abort());
    await go(press("join"), problem)(page);
  });
  await state("ask", hooli.given, step("ask"));
  await state("ask-wrong", hooli.given, go(step("ask"), fill("email", "grace@"), press("send"), problem));
  await state("answer", hooli.given, go(step("ask"), fill("email", hooli.email), press("send"), step("answer")));
  const other = wrong(await code(hooli.email));
  await state("answer-wrong", hooli.given, go(step("ask"), fill("email", hooli.email), press("have"), step("answer"), fill("code", other), press("accept"), problem));
  await state("joined", hooli.mailed, go(step("join"), press("join"), step("joined")));
  await state("accepted", hooli.mailed, step("accepted"));
  const careful = await invite("careful", { inviter: undefined });
  await state("send", careful.mailed, step("send"));
  await state("answer-mailed", careful.mailed, go(step("send"), press("send"), step("answer")));
  const last = wrong(await code(careful.email));
  const tries = Array.from({ length: 11 }, () => go(fill("code", last), press("accept"), problem, (page) => page.waitForFunction(() => !document.querySelector("[aria-disabled=true]"))));
  await state("too-many", careful.mailed, go(step("send"), press("have"), step("answer"), ...tries, async (page) => {
    check((await page.innerText("#problem")).includes("too many tries"), "too many tries are told");
  }));
}

async function ends() {
  const left = await invite("hooli");
  await state("left", left.mailed, go(step("join"), press("decline"), step("refuse"), press("refuse"), step("left")));
  await state("declined", left.mailed, step("declined"));
  const revoked = await invite("hooli");
  await api("POST", `${at(revoked.made)}/revoke`);
  await state("revoked", revoked.mailed, step("revoked"));
  await state("gone", `${url}/accept#ivt_${"0".repeat(32)}_${"0".repeat(64)}`, step("gone"));
  await state("paste", `${url}/accept`, step("paste"));
  await state("incomplete", `${url}/accept#ivm_0123`, go(step("paste"), problem));
  const plain = await invite("hooli", { redirectUrl: undefined });
  await state("joined-no-way-on", plain.mailed, go(step("join"), press("join"), step("joined")));
}

async function names() {
  await api("PUT", "/v1/organizations/nur", { name: "مؤسسة النور (2024)!" });
  const nur = await invite("nur", { inviter: { name: "שרה כהן" } });
  await state("names-rtl", nur.mailed, step("join"));
  await api("PUT", "/v1/organizations/long", { name: "Rechtsschutzversicherungsgesellschaftenvereinigung Donaudampfschifffahrt e.V." });
  const long = await invite("long", { inviter: { name: "Wolfeschlegelsteinhausenbergerdorff".repeat(2) } });
  await state("names-long", long.mailed, step("join"));
}

async function languages() {
  for (const locale of ["ar", "de", "fr", "es", "ja"]) {
    const invitation = await invite("hooli", { locale });
    await state(`join-${locale}`, invitation.mailed, async (page) => {
      await step("join")(page);
      check((await page.getAttribute("html", "lang")) === locale, `the page speaks ${locale}`);
      check((await page.getAttribute("html", "dir")) === (locale === "ar" ? "rtl" : "ltr"), `${locale} goes its way`);
    });
    await state(`answer-${locale}`, invitation.given, go(step("ask"), fill("email", invitation.email), press("have"), step("answer"), fill("code", "12"), press("accept"), problem));
    await state(`start-${locale}`, `${url}/accept`, go(step("paste"), async (page) => {
      check((await page.getAttribute("html", "lang")) === locale, `the browser asks for ${locale}`);
    }), { locale });
  }
}

async function withoutScripts() {
  const options = { javaScriptEnabled: false, viewport: { width: 390, height: 760 } };
  const paste = (link) => go(fill("link", link), press("open"));
  const title = (text) => async (page) => check((await page.textContent("h1")).includes(text), text);
  const mailed = await invite("hooli");
  await state("plain-start", `${url}/accept`, title("Your invitation"), options);
  await state("plain-refuse", mailed.mailed, go(paste(mailed.mailed), step("join"), press("decline"), title("Decline"), press("back"), step("join")), options);
  await state("plain-joined", mailed.mailed, go(paste(mailed.mailed), step("join"), press("join"), title("Welcome to Hooli Inc.")), options);
  check((await api("GET", at(mailed.made))).status === "accepted", "it joins without a script");
  const made = await invite("hooli");
  const toCode = go(paste(made.given), step("ask"), fill("email", made.email), press("send"), step("answer"));
  await state("plain-code", made.given, go(toCode, async (page) => {
    const right = await code(made.email);
    await go(fill("code", wrong(right)), press("accept"), title("Join"))(page);
    check((await page.textContent("#code-problem")).includes("didn't work"), "a wrong code is told");
    check(page.url() === `${url}/accept`, "the token is in no address");
    await go(fill("code", right), press("accept"), title("Welcome"))(page);
  }), options);
  check((await api("GET", at(made.made))).status === "accepted", "it joins by code without a script");
}

// It moves the clock, so it comes last.
async function expires() {
  const made = await invite("hooli");
  await api("POST", "/dev/clock", { advance: 8 * 24 * 3600 });
  await state("expired", made.mailed, step("expired"));
}

async function noMail() {
  const made = await invite("hooli");
  await state("no-mail", made.given, step("no-mail"));
}

try {
  for (const test of key ? [noMail] : [steps, ends, names, languages, withoutScripts, expires]) {
    await test();
    console.log(`ok: ${test.name}`);
  }
  console.log(`${checks} checks of states, ${axe ? "with axe" : "WITHOUT axe, which is not installed"}, ${pictures} pictures`);
} finally {
  await browser.close();
}

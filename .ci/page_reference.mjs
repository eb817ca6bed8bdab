// node page_reference.mjs URL [KEY]: the reference and the errors of a running server in Chromium. Every operation of the document is
// shown and can be tried, also behind a proxy that puts a path before it; the policy refuses nothing, nothing is asked of other servers.
// axe finds nothing wrong with the errors, and with the reference only what is Swagger UI's own. INVITED_SHOTS names a folder for pictures.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { api, key, url } from "./page_server.mjs";

const shots = process.env.INVITED_SHOTS;
const require = createRequire(import.meta.url);
const axe = existsSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url)) ? require("axe-core").source : "";
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// What Swagger UI 5.35 does wrong by itself: names that are missing, a button with buttons in it, headings and landmarks of its own.
const OWN_FAULTS = ["button-name", "heading-order", "label", "label-content-name-mismatch", "landmark-main-is-top-level", "nested-interactive", "select-name"];
const OPERATION = "/docs#/Invitations/listInvitations";
let checks = 0;

function check(isSo, what) {
  assert.ok(isSo, what);
  checks += 1;
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-gpu"],
});

// Opens `address`, has `look` see the page, and checks that nothing went wrong with it.
async function visit(address, look, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(30_000);
  const wrong = [];
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
  });
  context.on("request", (request) => {
    if (!request.url().startsWith(`${new URL(address).origin}/`)) wrong.push(`a request to ${request.url()}`);
  });
  const page = await context.newPage();
  // Without the policy, which axe needs, the browser asks for an icon that there is none of.
  const isOfThePage = (message) => message.type() === "error" && !message.location().url.endsWith("/favicon.ico");
  page.on("console", (message) => isOfThePage(message) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.goto(address);
  await look(page);
  assert.deepEqual(wrong, [], address);
  checks += 1;
  await context.close();
}

// How many operations a document has, with those that are sent to webhooks.
function count(document) {
  const methods = ["get", "post", "put", "patch", "delete"];
  const paths = [...Object.values(document.paths), ...Object.values(document.webhooks ?? {})];
  return paths.reduce((sum, path) => sum + methods.filter((method) => method in path).length, 0);
}

async function everyOperationIsShown(part) {
  const path = part ? `openapi/${part}.json` : "openapi.json";
  const expected = count(await api("GET", `/${path}`));
  await visit(`${url}/docs${part ? `?part=${part}` : ""}`, async (page) => {
    await page.waitForSelector(".opblock");
    check((await page.locator(".opblock").count()) === expected, `${expected} operations are shown`);
    check((await page.locator("#document").innerText()) === path, "the link to the document is that of the part");
    check((await page.locator(".top [aria-current=page]").count()) === 1, "one part is marked");
    for (const place of ["localStorage", "sessionStorage"]) {
      check((await page.evaluate((place) => window[place].length, place)) === 0, `nothing is kept in ${place}`);
    }
  });
}

// Tries an operation with a key that is pasted; without one where there is none.
async function tries(page, base) {
  if (key) {
    await page.click(".btn.authorize");
    await page.fill("[aria-label=auth-bearer-value]", key);
    await page.locator(".auth-container", { hasText: "Bearer" }).locator(".btn.authorize").click();
    await page.click(".btn-done >> nth=-1");
  }
  const operation = page.locator(".opblock.is-open");
  await operation.locator(".try-out__btn").click();
  await operation.locator("tr[data-param-name=organizationId] input").fill("acme");
  await operation.locator(".btn.execute").click();
  const status = await operation.locator(".live-responses-table tbody .response-col_status").first().innerText();
  check(status.startsWith("200"), `it is tried: ${status}`);
  check((await operation.locator(".request-url pre").innerText()).startsWith(`${base}/v1/`), "under the address of the page");
}

async function anOperationIsTriedByItsLink() {
  await visit(url + OPERATION, (page) => tries(page, url));
}

// A proxy that puts `/invited` before every path.
async function behindAProxy() {
  const target = new URL(url);
  const proxy = http.createServer((request, response) => {
    if (!request.url.startsWith("/invited/")) return response.writeHead(404).end();
    const options = { host: target.hostname, port: target.port, method: request.method, path: request.url.slice("/invited".length), headers: request.headers };
    const onward = http.request(options, (answer) => answer.pipe(response.writeHead(answer.statusCode, answer.rawHeaders)));
    request.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${proxy.address().port}/invited`;
  await visit(base + OPERATION, (page) => tries(page, base));
  await visit(`${base}/problems`, async (page) => {
    await page.click("text=not_found");
    check((await page.innerText("h1")) === "Not found", "links work behind a proxy");
    check((await page.evaluate(() => getComputedStyle(document.querySelector(".panel")).borderTopWidth)) === "1px", "so does the style");
  });
  proxy.closeAllConnections();
  proxy.close();
}

// Looks at a page in every form that people see it in.
async function look(name, path, act, faults) {
  await visit(url + path, async (page) => {
    await act(page);
    if (axe) await page.evaluate(axe);
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 320]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        await page.waitForTimeout(200);
        const where = `${name} ${colorScheme} ${width}`;
        check((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${where} fits`);
        if (axe) {
          const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), RULES);
          const violations = found.violations.filter(({ id }) => !faults.includes(id)).map(({ id, nodes }) => `${id}, ${nodes.length} times: ${nodes[0].html}`);
          assert.deepEqual(violations, [], where);
          checks += 1;
        }
        if (shots) await page.screenshot({ path: `${shots}/${name}-${colorScheme}-${width}.png` });
      }
    }
  }, { bypassCSP: true, reducedMotion: "reduce" });
}

const tried = async (page) => {
  await page.click(".opblock.is-open .try-out__btn");
  await page.waitForSelector(".opblock.is-open .btn.execute");
};

for (const part of ["", "dialect", "pages"]) await everyOperationIsShown(part);
await anOperationIsTriedByItsLink();
await behindAProxy();
await look("reference", "/docs", (page) => page.waitForSelector(".opblock"), OWN_FAULTS);
await look("operation", OPERATION, tried, OWN_FAULTS);
await look("errors", "/problems", async () => {}, []);
for (const code of ["already_invited", "validation_failed", "rate_limited", "storage_corrupt"]) {
  await look(code, `/problems/${code}`, async () => {}, []);
}
await browser.close();
console.log(`reference: ${checks} checks${axe ? "" : ", without axe"}`);

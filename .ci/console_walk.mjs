// node console_walk.mjs URL [KEY COOKIE]: every page of the console in Chromium, found by following its links from the first one: as
// development shows them, or as a person sees them who is signed in by that cookie. Each is light and dark, on a desk, on a phone and on a
// narrow phone; axe finds nothing wrong, it fits, and nothing is asked of other servers. What others wrote stays text on every page, and so
// does what is typed into its address. INVITED_SHOTS names a folder for pictures.
import assert from "node:assert/strict";
import { axe, guarded, launch } from "./page_browser.mjs";
import { MARKUP } from "./page_markup.mjs";
import { api, url } from "./page_server.mjs";

const [, , , , cookie] = process.argv;
const shots = process.env.INVITED_SHOTS;
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// Pages of one kind that are looked at.
const OF_A_KIND = 2;
// What queries of pages may name.
const KEYS = ["q", "status", "delivery", "role", "createdAfter", "after", "cursor", "did", "n", "language", "action", "state", "next", "kind", "to", "organizationId"];
let checks = 0;
let pictures = 0;
function check(isSo, what) {
  assert.ok(isSo, what);
  checks += 1;
}

// Fills the server with what could do harm, in every field that people fill.
async function fill() {
  for (const [n, markup] of MARKUP.entries()) {
    const organization = `m${n}`;
    const name = markup.slice(0, 100);
    await api("PUT", `/v1/organizations/${organization}`, { name, mailFromName: n % 2 ? "Mail" : undefined });
    await api("POST", `/v1/organizations/${organization}/invitations`, {
      email: `p${n}@example.com`, role: "developer", note: markup, inviter: { id: name, name }, metadata: { [name]: markup },
    });
    await api("POST", "/v1/keys", { name, scopes: ["invitations:read"] });
    if (n < 20) {
      await api("POST", "/v1/webhooks", { url: `https://hooks.example.com/${n}?x=${encodeURIComponent(markup)}`, types: ["invitation.created"], description: name })
        .catch(() => api("POST", `/v1/organizations/${organization}/webhooks`, { url: `https://hooks.example.com/${n}`, types: ["invitation.created"], description: name }));
    }
  }
  // Long words, another direction, nothing at all.
  await api("PUT", "/v1/organizations/long", { name: "Rechtsschutzversicherungsgesellschaftenvereinigung Donaudampfschifffahrt e.V." });
  await api("POST", "/v1/organizations/long/invitations", {
    email: `${"a".repeat(60)}@${"b".repeat(60)}.example.com`, role: "R".repeat(64), note: "W".repeat(400), inviter: { name: "ش".repeat(90) },
  });
  await api("PUT", "/v1/organizations/nur", { name: "مؤسسة النور (2024)!" });
  await api("PUT", "/v1/organizations/empty", { name: "Nobody yet" });
}

// The kind of a page: its path without what stands for one thing.
const kind = (path) =>
  path.replace(/\?.*/, "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID").replace(/[0-9a-f]{16}(?=\/|$)/g, "KEY").replace(/organizations\/(?!new)[^/]+/, "organizations/ID");

async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390, 320]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: width === 1280 ? 800 : 760 });
      const where = `${name} ${colorScheme} ${width}`;
      check((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${where} fits`);
      if (axe) {
        const found = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules, iframes: false }), RULES);
        const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        assert.deepEqual(violations, [], where);
        checks += 1;
      }
      if (shots && width !== 320) {
        await page.screenshot({ path: `${shots}/${name}-${colorScheme}-${width}.png`, fullPage: width === 1280 });
        pictures += 1;
      }
    }
  }
}

const browser = await launch();
const { context, wrong } = await guarded(browser, url, { bypassCSP: false });
if (cookie) {
  const [name, value] = cookie.split("=");
  await context.addCookies([{ name, value, url }]);
}

// Follows links from the first page on.
async function walk() {
  const waiting = ["/console"];
  const known = new Set(waiting);
  const seen = new Map();
  while (waiting.length) {
    const path = waiting.shift();
    const of = kind(path);
    const count = seen.get(of) ?? 0;
    if (count >= OF_A_KIND) continue;
    seen.set(of, count + 1);
    const page = await context.newPage();
    const response = await page.goto(url + path);
    if (/text\/html/.test(response.headers()["content-type"] ?? "")) {
      check(response.status() === 200, `${path}: ${response.status()}`);
      assert.equal(await page.locator("h1").count(), 1, `${path} has one title`);
      if (axe) {
        // The policy lets no script into the page, so axe comes by another way.
        await page.evaluate(axe);
      }
      const name = (cookie ? "narrow-" : "") + of.replace(/^\/|\/$/g, "").replace(/[^A-Za-z]+/g, "-") + (count ? `-${count}` : "");
      await look(page, name);
      const links = await page.evaluate(() => [...document.querySelectorAll("a[href]")].map((link) => link.href));
      for (const link of links) {
        const next = link.startsWith(url) ? link.slice(url.length).replace(/#.*/, "") : "";
        if (next.startsWith("/console") && !next.includes("export") && !known.has(next)) {
          known.add(next);
          waiting.push(next);
        }
      }
      assert.deepEqual(wrong, [], path);
    }
    await page.close();
  }
  return seen;
}

// What is typed into the address of a page comes out as text, if at all.
async function addresses(kinds) {
  const harmful = MARKUP.filter((markup) => /[<"']/.test(markup) && !markup.includes("&lt;"));
  for (const path of kinds) {
    for (const markup of harmful) {
      const query = KEYS.map((key) => `${key}=${encodeURIComponent(markup)}`).join("&");
      const response = await fetch(`${url}${path}?${query}`, { headers: cookie ? { Cookie: cookie } : {} });
      const text = await response.text();
      check(response.status < 500, `${path} ${markup}: ${response.status}`);
      check(!/[<]/.test(markup) || !text.includes(markup), `${path} shows ${markup} as markup`);
    }
  }
}

try {
  if (!cookie) await fill();
  const seen = await walk();
  check(seen.size >= (cookie ? 2 : 6), `only ${[...seen.keys()]}`);
  await addresses([...seen.keys()].filter((path) => !/ID|KEY/.test(path)).concat("/console/organizations/m1"));
  console.log(`${checks} checks, ${seen.size} kinds of pages: ${[...seen.keys()].join(" ")}${shots ? `, ${pictures} pictures` : ""}${axe ? "" : " (without axe)"}`);
} finally {
  await browser.close();
}

// node page_sign_in.mjs INVITED: who is asked for a code on the page signs in instead, at a provider that this script plays, and comes
// back to the invitation, with the page's script and without it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

const [invited] = process.argv.slice(2);
const pair = generateKeyPairSync("ed25519");
const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "one", alg: "EdDSA", use: "sig" };
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// An id token for `email`, bound to a nonce.
function idToken(email, nonce) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "https://id.example.com", aud: "me", sub: "u1", iat: now, exp: now + 600, email, email_verified: true, nonce };
  const text = `${base64({ alg: "EdDSA", kid: "one" })}.${base64(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), createPrivateKey(pair.privateKey.export({ format: "pem", type: "pkcs8" }))).toString("base64url")}`;
}

// Takes a picture where INVITED_SHOTS names a folder for them.
const shots = process.env.INVITED_SHOTS;
const picture = async (page, name) => shots && page.screenshot({ path: `${shots}/${name}.png` });

let url = "";
let email = "";
const provider = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://provider");
  if (pathname === "/jwks") return response.end(JSON.stringify({ keys: [jwk] }));
  response.setHeader("Content-Type", "text/html");
  const token = idToken(email, searchParams.get("nonce"));
  return response.end(`<form method="post" action="${url}/accept"><input type="hidden" name="id_token" value="${token}"><button>Sign in</button></form>`);
});
await new Promise((resolve) => provider.listen(0, "127.0.0.1", resolve));
const at = `http://127.0.0.1:${provider.address().port}`;
const words = ["dev", "--listen", "127.0.0.1:0", "--oidc-issuer", "https://id.example.com", "--oidc-audience", "me", "--oidc-jwks", `${at}/jwks`,
  "--oidc-nonce", "--sign-in-url", `${at}/sign-in`];
const server = spawn(invited, words, { stdio: ["ignore", "ignore", "pipe"] });
await new Promise((resolve) => {
  let banner = "";
  server.stderr.on("data", (data) => {
    banner += data;
    url ||= banner.match(/listening\s+(\S+)\n/)?.[1] || "";
    if (url) resolve();
  });
});

async function api(method, path, body) {
  const response = await fetch(url + path, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.json();
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

// Invites somebody, who signs in as `as` and comes back.
async function signsIn(javaScriptEnabled, as, look) {
  const made = await api("POST", "/v1/organizations/acme/invitations", { email: `p${javaScriptEnabled}${as}@example.com`, role: "developer" });
  const path = `/v1/organizations/acme/invitations/${made.id}`;
  const link = (await api("POST", `${path}/link`, {})).url;
  email = as === "self" ? made.email : "other@example.com";
  const page = await (await browser.newContext({ javaScriptEnabled, viewport: { width: 390, height: 760 } })).newPage();
  page.setDefaultTimeout(15_000);
  const paste = async () => {
    await page.fill("#link", link);
    await page.click("[value=open]");
  };
  await page.goto(javaScriptEnabled ? link : `${url}/accept`);
  if (!javaScriptEnabled) await paste();
  await picture(page, `sign-in-${as}`);
  await page.click("#sign-in");
  await page.click("text=Sign in");
  if (!javaScriptEnabled) await paste();
  await page.waitForSelector("main[data-step=join]");
  assert.equal(page.url(), `${url}/accept`);
  assert.equal((await api("GET", path)).status, "pending", "coming back accepts nothing");
  await page.click("[value=join]");
  await look(page, () => api("GET", path));
}

try {
  for (const javaScriptEnabled of [true, false]) {
    await signsIn(javaScriptEnabled, "self", async (page, look) => {
      await page.waitForSelector("main[data-step=joined]");
      assert.equal((await look()).acceptedBy, "u1");
    });
    await signsIn(javaScriptEnabled, "other", async (page, look) => {
      await page.waitForSelector("#sign-in");
      await picture(page, "sign-in-refused");
      assert.ok((await page.textContent("#problem")).includes("another address"));
      assert.ok(await page.isVisible("#sign-in"), "it can be tried again");
      assert.equal((await look()).status, "pending");
    });
  }
  console.log("ok: signing in instead of giving a code, with a script and without");
} finally {
  await browser.close();
  server.kill();
  provider.close();
}

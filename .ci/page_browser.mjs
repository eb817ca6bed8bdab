// Debian's Chromium, and what no page may ever cause in it.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);

// The source of axe, which finds what people with a screen reader, or without a mouse, stumble over; empty: it is not installed.
export const axe = existsSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url)) ? require("axe-core").source : "";

export const launch = () =>
  chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-gpu"],
  });

// A browser of its own, and a list of everything wrong that pages of `url` caused in it: requests elsewhere, dialogs, what the policy had to
// stop, and errors of scripts.
export async function guarded(browser, url, options) {
  const wrong = [];
  const context = await browser.newContext(options);
  context.setDefaultTimeout(15_000);
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
  });
  context.on("request", (request) => {
    if (!request.url().startsWith(`${url}/`)) wrong.push(`a request to ${request.url()}`);
  });
  context.on("dialog", (dialog) => {
    wrong.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  context.on("console", (message) => {
    if (/CSP|Content Security Policy/.test(message.text())) wrong.push(message.text());
  });
  context.on("weberror", (error) => wrong.push(`an error: ${error.error()}`));
  return { context, wrong };
}

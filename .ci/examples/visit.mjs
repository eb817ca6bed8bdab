// node visit.mjs LINK BUTTON...: follows a link in Chromium and presses buttons. "code=MAILBOX" types the code that the mailbox has. Prints
// what the page said at first and after each button, as JSON.
import { launch } from "./page_browser.mjs";

const [link, ...steps] = process.argv.slice(2);
const browser = await launch();
const page = await browser.newPage();
page.setDefaultTimeout(15_000);
await page.goto(link);
const status = page.getByRole("status");
const said = [];
let answers = page.waitForFunction(() => document.querySelector("[role=status]").textContent !== "One moment.");
for (const step of [undefined, ...steps]) {
  if (step?.startsWith("code=")) {
    const mails = await (await fetch(`${step.slice(5)}?kind=code&wait=10`)).json();
    await page.getByLabel("code").fill(mails[0].code);
    continue;
  }
  if (step) {
    answers = page.waitForResponse((response) => response.request().method() === "POST");
    await page.getByRole("button", { name: step }).click();
  }
  await answers;
  await page.waitForTimeout(100);
  said.push(await status.textContent());
}
await browser.close();
process.stdout.write(JSON.stringify(said));

// node console_pictures.mjs URL FOLDER: the two pictures of the README, of a running `invited dev` with people who were invited over the last
// ninety days. It resets the server.
import { launch } from "./page_browser.mjs";
import { api, url } from "./page_server.mjs";

const [, , , folder] = process.argv;
const NAMES = ["Grace Hopper", "Ada Lovelace", "Linus Torvalds", "Margaret Hamilton", "Edsger Dijkstra", "Barbara Liskov", "Alan Turing", "Katherine Johnson", "Donald Knuth", "Radia Perlman", "Dennis Ritchie", "Hedy Lamarr"];
const ROLES = ["developer", "admin", "viewer", "billing"];
let state = 7;
const random = (most) => (state = (state * 48271) % 2147483647) % most;

const invitations = [];
for (let day = 89; day >= 1; day -= 1) {
  const many = day % 7 < 2 ? random(2) : 1 + random(7);
  for (let one = 0; one < many; one += 1) {
    const name = NAMES[random(NAMES.length)];
    const status = random(10) < 7 ? "accepted" : ["declined", "revoked", "expired", "pending"][random(4)];
    const age = `${day}d`;
    invitations.push({
      email: `${name.split(" ")[0].toLowerCase()}.${invitations.length}@example.com`, role: ROLES[random(4)],
      inviter: { name: NAMES[random(3)] }, age, status: (status === "pending" && day > 6) || (status === "expired" && day < 8) ? "accepted" : status,
    });
  }
}
await api("POST", "/dev/seed", { organizations: [{ id: "acme", settings: { name: "Acme Ltd.", roles: ROLES }, invitations }] });
for (const [number, name] of NAMES.slice(0, 6).entries()) {
  await api("POST", "/v1/organizations/acme/invitations", {
    email: `${name.split(" ")[0].toLowerCase()}@example.com`, role: ROLES[number % 4], inviter: { name: "Grace Hopper" }, note: "Welcome on board", metadata: { team: "kernel" },
  });
}
const [linus] = (await api("GET", "/v1/organizations/acme/invitations?email=linus@example.com"));
await api("GET", "/dev/mailbox?to=linus@example.com&wait=10s");

const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, deviceScaleFactor: 1 });
await page.goto(`${url}/console/organizations/acme`);
await page.screenshot({ path: `${folder}/console-organization.png` });
await page.emulateMedia({ colorScheme: "dark" });
await page.goto(`${url}/console/organizations/acme/invitations/${linus.id}`);
await page.getByLabel("The person's address").fill("linus@example.org");
await page.getByRole("button", { name: "Explain" }).click();
await page.getByText("This person cannot accept.").waitFor();
await page.evaluate(() => scrollTo(0, 0));
await page.screenshot({ path: `${folder}/console-invitation.png` });
await browser.close();

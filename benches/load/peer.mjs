// node peer.mjs FILE: what one writes by hand in Node for get, list and create, as fast as that
// goes. FILE is a data file of the server. It checks its key as the server does: by SHA-256.
import { createHash, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import Database from "better-sqlite3";

const db = new Database(process.argv[2]);
for (const set of ["journal_mode = wal", "synchronous = full", "foreign_keys = on"]) db.pragma(set);
const hash = (secret) => createHash("sha256").update(secret).digest();
const [keyId, secret] = [randomBytes(8).toString("hex"), randomBytes(32).toString("hex")];
db.exec("create table if not exists peer_key (id text primary key, hash blob) without rowid");
db.prepare("insert into peer_key values (?, ?)").run(keyId, hash(secret));

const columns = "id, email, role, state, created_at, expires_at, updated_at";
const from = `select ${columns} from invitation where organization_id = ?`;
const key = db.prepare("select hash from peer_key where id = ?").pluck();
const one = db.prepare(`${from} and id = ?`);
const list = db.prepare(`${from} order by id desc limit ?`);
const organization = db.prepare("insert or ignore into organization (id, created_at, updated_at) values (?, ?, ?)");
const invitation = db.prepare(`insert into invitation (organization_id, ${columns})
  values (?, ?, ?, ?, 0, ?, ?, ?)`);
// Its events stand for themselves: as many bytes, and no chain.
const event = db.prepare(`insert into event
  (organization_id, id, position, chain, type, invitation_id, actor, request_id, created_at, seals, after)
  values (?, ?, 1, zeroblob(32), 'invitation.created', ?, ?, ?, ?, zeroblob(17), ?)`);

const states = ["pending", "accepted", "declined", "revoked", "expired"];
const uuid = (id) => id.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
const show = (org) => (row) => ({
  id: uuid(row.id), organizationId: org, email: row.email, role: row.role,
  status: states[row.state === 0 && row.expires_at <= Date.now() ? 4 : row.state],
  createdAt: new Date(row.created_at), expiresAt: new Date(row.expires_at), updatedAt: new Date(row.updated_at),
});
const newId = (now) => Buffer.from(now.toString(16).padStart(12, "0") + randomBytes(10).toString("hex"), "hex");
const create = db.transaction((org, { email, role }) => {
  const now = Date.now();
  const row = { id: newId(now), email, role, state: 0, created_at: now, expires_at: now + 6048e5, updated_at: now };
  organization.run(org, now, now);
  invitation.run(org, row.id, email, role, now, row.expires_at, now);
  event.run(org, newId(now), row.id, keyId, randomUUID(), now, JSON.stringify({ email, role }));
  return show(org)(row);
});
const mayEnter = (header = "") => {
  const [, id, secret] = header.match(/^Bearer (\w+)_(\w+)$/) ?? [];
  const known = id && key.get(id);
  return known && timingSafeEqual(known, hash(secret));
};
const work = async (request) => {
  if (!mayEnter(request.headers.authorization)) return [401, { code: "unauthorized" }];
  const [path, query] = request.url.split("?");
  const [, , , org, , id] = path.split("/");
  let body = "";
  if (request.method === "POST") for await (const chunk of request) body += chunk;
  if (body) return [201, create.immediate(org, JSON.parse(body))];
  if (!id) return [200, { invitations: list.all(org, +query.slice(6)).map(show(org)) }];
  const row = one.get(org, Buffer.from(id.replaceAll("-", ""), "hex"));
  return row ? [200, show(org)(row)] : [404, { code: "not_found" }];
};
createServer(async (request, response) => {
  const [status, value] = await work(request);
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}).listen(0, "127.0.0.1", function () {
  console.error(`admin key  ${keyId}_${secret}`);
  console.error(`listening  http://127.0.0.1:${this.address().port}`);
});

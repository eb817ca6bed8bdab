/** Requests of every kind, and what is thrown of their responses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvitedError, type Invited } from "../src/index.js";
import { withServer } from "./server.js";

/** The error of a request that fails. */
async function errorOf(request: Promise<unknown>): Promise<InvitedError> {
  const error = await request.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof InvitedError, String(error));
  return error;
}

const path = "/v1/organizations/hooli/invitations";
const ada = { email: "ada@example.com", role: "member" };

test("an error is thrown with its code", () =>
  withServer({}, async (invited) => {
    const { status, code, message } = await errorOf(invited.invite("acme", "nonsense"));
    assert.deepEqual([status, code], [422, "validation_failed"]);
    assert.match(message, /^422 validation_failed: email: /);
  }));

test("an error of the dialect is thrown with its code and its text", () =>
  withServer({}, async (invited) => {
    const nobody = "/clickhouse/v1/organizations/019a0c5e-7b1c-7cc3-98c4-dc0c0c073990";
    const { code, message } = await errorOf(invited.request("GET", nobody));
    assert.equal(code, "NOT_FOUND");
    assert.equal(message, "404 NOT_FOUND: There is no such organization.");
    const other = await errorOf(invited.request("POST", "/clickhouse/v1/nothing", {}));
    assert.equal(other.message, `404 ${String(other.problem["error"])}`);
  }));

test("an error without JSON is thrown with its status and its text", () =>
  withServer({}, async (invited) => {
    const { status, code, message } = await errorOf(invited.request("HEAD", "/v1/nothing"));
    assert.deepEqual([status, code, message], [404, "", "404"]);
    const asBrowser = { accept: "text/html" };
    const page = await errorOf(invited.request("GET", "/nothing", undefined, asBrowser));
    assert.equal(page.code, "");
    assert.match(page.message, /^404 <!doctype html>/i);
  }));

test("what is no JSON is returned as text", () =>
  withServer({}, async (invited) => {
    assert.match(await invited.request<string>("GET", "/metrics"), /^# HELP /);
    await invited.invite("hooli", "ada@example.com");
    const { id, text, html } = await invited.mail("ada@example.com");
    assert.equal(await invited.request("GET", `/dev/mailbox/${id}/text`), text);
    assert.equal(await invited.request("GET", `/dev/mailbox/${id}/html`), html);
  }));

test("a path is encoded where that is needed", () =>
  withServer({}, async (invited) => {
    for (const name of ["ä", "a b", "a%20b", "a<b", "日本"]) {
      const { code } = await errorOf(invited.request("GET", `/v1/organizations/${name}?a=ä b`));
      assert.notEqual(code, "", name);
    }
    assert.deepEqual(await invited.request("GET", "/v1/organizations/acme/invitations?q=ä"), []);
  }));

/** A key that only reads, as a header has it. */
async function reader(invited: Invited): Promise<string> {
  const limited = { name: "reader", scopes: ["invitations:read"] };
  return `Bearer ${(await invited.request<{ key: string }>("POST", "/v1/keys", limited)).key}`;
}

test("a request has the headers that are given", () =>
  withServer({}, async (invited) => {
    const authorization = await reader(invited);
    const refused = await errorOf(invited.request("POST", path, ada, { authorization }));
    assert.deepEqual([refused.status, refused.code], [403, "insufficient_scope"]);
    assert.deepEqual(await invited.request("GET", path, undefined, { authorization }), []);
    const once = { "Idempotency-Key": "once" };
    const made = await invited.request("POST", path, ada, once);
    assert.deepEqual(await invited.request("POST", path, ada, once), made);
    const line = { organization: { id: "globex" } };
    const ofLines = { "Content-Type": "application/x-ndjson" };
    const seeded = await invited.request("POST", "/dev/seed", line, ofLines);
    assert.deepEqual(seeded, { organizations: 1, invitations: 0 });
  }));

test("a response is had with its status and its headers", () =>
  withServer({}, async (invited) => {
    // A mail that is sent in between would be another version.
    const quiet = { ...ada, notify: false };
    const made = await invited.send<{ id: string }>("POST", path, quiet);
    const place = made.headers.get("location") ?? "";
    assert.deepEqual([made.status, place], [201, `${invited.url}${path}/${made.body.id}`]);
    const etag = made.headers.get("ETag") ?? "";
    const same = await invited.send("GET", place, undefined, { "If-None-Match": etag });
    assert.deepEqual([same.status, same.body], [304, null]);
    const role = { role: "admin" };
    await invited.request("PATCH", place, role, { "If-Match": etag });
    const stale = await errorOf(invited.request("PATCH", place, role, { "If-Match": etag }));
    assert.equal(stale.status, 412);
    assert.match(stale.headers.get("content-type") ?? "", /problem/);
    await invited.invite("hooli", "grace@example.com");
    type Page = { email: string }[];
    const page = await invited.send<Page>("GET", `${path}?limit=1`);
    const next = /^<(.+)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1] ?? "";
    const listed = [...page.body, ...(await invited.request<Page>("GET", next))];
    const emails = listed.map((one) => one.email).sort();
    assert.deepEqual(emails, ["ada@example.com", "grace@example.com"]);
  }));

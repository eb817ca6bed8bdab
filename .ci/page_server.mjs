// The server whose pages are looked at: its URL and, with mail off, its key come from the command line.
import assert from "node:assert/strict";

export const [url, key] = process.argv.slice(2);

// What the API answers; anything but success is an error.
export async function api(method, path, body) {
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(key && { Authorization: `Bearer ${key}` }) };
  const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${response.ok ? "" : await response.text()}`);
  return response.status === 204 ? null : response.json();
}

// The path of an invitation.
export const at = (invitation) => `/v1/organizations/${invitation.organizationId}/invitations/${invitation.id}`;

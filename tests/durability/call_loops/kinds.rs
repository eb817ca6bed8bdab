//! Every kind of change: what has to be there before it, the change, and whether it is there.

use serde_json::{Value, json};

use crate::client::{Answer, Client, invitations};

/// A kind of change: what has to be there before it, the change, and whether it is there.
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    /// Makes what it changes; returns what names that.
    pub prepare: fn(&Client, &str) -> Option<String>,
    /// Changes it.
    pub change: fn(&Client, &str, &str) -> Option<Answer>,
    /// Whether the change is there.
    pub is_done: fn(&Client, &str, &str) -> Option<bool>,
}

/// Every kind of change. `tag` makes its addresses and names its own.
pub const KINDS: [Kind; 14] = [
    Kind {
        name: "create",
        prepare: nothing,
        change: create,
        is_done: is_made,
    },
    Kind {
        name: "batch",
        prepare: nothing,
        change: |client, tag, _| batch(client, tag, false),
        is_done: is_batch_made,
    },
    Kind {
        name: "atomic batch",
        prepare: nothing,
        change: |client, tag, _| batch(client, tag, true),
        is_done: is_batch_made,
    },
    Kind {
        name: "accept",
        prepare: invite,
        change: |client, tag, path| {
            client.post(&format!("{path}/accept"), &json!({ "email": address(tag) }))
        },
        is_done: |client, _, path| Some(client.get(path)?.body["status"] == "accepted"),
    },
    Kind {
        name: "revoke",
        prepare: invite,
        change: |client, _, path| client.post(&format!("{path}/revoke"), &json!({})),
        is_done: |client, _, path| Some(client.get(path)?.body["status"] == "revoked"),
    },
    Kind {
        name: "resend",
        prepare: invite,
        change: |client, _, path| client.post(&format!("{path}/resend"), &json!({})),
        is_done: |client, _, path| Some(client.get(path)?.body["sendCount"] == 1),
    },
    Kind {
        name: "PATCH",
        prepare: invite,
        change: |client, _, path| client.patch(path, &json!({ "role": "changed" })),
        is_done: |client, _, path| Some(client.get(path)?.body["role"] == "changed"),
    },
    Kind {
        name: "delete",
        prepare: invite,
        change: |client, _, path| client.delete(path),
        is_done: is_gone,
    },
    Kind {
        name: "organization PUT",
        prepare: nothing,
        change: |client, tag, _| {
            client.put(
                &format!("/v1/organizations/put-{tag}"),
                &json!({ "name": "Put" }),
            )
        },
        is_done: |client, tag, _| {
            Some(client.status(&format!("/v1/organizations/put-{tag}"))? == 200)
        },
    },
    Kind {
        name: "organization DELETE",
        prepare: organization,
        change: |client, _, path| client.delete(path),
        is_done: is_gone,
    },
    Kind {
        name: "key POST",
        prepare: nothing,
        change: |client, tag, _| {
            client.post(
                "/v1/keys",
                &json!({ "name": tag, "scopes": ["invitations:read"] }),
            )
        },
        is_done: |client, tag, _| {
            Some(
                client
                    .get("/v1/keys")?
                    .body
                    .as_array()?
                    .iter()
                    .any(|key| key["name"] == *tag),
            )
        },
    },
    Kind {
        name: "key DELETE",
        prepare: |client, tag| {
            let made = client.post(
                "/v1/keys",
                &json!({ "name": tag, "scopes": ["invitations:read"] }),
            )?;
            Some(format!("/v1/keys/{}", made.body["id"].as_str()?))
        },
        change: |client, _, path| client.delete(path),
        is_done: |client, _, path| Some(client.get(path)?.body["status"] == "revoked"),
    },
    Kind {
        name: "webhook POST",
        prepare: nothing,
        change: |client, tag, _| client.post("/v1/webhooks", &webhook(tag)),
        is_done: |client, tag, _| {
            Some(
                client
                    .get("/v1/webhooks")?
                    .body
                    .as_array()?
                    .iter()
                    .any(|webhook| webhook["description"] == *tag),
            )
        },
    },
    Kind {
        name: "webhook DELETE",
        prepare: |client, tag| {
            let made = client.post("/v1/webhooks", &webhook(tag))?;
            Some(format!("/v1/webhooks/{}", made.body["id"].as_str()?))
        },
        change: |client, _, path| client.delete(path),
        is_done: is_gone,
    },
];

/// Nothing has to be there.
fn nothing(_: &Client, _: &str) -> Option<String> {
    Some(String::new())
}

/// The address of a tag.
fn address(tag: &str) -> String {
    format!("{tag}@b.co")
}

/// An invitation; its path.
fn invite(client: &Client, tag: &str) -> Option<String> {
    let made = create(client, tag, "")?;
    Some(format!(
        "{}/{}",
        invitations("acme"),
        made.body["id"].as_str()?
    ))
}

/// Invites the address of a tag.
fn create(client: &Client, tag: &str, _: &str) -> Option<Answer> {
    client.create("acme", &json!({ "email": address(tag), "role": "viewer" }))
}

/// Whether the address of a tag is invited.
fn is_made(client: &Client, tag: &str, _: &str) -> Option<bool> {
    count(client, &address(tag)).map(|count| count == 1)
}

/// How many invitations of an address there are.
fn count(client: &Client, email: &str) -> Option<usize> {
    client
        .get(&format!("{}?email={email}", invitations("acme")))?
        .body
        .as_array()
        .map(Vec::len)
}

/// Twenty invitations in one request.
fn batch(client: &Client, tag: &str, is_atomic: bool) -> Option<Answer> {
    let row = |number| json!({ "email": address(&format!("{tag}r{number}")), "role": "viewer" });
    let body = json!({ "invitations": (0..20).map(row).collect::<Vec<_>>(), "atomic": is_atomic });
    client.post(&format!("{}/batch", invitations("acme")), &body)
}

/// Whether all rows of a batch are there. One that is there in part is neither.
fn is_batch_made(client: &Client, tag: &str, _: &str) -> Option<bool> {
    let counts: Option<Vec<_>> = (0..20)
        .map(|number| count(client, &address(&format!("{tag}r{number}"))))
        .collect();
    match counts?.iter().sum() {
        20 => Some(true),
        0 => Some(false),
        _ => None,
    }
}

/// An organization with a few invitations; its path.
fn organization(client: &Client, tag: &str) -> Option<String> {
    for number in 0..3 {
        client.create(
            &format!("org-{tag}"),
            &json!({ "email": address(&format!("u{number}")), "role": "viewer" }),
        )?;
    }
    Some(format!("/v1/organizations/org-{tag}"))
}

/// Whether there is nothing at a path.
fn is_gone(client: &Client, _: &str, path: &str) -> Option<bool> {
    Some(client.status(path)? == 404)
}

/// A webhook that is never told anything: it is for another organization.
fn webhook(tag: &str) -> Value {
    json!({ "url": "http://127.0.0.1:49152/hook", "description": tag, "organizationId": "quiet" })
}

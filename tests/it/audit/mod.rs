//! The history of the server: what is written down of keys, webhooks, deletions and erasures, and
//! who may read it.
//!
//! [`keys`]: keys made and revoked, by whatever way. [`webhooks`]: theirs. [`ends`]: deletions,
//! erasures, the secret. [`list`]: filters, pages, and what a bound key sees.

mod command;
mod ends;
mod keys;
mod list;
mod webhooks;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// The path of the history.
const AUDIT: &str = "/v1/audit";

/// The rows that `query` finds for `key`.
fn seen_by(app: &TestApp, key: &str, query: &str) -> Vec<Value> {
    let answer = app
        .anonymous("GET", &format!("{AUDIT}{query}"))
        .bearer(key)
        .send();
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json().as_array().expect("an array").clone()
}

/// Every row that the admin key sees, oldest first, but that of the first key.
fn history(app: &TestApp) -> Vec<Value> {
    let mut rows = seen_by(app, &app.key, "?order=asc&limit=1000");
    assert_eq!(rows.remove(0)["actor"], "server", "the first key");
    rows
}

/// What rows are called, and to what was done.
fn outline(rows: &[Value]) -> Vec<(String, Value)> {
    rows.iter()
        .map(|row| {
            (
                row["action"].as_str().expect("an action").to_owned(),
                row["subject"].clone(),
            )
        })
        .collect()
}

/// The id of a key.
fn id_of(key: &str) -> String {
    key[4..20].to_owned()
}

/// Makes a key with the admin key; it must work.
fn make_key(app: &TestApp, body: &Value) -> Answer {
    let answer = app.post("/v1/keys", &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

/// Makes a key for reading; returns its id.
fn make_reader(app: &TestApp) -> String {
    let body = json!({ "name": "reader@example.com", "scopes": ["invitations:read"] });
    make_key(app, &body).json()["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// Has every insert into `table` refused, as a full disk would. The server has opened its file by
/// now, and looks for triggers only then.
fn refuse_inserts(app: &TestApp, table: &str) {
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    let sql = format!(
        "create trigger refuse before insert on {table} begin select raise(abort, 'refused'); end"
    );
    conn.execute_batch(&sql).expect("it is made");
}

//! A key that dies while its request is on its way.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use invited::key::Scope;
use rusqlite::Connection;
use serde_json::json;

use crate::support::client::Answer;
use crate::support::{TestApp, invitation, invitations};

/// How long a request gets to be let in before its key dies.
const LET_IN: Duration = Duration::from_millis(150);

/// Every change that a key can make: its method, its path, and its body. `ID` is an invitation,
/// `KEY` another key, `HOOK` a webhook.
const CHANGES: &[(&str, &str, Option<&str>)] = &[
    (
        "POST",
        "/v1/organizations/acme/invitations",
        Some(r#"{"email":"new@b.co","role":"r"}"#),
    ),
    (
        "POST",
        "/v1/organizations/acme/invitations/batch",
        Some(r#"{"invitations":[{"email":"new@b.co","role":"r"}]}"#),
    ),
    (
        "PATCH",
        "/v1/organizations/acme/invitations/ID",
        Some(r#"{"role":"changed"}"#),
    ),
    ("DELETE", "/v1/organizations/acme/invitations/ID", None),
    (
        "POST",
        "/v1/organizations/acme/invitations/ID/resend",
        Some("{}"),
    ),
    (
        "POST",
        "/v1/organizations/acme/invitations/ID/revoke",
        Some("{}"),
    ),
    (
        "POST",
        "/v1/organizations/acme/invitations/ID/accept",
        Some(r#"{"email":"a@b.co"}"#),
    ),
    (
        "PUT",
        "/v1/organizations/acme",
        Some(r#"{"name":"Changed"}"#),
    ),
    ("DELETE", "/v1/organizations/acme", None),
    (
        "POST",
        "/v1/keys",
        Some(r#"{"name":"new","scopes":["invitations:read"]}"#),
    ),
    ("DELETE", "/v1/keys/KEY", None),
    (
        "POST",
        "/v1/webhooks",
        Some(r#"{"url":"https://example.com/new"}"#),
    ),
    (
        "PATCH",
        "/v1/webhooks/HOOK",
        Some(r#"{"description":"changed"}"#),
    ),
    ("POST", "/v1/webhooks/HOOK/rotate", Some("{}")),
    ("POST", "/v1/webhooks/HOOK/test", Some("{}")),
    ("DELETE", "/v1/webhooks/HOOK", None),
    ("DELETE", "/v1/invitations?email=a@b.co", None),
    (
        "POST",
        "/clickhouse/v1/organizations/acme/invitations",
        Some(r#"{"email":"new@b.co","role":"developer"}"#),
    ),
    (
        "DELETE",
        "/clickhouse/v1/organizations/acme/invitations/ID",
        None,
    ),
    (
        "PATCH",
        "/clickhouse/v1/organizations/acme",
        Some(r#"{"name":"new"}"#),
    ),
];

/// A server with something to change of every kind, and a key that may change all of it.
struct World {
    /// The server.
    app: TestApp,
    /// The key that is to die.
    key: String,
    /// What stands for `ID`, `KEY` and `HOOK`.
    names: [(&'static str, String); 3],
}

impl World {
    /// A new one.
    fn new() -> Self {
        let app = TestApp::serve();
        let id = app.invite("acme", "a@b.co")["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let other = app
            .key(&[Scope::Read], &[], None)
            .split('_')
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        let hook = app
            .post(
                "/v1/webhooks",
                r#"{"url":"https://example.com/hook","organizationId":"quiet"}"#,
            )
            .json();
        let hook = hook["id"].as_str().unwrap_or_default().to_owned();
        let key = app.key(&[Scope::Admin], &[], None);
        // It can be sent again.
        app.advance_to(120_000);
        Self {
            app,
            key,
            names: [("ID", id), ("KEY", other), ("HOOK", hook)],
        }
    }

    /// A path with the names of this world.
    fn path(&self, path: &str) -> String {
        self.names
            .iter()
            .fold(path.to_owned(), |path, (name, value)| {
                path.replace(name, value)
            })
    }

    /// Revokes the key past the server.
    fn revoke(&self, conn: &Connection) {
        let id = self.key.split('_').nth(1).unwrap_or_default();
        let revoked = conn.execute("update api_key set revoked_at = 1 where id = ?1", [id]);
        assert_eq!(revoked.expect("good SQL"), 1);
    }

    /// All that the changes could change.
    fn state(&self) -> Vec<Vec<Vec<String>>> {
        let own = self.key.split('_').nth(1).unwrap_or_default();
        [
            "email || role || state from invitation",
            &format!("id || coalesce(revoked_at, '') from api_key where id <> '{own}'"),
            "url || coalesce(description, '') || generation from webhook",
            "settings from organization",
            "id from webhook_delivery",
            "type from event",
            "key from idempotency",
            "id from purge",
        ]
        .map(|what| self.app.db_rows(&format!("select {what}")))
        .into()
    }
}

/// The file, with the right to write it.
fn hold(app: &TestApp) -> Connection {
    let conn = Connection::open(&app.database).expect("it opens");
    conn.busy_timeout(Duration::from_secs(5))
        .expect("a timeout");
    conn.execute_batch("begin immediate")
        .expect("nobody writes");
    conn
}

#[test]
fn no_change_is_made_by_a_key_that_died_after_its_request_was_let_in() {
    for &(method, path, body) in CHANGES {
        let world = World::new();
        let before = world.state();
        let request = world
            .app
            .anonymous(method, &world.path(path))
            .bearer(&world.key);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let conn = hold(&world.app);
        let sender = std::thread::spawn(move || request.send());
        std::thread::sleep(LET_IN);
        world.revoke(&conn);
        conn.execute_batch("commit").expect("it commits");
        let answer = sender.join().expect("an answer");
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        assert_eq!(world.state(), before, "{method} {path}");
    }
}

#[test]
fn no_change_is_made_by_a_key_that_died_while_the_body_was_being_sent() {
    for &(method, path, body) in CHANGES {
        let Some(body) = body.filter(|body| body.len() > 2) else {
            continue;
        };
        let world = World::new();
        let before = world.state();
        let mut stream = TcpStream::connect(world.app.address).expect("it accepts");
        let head = format!(
            "{method} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            world.path(path),
            world.key,
            body.len()
        );
        stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body.as_bytes()[..5]))
            .expect("it is read");
        std::thread::sleep(LET_IN);
        let conn = hold(&world.app);
        world.revoke(&conn);
        conn.execute_batch("commit").expect("it commits");
        stream.write_all(&body.as_bytes()[5..]).expect("it is read");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("an answer");
        let answer = Answer::parse(&bytes);
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        assert_eq!(world.state(), before, "{method} {path}");
    }
}

#[test]
fn the_control_the_same_changes_are_made_by_a_key_that_lives() {
    for &(method, path, body) in CHANGES {
        let world = World::new();
        let before = world.state();
        let request = world
            .app
            .anonymous(method, &world.path(path))
            .bearer(&world.key);
        let answer = match body {
            Some(body) => request.json(body),
            None => request,
        }
        .send();
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {}",
            answer.text()
        );
        let is_only_of_a_key = path == "/v1/keys/KEY";
        assert!(
            world.state() != before || is_only_of_a_key,
            "{method} {path} changes something"
        );
    }
}

#[test]
fn a_stored_answer_does_not_come_again_for_a_key_that_died() {
    let app = TestApp::serve();
    let key = app.key(&[Scope::Write], &["acme"], None);
    let create = || {
        let request = app
            .anonymous("POST", &invitations("acme"))
            .bearer(&key)
            .header("Idempotency-Key", "once");
        request.json(json!({ "email": "a@b.co", "role": "r" }).to_string())
    };
    let made = create().send();
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(create().send().header("idempotency-replayed"), Some("true"));
    let request = create();
    let conn = hold(&app);
    let sender = std::thread::spawn(move || request.send());
    std::thread::sleep(LET_IN);
    let id = key.split('_').nth(1).unwrap_or_default();
    conn.execute("update api_key set revoked_at = 1 where id = ?1", [id])
        .expect("good SQL");
    conn.execute_batch("commit").expect("it commits");
    assert_eq!(sender.join().expect("an answer").status, 401);
    assert_eq!(app.get(&invitation("acme", &made.json()["id"])).status, 200);
}

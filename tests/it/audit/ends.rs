//! What leaves the file: organizations and addresses. And the secret of the server.

use std::process::Stdio;

use invited::key::Scope;
use serde_json::{Value, json};

use super::{AUDIT, history, id_of, outline, refuse_inserts, seen_by};
use crate::support::process::{Server, invited, run};
use crate::support::{TestApp, invitations};

/// An address that is erased.
const ADDRESS: &str = "frederika@example.com";

/// The path of an erasure.
fn erasure() -> String {
    format!("/v1/invitations?email={ADDRESS}")
}

#[test]
fn a_deleted_organization_leaves_a_row_that_outlives_it_and_one_for_each_of_its_webhooks() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let body = json!({ "url": "https://app.example.com/", "organizationId": "acme" }).to_string();
    let webhook = app.post("/v1/webhooks", &body).json()["id"].clone();
    let of_all = app.post("/v1/webhooks", r#"{"url":"https://app.example.com/"}"#);
    let deleted = app.request("DELETE", "/v1/organizations/acme").send();
    assert_eq!((of_all.status, deleted.status), (201, 204));
    assert_eq!(
        app.request("DELETE", "/v1/organizations/acme")
            .send()
            .status,
        404
    );
    assert_eq!(
        app.get("/v1/organizations/acme/events").text(),
        "[]",
        "its own history goes with it"
    );
    let rows = history(&app).split_off(2);
    let expected = [
        ("organization.deleted".to_owned(), json!("acme")),
        ("webhook.deleted".to_owned(), webhook),
    ];
    assert_eq!(outline(&rows), expected);
    for row in &rows {
        assert_eq!(row["requestId"].as_str(), deleted.header("x-request-id"));
        assert_eq!(
            (&row["actor"], &row["organizations"]),
            (&json!(id_of(&app.key)), &json!(["acme"]))
        );
    }
    app.invite("acme", "a@b.co");
    assert_eq!(history(&app).len(), 4);
}

#[test]
fn a_deletion_that_is_refused_leaves_no_row_and_one_without_a_row_does_not_begin() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let delete = |path: &str, version: &str| {
        app.request("DELETE", path)
            .header("If-Match", version)
            .send()
            .status
    };
    assert_eq!(
        delete(
            "/v1/organizations/acme",
            "\"00000000000000000000000000000000\""
        ),
        412
    );
    assert_eq!(delete("/v1/organizations/globex", "*"), 404);
    assert_eq!(history(&app), Vec::<Value>::new());
    refuse_inserts(&app, "audit");
    let before = app.contents();
    assert!(delete("/v1/organizations/acme", "*") >= 500);
    assert_eq!(app.contents(), before);
}

#[test]
fn an_erasure_leaves_a_row_with_counts_and_never_the_address() {
    let app = TestApp::serve();
    app.invite("acme", ADDRESS);
    app.invite("globex", ADDRESS);
    let bound = app.key(&[Scope::Admin], &["globex"], None);
    let by_bound = app.anonymous("DELETE", &erasure()).bearer(&bound).send();
    let by_admin = app.request("DELETE", &erasure()).send();
    let nothing = app.request("DELETE", &erasure()).send();
    assert_eq!(
        app.request("DELETE", "/v1/invitations?email=nonsense")
            .send()
            .status,
        422
    );
    let mut rows = seen_by(&app, &app.key, "?action=address.erased");
    rows.retain(|row| row["createdAt"] == "2026-11-23T02:43:00.123Z");
    for (row, (answer, key)) in rows.iter().rev().zip([
        (&by_bound, &bound),
        (&by_admin, &app.key),
        (&nothing, &app.key),
    ]) {
        let counted = answer.json();
        let counts = json!({ "invitations": counted["invitations"], "events": counted["events"],
            "answers": counted["answers"] });
        let mut expected = json!({ "id": row["id"], "action": "address.erased", "actor": id_of(key),
            "requestId": answer.header("x-request-id"), "details": counts,
            "createdAt": row["createdAt"] });
        if key == &bound {
            expected["organizations"] = json!(["globex"]);
        }
        assert_eq!(row, &expected);
    }
    assert_eq!(
        (
            rows.len(),
            by_bound.json()["invitations"].as_u64(),
            by_admin.json()["invitations"].as_u64()
        ),
        (3, Some(1), Some(1))
    );
    assert!(
        !app.contents()
            .remove("audit")
            .expect("a table")
            .concat()
            .contains("frederika")
    );
    assert_eq!(seen_by(&app, &bound, "?action=address.erased").len(), 1);
}

#[test]
fn an_erasure_that_leaves_no_row_erases_nothing() {
    let app = TestApp::serve();
    app.invite("acme", ADDRESS);
    refuse_inserts(&app, "audit");
    let before = app.contents();
    assert!(app.request("DELETE", &erasure()).send().status >= 500);
    assert_eq!(app.contents(), before);
}

#[test]
fn a_rotation_of_the_secret_and_a_start_without_the_one_before_leave_a_row_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    let invite = json!({ "email": "a@b.co", "role": "developer" }).to_string();
    assert_eq!(
        server
            .request("POST", &invitations("acme"))
            .bearer(&key)
            .json(invite)
            .send()
            .status,
        201
    );
    let file = database.to_string_lossy().into_owned();
    let until = "2027-01-31T00:00:00.000Z";
    assert!(
        run(&["secret", "rotate", "--until", until, "--database", &file])
            .status
            .success()
    );
    let stop = |server: Server| {
        server.signal("TERM");
        server.wait();
    };
    stop(server);
    stop(Server::serve(&database));
    let secret = database.with_added_extension("secret");
    std::fs::remove_file(&secret).expect("it is removed");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &file,
        "--new-secret",
    ];
    let server = Server::spawn(invited().args(words).stdin(Stdio::null()));
    let rows = server
        .request("GET", &format!("{AUDIT}?order=asc"))
        .bearer(&key)
        .send()
        .json();
    let rows = rows.as_array().expect("an array");
    let outline = outline(rows);
    let names: Vec<_> = outline.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(names, ["key.created", "secret.rotated", "secret.lost"]);
    assert_eq!(
        (&rows[1]["actor"], &rows[1]["details"]),
        (&json!("cli"), &json!({ "earlierUntil": until }))
    );
    assert_eq!(
        (&rows[2]["actor"], &rows[2]["details"]),
        (&json!("server"), &json!({ "links": 1, "webhooks": 0 }))
    );
    let text = std::fs::read_to_string(&secret).expect("a new one");
    assert!(!json!(rows).to_string().contains(text.trim()));
}

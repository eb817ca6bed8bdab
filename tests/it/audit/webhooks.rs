//! Webhooks: made, changed, rotated, disabled and deleted.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use super::{AUDIT, history, outline, refuse_inserts, seen_by};
use crate::support::{Answer, TestApp};

/// A URL that carries a secret, as those of chat services do.
const URL: &str = "https://hooks.example.com/services/T0PSECRET";

/// Makes a webhook; returns its id.
fn make(app: &TestApp, organization: Option<&str>) -> String {
    let body =
        json!({ "url": URL, "organizationId": organization, "description": "ada@example.com" });
    let answer = app.post("/v1/webhooks", &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Changes a webhook.
fn patch(app: &TestApp, id: &str, body: &Value) -> Answer {
    let answer = app
        .request("PATCH", &format!("/v1/webhooks/{id}"))
        .json(body.to_string())
        .send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

#[test]
fn each_change_of_a_webhook_leaves_a_row_without_its_url() {
    let app = TestApp::serve();
    let id = make(&app, Some("acme"));
    let path = format!("/v1/webhooks/{id}");
    let patched = patch(
        &app,
        &id,
        &json!({ "url": format!("{URL}/2"), "types": ["invitation.created"] }),
    );
    patch(
        &app,
        &id,
        &json!({ "description": "other", "enabled": false }),
    );
    patch(&app, &id, &json!({ "enabled": true }));
    let rotate = || {
        app.request("POST", &format!("{path}/rotate"))
            .header("Idempotency-Key", "1")
            .send()
    };
    assert_eq!(
        (rotate().status, rotate().header("idempotency-replayed")),
        (200, Some("true"))
    );
    assert_eq!(app.request("DELETE", &path).send().status, 204);
    let rows = history(&app);
    let actions = [
        "created",
        "updated",
        "updated",
        "updated",
        "secret_rotated",
        "deleted",
    ];
    assert_eq!(
        outline(&rows),
        actions.map(|action| (format!("webhook.{action}"), json!(id)))
    );
    let details: Vec<_> = rows.iter().map(|row| row["details"].clone()).collect();
    let changed = [
        json!({ "changed": ["url", "types"] }),
        json!({ "changed": ["description", "enabled"], "enabled": false }),
        json!({ "changed": ["enabled"], "enabled": true }),
    ];
    assert_eq!(
        (&details[0], &details[1..4], &details[4..]),
        (&Value::Null, &changed[..], &[Value::Null, Value::Null][..])
    );
    assert_eq!(
        rows[1]["requestId"].as_str(),
        patched.header("x-request-id")
    );
    assert!(
        rows.iter()
            .all(|row| row["organizations"] == json!(["acme"]) && row["actor"] == app.key[4..20]),
        "{rows:?}"
    );
    let text = app.contents().remove("audit").expect("a table").concat();
    assert!(
        !text.contains("T0PSECRET") && !text.contains("ada@"),
        "{text}"
    );
}

#[test]
fn what_changes_nothing_of_a_webhook_or_is_refused_adds_no_row() {
    let app = TestApp::start(Mode::Serve, &["--max-webhooks", "2"]);
    let id = make(&app, Some("acme"));
    let foreign = app.key(&[Scope::Admin], &["globex"], None);
    let before = history(&app);
    for body in [
        json!({}),
        json!({ "url": URL }),
        json!({ "enabled": true, "types": null,
            "url": URL.to_uppercase().replace("/SERVICES/", "/services/") }),
    ] {
        patch(&app, &id, &body);
    }
    assert_eq!(
        app.post(
            "/v1/webhooks",
            &json!({ "url": URL, "organizationId": "acme" }).to_string()
        )
        .status,
        409
    );
    assert_eq!(
        app.post(
            "/v1/webhooks",
            &json!({ "url": "http://127.0.0.1/" }).to_string()
        )
        .status,
        422
    );
    for (method, path) in [("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")] {
        let request = app
            .anonymous(method, &format!("/v1/webhooks/{id}{path}"))
            .bearer(&foreign);
        let request = if method == "PATCH" {
            request.json(r#"{"enabled":false}"#)
        } else {
            request
        };
        assert_eq!(request.send().status, 404, "{method}");
    }
    assert_eq!(history(&app), before);
}

#[test]
fn a_webhook_and_its_row_change_together_or_not_at_all() {
    let app = TestApp::serve();
    let id = make(&app, None);
    refuse_inserts(&app, "audit");
    let before = app.contents();
    let path = format!("/v1/webhooks/{id}");
    assert!(
        app.request("PATCH", &path)
            .json(r#"{"enabled":false}"#)
            .send()
            .status
            >= 500
    );
    assert!(app.request("DELETE", &path).send().status >= 500);
    assert!(app.request("POST", &format!("{path}/rotate")).send().status >= 500);
    assert!(
        app.post("/v1/webhooks", &json!({ "url": URL }).to_string())
            .status
            >= 500
    );
    assert_eq!(app.contents(), before);
}

#[test]
fn a_webhook_that_its_endpoint_disables_leaves_a_row_by_the_server() {
    let app = TestApp::start(Mode::Dev, &[]);
    let id = make(&app, Some("acme"));
    assert_eq!(
        app.post("/dev/faults", r#"{"webhooks":{"next":1,"do":410}}"#)
            .status,
        200
    );
    assert_eq!(
        app.post(&format!("/v1/webhooks/{id}/test"), "{}").status,
        202
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    let rows = loop {
        let rows = app.get(&format!("{AUDIT}?action=webhook.disabled")).json();
        if rows != json!([]) {
            break rows;
        }
        assert!(Instant::now() < deadline, "it stays enabled");
        std::thread::sleep(Duration::from_millis(10));
    };
    let expected = json!([{ "id": rows[0]["id"], "action": "webhook.disabled", "actor": "server",
        "subject": id,
        "organizations": ["acme"], "details": { "reason": "gone" },
        "createdAt": rows[0]["createdAt"] }]);
    assert_eq!(rows, expected);
}

#[test]
fn a_bound_key_sees_what_was_done_to_the_webhooks_of_its_organizations_only() {
    let app = TestApp::serve();
    let acme = app.key(&[Scope::Admin], &["acme"], None);
    let (own, foreign, of_all) = (
        make(&app, Some("acme")),
        make(&app, Some("globex")),
        make(&app, None),
    );
    let seen = seen_by(&app, &acme, "?action=webhook.created");
    assert_eq!(outline(&seen), [("webhook.created".to_owned(), json!(own))]);
    let all = seen_by(&app, &app.key, "?action=webhook.created&order=asc");
    assert_eq!(
        outline(&all),
        [own, foreign, of_all].map(|id| ("webhook.created".to_owned(), json!(id)))
    );
}

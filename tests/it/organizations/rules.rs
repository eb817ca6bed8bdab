//! How the settings of an organization decide about roles, addresses and lifetimes.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::put;
use crate::support::{Answer, START, TestApp, invitation, invitations};

/// Invites `email` as `role` to acme, with what `more` adds.
pub fn invite(app: &TestApp, email: &str, role: &str, more: &Value) -> Answer {
    let mut body = json!({ "email": email, "role": role });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    app.post(&invitations("acme"), &body.to_string())
}

/// Pointers and codes of what is wrong.
pub fn faults(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

#[test]
fn a_role_and_an_address_that_the_organization_does_not_take_are_refused_together() {
    let app = TestApp::start(Mode::Serve, &["--roles", "admin,developer,viewer"]);
    put(
        &app,
        "acme",
        &json!({ "roles": ["viewer"], "allowedDomains": ["example.com"] }),
    );
    let refused = invite(&app, "a@b.co", "developer", &json!({}));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (422, "validation_failed")
    );
    let expected = [("/role", "unknown_value"), ("/email", "not_allowed")];
    assert_eq!(
        faults(&refused),
        expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    let dialect = format!("/clickhouse{}", invitations("acme"));
    assert_eq!(
        app.post(&dialect, r#"{"email":"a@example.com"}"#).status,
        422,
        "the dialect's role is developer"
    );
    assert_eq!(app.db_rows("select id from invitation").len(), 0);
    assert_eq!(
        invite(&app, "a@example.com", "viewer", &json!({})).status,
        201
    );
    let elsewhere = app.post(
        &invitations("globex"),
        r#"{"email":"a@b.co","role":"developer"}"#,
    );
    assert_eq!(
        elsewhere.status, 201,
        "settings hold for their organization only"
    );
    put(&app, "acme", &json!({}));
    assert_eq!(
        invite(&app, "a@b.co", "developer", &json!({})).status,
        201,
        "what is unset holds no more"
    );
}

#[test]
fn the_default_lifetime_is_the_organizations_unless_the_invitation_has_its_own() {
    let app = TestApp::serve();
    let lives = |answer: &Answer| {
        let end = invited::base::clock::Timestamp::parse(
            answer.json()["expiresAt"].as_str().unwrap_or_default(),
        );
        (end.expect("a time").as_millis() - START) / 1000
    };
    put(&app, "acme", &json!({ "defaultExpiresIn": 3600 }));
    let default = invite(&app, "a@b.co", "developer", &json!({}));
    assert_eq!(lives(&default), 3600, "as it is answered");
    assert_eq!(
        lives(&app.get(&invitation("acme", &default.json()["id"]))),
        3600,
        "as it is stored"
    );
    assert_eq!(
        lives(&invite(
            &app,
            "b@b.co",
            "developer",
            &json!({ "expiresIn": 7200 })
        )),
        7200
    );
    let at = json!({ "expiresAt": "2026-11-23T02:53:00.123Z" });
    assert_eq!(lives(&invite(&app, "c@b.co", "developer", &at)), 600);
    let replaced = invite(
        &app,
        "a@b.co",
        "developer",
        &json!({ "onConflict": "replace" }),
    );
    assert_eq!(lives(&replaced), 3600);
    put(&app, "acme", &json!({}));
    assert_eq!(
        lives(&invite(&app, "d@b.co", "developer", &json!({}))),
        7 * 24 * 60 * 60
    );
    put(&app, "acme", &json!({ "defaultExpiresIn": 60 }));
    app.advance_to(60_000);
    let resent = invite(
        &app,
        "d@b.co",
        "developer",
        &json!({ "onConflict": "resend" }),
    );
    assert_eq!((resent.status, lives(&resent)), (200, 120));
}

#[test]
fn a_standing_invitation_is_sent_again_only_if_todays_settings_take_its_role_and_address() {
    let app = TestApp::serve();
    let standing = invite(&app, "a@b.co", "admin", &json!({})).json();
    app.advance_to(100_000);
    let resend = |role: &str| invite(&app, "a@b.co", role, &json!({ "onConflict": "resend" }));
    put(&app, "acme", &json!({ "roles": ["developer"] }));
    assert_eq!(
        faults(&resend("developer")),
        [("/role".to_owned(), "unknown_value".to_owned())],
        "it keeps admin"
    );
    put(&app, "acme", &json!({ "blockedDomains": ["b.co"] }));
    assert_eq!(
        faults(&resend("admin")),
        [("/email".to_owned(), "not_allowed".to_owned())]
    );
    assert_eq!(
        app.get(&invitation("acme", &standing["id"])).json(),
        standing
    );
    put(&app, "acme", &json!({ "roles": ["developer", "admin"] }));
    assert_eq!(resend("developer").status, 200);
}

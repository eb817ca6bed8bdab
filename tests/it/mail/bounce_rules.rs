//! Which mail that came back counts, and whose reports do.

use serde_json::{Value, json};

use super::bounces::{HOUR, bounces, report};
use super::{app, invite, wait_for, wait_until};
use crate::support::TestApp;
use crate::support::smtp::{Act, Smtp};

#[test]
fn a_bounce_that_is_quicker_than_the_note_of_its_mail_is_asked_for_again_and_not_lost() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Answer("450 later")]);
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
    let id = made["id"].as_str().expect("an id");
    let bodies = [
        json!({ "messageId": format!("<invitation.{id}.0@acme.test>") }),
        json!({ "messageId": format!("<invitation.{id}.0@acme.test>"), "kind": "temporary" }),
        json!({ "organizationId": "acme", "invitationId": id }),
    ];
    let before = app.contents();
    for body in &bodies {
        let answer = report(&app, body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "mail_queued")
        );
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    assert_eq!(app.contents()["invitation"], before["invitation"]);
    // One of another sending is late, whatever becomes of this one.
    let other = json!({ "messageId": format!("<invitation.{id}.1@acme.test>") });
    assert_eq!(report(&app, &other).json()["delivery"], "queued");
    app.advance_to(60_000);
    wait_until(&app, &made, "sent");
    assert_eq!(report(&app, &bodies[0]).json()["delivery"], "bounced");
}

#[test]
fn by_its_message_id_only_a_mail_of_the_last_sending_counts_that_was_sent() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let of = |made: &Value, kind: &str, number: i64| {
        let id = made["id"].as_str().expect("an id");
        let body = json!({ "messageId": format!("<{kind}.{id}.{number}@acme.test>") });
        let answer = report(&app, &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["delivery"].clone()
    };
    let made = invite(&app, "ada@example.com", &json!({}));
    wait_until(&app, &made, "sent");
    let first = app.clock.now().as_millis();
    assert_eq!(of(&made, "code", first - 1), "sent", "before it was made");
    app.advance_to(HOUR);
    assert_eq!(app.change(&made, "resend", &json!({})).status, 200);
    wait_until(&app, &made, "sent");
    let second = app.clock.now().as_millis();
    for number in [first, second - 1, second + 1, i64::MAX, i64::MIN, 0] {
        assert_eq!(of(&made, "code", number), "sent", "{number}");
    }
    assert_eq!(bounces(&app).len(), 0);
    assert_eq!(of(&made, "code", second), "bounced");
    // Of a mail that this server never sent there is no Message-ID.
    let own = invite(&app, "own@example.com", &json!({ "notify": false }));
    for (kind, number) in [("invitation", 0), ("reminder", 0), ("code", second)] {
        assert_eq!(of(&own, kind, number), "none", "{kind}");
    }
    assert_eq!(bounces(&app).len(), 1);
}

#[test]
fn a_key_that_is_limited_to_roles_reports_only_mail_of_invitations_with_them() {
    let app = TestApp::serve();
    let made = invite(&app, "a@b.co", &json!({ "role": "owner" }));
    let id = made["id"].as_str().expect("an id");
    let bodies = [
        json!({ "organizationId": "acme", "invitationId": id }),
        json!({ "messageId": format!("<invitation.{id}.0@b.co>") }),
        json!({ "organizationId": "acme", "invitationId": id, "kind": "temporary" }),
    ];
    let send = |key: &str, body: &Value| {
        let request = app.anonymous("POST", "/v1/bounces").bearer(key);
        request.json(body.to_string()).send()
    };
    let key = |role: &str| {
        let body = json!({ "name": "k", "scopes": ["deliveries:write"], "organizations": ["acme"],
            "roles": [role] });
        let answer = app.post("/v1/keys", &body.to_string());
        answer.json()["key"].as_str().expect("a key").to_owned()
    };
    let limited = key("developer");
    for body in &bodies {
        let answer = send(&limited, body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "role_not_grantable"),
            "{body}"
        );
    }
    assert_eq!(app.look(&made)["delivery"], "none");
    let fit = key("owner");
    assert_eq!(send(&fit, &bodies[0]).status, 200);
}

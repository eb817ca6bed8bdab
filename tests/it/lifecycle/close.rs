//! How an invitation is revoked, and accepted for a signed-in user.

use serde_json::{Value, json};

use super::{closed, events, last_event, until};
use crate::support::life::{path_of, refusal, wrong};
use crate::support::{TestApp, invitations};

#[test]
fn a_revoked_one_stays_visible_and_its_place_is_free() {
    let app = TestApp::serve();
    let mut made = app.invite("acme", "a@b.co");
    app.advance_to(5);
    let answer = app.change(&made, "revoke", &json!({}));
    made["status"] = json!("revoked");
    made["updatedAt"] = json!("2026-11-23T02:43:00.128Z");
    made["revokedAt"] = json!("2026-11-23T02:43:00.128Z");
    assert_eq!(
        (answer.status, answer.json(), app.look(&made)),
        (200, made.clone(), made.clone())
    );
    let event = last_event(&app);
    assert_eq!(
        (&event["type"], &event["invitationId"]),
        (&json!("invitation.revoked"), &made["id"])
    );
    assert_eq!(
        (&event["before"], &event["after"]),
        (
            &json!({ "status": "pending" }),
            &json!({ "status": "revoked" })
        )
    );
    assert_ne!(app.invite("acme", "a@b.co")["id"], made["id"]);
}

#[test]
fn only_a_pending_one_can_be_revoked_or_accepted_and_the_refusal_says_where_it_stands() {
    let app = TestApp::serve();
    for (status, made) in closed(&app) {
        let until = until(status);
        let before = app.contents();
        let changes = [
            ("revoke", "revoked", json!({})),
            (
                "accept",
                "accepted",
                json!({ "email": format!("{status}@b.co") }),
            ),
        ];
        for (what, done, body) in changes {
            let answer = app.change(&made, what, &body);
            assert_eq!(
                refusal(&answer),
                (409, "status_conflict".to_owned()),
                "{what} {status}"
            );
            let problem = answer.json();
            assert_eq!(
                (&problem["invitationStatus"], &problem["invitationId"]),
                (&json!(status), &made["id"])
            );
            let says = format!("The invitation is {status} and cannot be {done} {until}.");
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(detail.starts_with(&says), "{detail}");
        }
        assert_eq!(app.contents(), before, "{status}");
    }
}

#[test]
fn an_idempotency_key_makes_a_second_revoke_or_accept_the_same_success() {
    let app = TestApp::serve();
    for (what, body) in [("revoke", r"{}"), ("accept", r#"{"email":"a@b.co"}"#)] {
        let made = app.invite(what, "a@b.co");
        let once = || {
            let request = app.request("POST", &format!("{}/{what}", path_of(&made)));
            request.header("Idempotency-Key", "k").json(body).send()
        };
        let (first, count, second) = (once(), events(&app), once());
        assert_eq!(
            (first.status, second.status, first.text()),
            (200, 200, second.text()),
            "{what}"
        );
        assert_eq!(
            (second.header("idempotency-replayed"), events(&app)),
            (Some("true"), count)
        );
    }
}

#[test]
fn an_acceptance_takes_the_address_in_any_spelling_and_shows_who_joined() {
    let app = TestApp::serve();
    for (number, spelling) in [" A.B@Bücher.DE ", "a.b@BÜCHER.de", "A.b@xn--bcher-kva.de"]
        .into_iter()
        .enumerate()
    {
        let organization = format!("acme{number}");
        let mut made = app.invite(&organization, "a.b@bücher.de");
        let answer = app.change(
            &made,
            "accept",
            &json!({ "email": spelling, "subject": "user_7" }),
        );
        made["status"] = json!("accepted");
        made["acceptedAt"] = made["createdAt"].clone();
        made["acceptedBy"] = json!("user_7");
        assert_eq!(
            (answer.status, answer.json(), app.look(&made)),
            (200, made.clone(), made.clone()),
            "{spelling}"
        );
        let event = app
            .get(&format!("/v1/organizations/{organization}/events?limit=1"))
            .json()[0]
            .clone();
        assert_eq!(
            event["after"],
            json!({ "status": "accepted", "acceptedBy": "user_7" })
        );
    }
    let made = app.invite("acme", "plain@b.co");
    assert_eq!(
        app.change(
            &made,
            "accept",
            &json!({ "email": "plain@b.co", "subject": null })
        )
        .json()["acceptedBy"],
        Value::Null
    );
}

#[test]
fn another_address_is_refused_and_uses_nothing_up() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let before = app.contents();
    for email in ["b@b.co", "a+x@b.co", "a@b.com", "aa@b.co", "a@sub.b.co"] {
        let answer = app.change(&made, "accept", &json!({ "email": email }));
        assert_eq!(
            refusal(&answer),
            (403, "email_mismatch".to_owned()),
            "{email}"
        );
        assert!(!answer.text().contains("a@b.co"), "{}", answer.text());
    }
    assert_eq!(app.contents(), before);
    assert_eq!(
        app.change(&made, "accept", &json!({ "email": "a@b.co" }))
            .status,
        200
    );
}

#[test]
fn subject_and_address_have_their_limits_and_both_are_told_at_once() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let before = app.contents();
    let rows = [
        ("s".repeat(256), "too_long"),
        (String::new(), "invalid_format"),
        (" ".to_owned(), "invalid_format"),
        ("a\nb".to_owned(), "forbidden_character"),
        ("a\u{0}".to_owned(), "forbidden_character"),
        ("\u{202e}x".to_owned(), "forbidden_character"),
    ];
    for (subject, code) in rows {
        let answer = app.change(
            &made,
            "accept",
            &json!({ "email": "a@b.co", "subject": subject }),
        );
        assert_eq!(
            wrong(&answer),
            [("/subject".to_owned(), code.to_owned())],
            "{subject:?}"
        );
        let answer = app.change(
            &made,
            "accept",
            &json!({ "email": "a", "subject": subject }),
        );
        assert_eq!(wrong(&answer).len(), 2, "{subject:?}");
    }
    for (body, pointer, code) in [
        (json!({}), "/email", "required"),
        (
            json!({ "email": null, "subject": "x" }),
            "/email",
            "required",
        ),
        (
            json!({ "email": "ü@b.co" }),
            "/email",
            "non_ascii_local_part",
        ),
    ] {
        assert_eq!(
            wrong(&app.change(&made, "accept", &body)),
            [(pointer.to_owned(), code.to_owned())],
            "{body}"
        );
    }
    for body in [
        json!({ "email": ["a@b.co"] }),
        json!({ "email": "a@b.co", "subject": 7 }),
    ] {
        assert_eq!(
            refusal(&app.change(&made, "accept", &body)),
            (400, "invalid_json".to_owned()),
            "{body}"
        );
    }
    assert_eq!(app.contents(), before);
    let subject = "ü".repeat(255);
    let answer = app.change(
        &made,
        "accept",
        &json!({ "email": "a@b.co", "subject": subject }),
    );
    assert_eq!(
        answer.json()["acceptedBy"],
        subject,
        "255 characters of any script"
    );
}

#[test]
fn if_match_is_checked_before_anything_is_closed() {
    let app = TestApp::serve();
    for (what, body) in [("revoke", "{}"), ("accept", r#"{"email":"a@b.co"}"#)] {
        let made = app.invite(what, "a@b.co");
        let path = path_of(&made);
        let tag = app.get(&path).header("etag").expect("a version").to_owned();
        let with = |tag: &str| {
            app.request("POST", &format!("{path}/{what}"))
                .header("If-Match", tag)
                .json(body)
                .send()
        };
        let before = app.contents();
        assert_eq!(
            refusal(&with("\"00000000000000000000000000000000\"")),
            (412, "precondition_failed".to_owned())
        );
        assert_eq!(app.contents(), before);
        assert_eq!(with(&tag).status, 200);
        assert_eq!(
            with(&tag).status,
            412,
            "it has changed by that very request"
        );
    }
}

#[test]
fn an_accepted_address_is_free_only_after_its_invitation_is_deleted() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    assert_eq!(
        app.change(&made, "accept", &json!({ "email": "a@b.co" }))
            .status,
        200
    );
    let body = json!({ "email": "A@B.co", "role": "developer" }).to_string();
    let again = app.post(&invitations("acme"), &body);
    assert_eq!(
        (again.code(), again.json()["invitationId"].clone()),
        ("already_accepted".to_owned(), made["id"].clone())
    );
    assert_eq!(app.request("DELETE", &path_of(&made)).send().status, 204);
    assert_eq!(app.post(&invitations("acme"), &body).status, 201);
}

//! What a link shows of its invitation, and which tokens open nothing.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{by_code, told_of_its_form, useless};
use crate::support::life::{path_of, refusal, wrong};
use crate::support::{TestApp, invitations};

/// Makes a body with a token.
type Body<'a> = &'a dyn Fn(&str) -> Value;

/// An invitation with everything that it can have.
fn full(app: &TestApp) -> Value {
    let body = json!({ "email": "Very.Private@b.co", "role": "developer",
        "metadata": { "plan": "secret" },
        "inviter": { "id": "user_1", "name": "Ada" },
        "redirectUrl": "http://invited.test/welcome" });
    let answer = app.post(&invitations("acme"), &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

#[test]
fn it_shows_what_a_page_needs_and_never_the_address() {
    let app = TestApp::serve();
    let made = full(&app);
    let token = app.token_of(&made);
    let before = app.contents();
    let answer = app.person("lookup", &json!({ "token": token }));
    let expected = json!({ "organizationId": "acme", "role": "developer", "inviterName": "Ada",
        "status": "pending",
        "expiresAt": made["expiresAt"], "redirectUrl": "http://invited.test/welcome",
        "acceptance": "code" });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    for secret in ["private", "Private", "b.co", "user_1", "secret", "ivt_"] {
        assert!(
            !answer.text().contains(secret),
            "{secret}: {}",
            answer.text()
        );
    }
    assert_eq!(app.contents(), before, "looking changes nothing");
    let plain = app.invite("acme", "plain@b.co");
    let plain = app
        .person("lookup", &json!({ "token": app.token_of(&plain) }))
        .json();
    let fields: Vec<_> = plain.as_object().expect("an object").keys().collect();
    assert_eq!(
        fields,
        [
            "organizationId",
            "role",
            "status",
            "expiresAt",
            "acceptance"
        ]
    );
}

#[test]
fn one_that_is_closed_can_still_be_looked_at_until_it_is_deleted() {
    let app = TestApp::serve();
    let look = |token: &str| app.person("lookup", &json!({ "token": token }));
    let close = |email: &str, close: &dyn Fn(&Value, &str)| {
        let made = app.invite("acme", email);
        let token = app.token_of(&made);
        close(&made, &token);
        (made, token)
    };
    let (made, accepted) = close("accepted@b.co", &|made, _| {
        assert_eq!(
            app.change(
                made,
                "accept",
                &json!({ "email": "accepted@b.co", "subject": "user_7" })
            )
            .status,
            200
        );
    });
    let (_, revoked) = close("revoked@b.co", &|made, _| {
        assert_eq!(app.change(made, "revoke", &json!({})).status, 200);
    });
    let (_, declined) = close("declined@b.co", &|_, token| {
        let body = json!({ "token": token, "email": "declined@b.co" });
        assert_eq!(
            app.post("/v1/invitations/decline", &body.to_string())
                .status,
            200
        );
    });
    for (token, status) in [
        (&accepted, "accepted"),
        (&revoked, "revoked"),
        (&declined, "declined"),
    ] {
        let answer = look(token);
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (200, &json!(status))
        );
        assert!(!answer.text().contains("user_7"), "{}", answer.text());
    }
    let lapsing = app.invite("acme", "lapsing@b.co");
    let lapsing = app.token_of(&lapsing);
    let week = 7 * 24 * 60 * 60 * 1000;
    for (millis, status) in [
        (week - 1, "pending"),
        (week, "expired"),
        (week + 1, "expired"),
    ] {
        app.advance_to(millis);
        assert_eq!(look(&lapsing).json()["status"], status);
    }
    assert_eq!(app.request("DELETE", &path_of(&made)).send().status, 204);
    assert_eq!(look(&accepted).status, 404);
}

#[test]
fn every_token_that_opens_nothing_gets_the_same_bytes_and_changes_nothing() {
    let app = TestApp::start(
        Mode::Serve,
        &["--resend-cooldown", "0s", "--limit-address", "0"],
    );
    let made = full(&app);
    let superseded = app.token_of(&made);
    assert_eq!(app.change(&made, "resend", &json!({})).status, 200);
    let token = app.token_of(&made);
    let deleted = app.invite("acme", "deleted@b.co");
    let of_deleted = app.token_of(&deleted);
    assert_eq!(app.request("DELETE", &path_of(&deleted)).send().status, 204);
    let mut rows = useless(&app, &made, &token);
    rows.extend([("superseded", superseded), ("of a deleted one", of_deleted)]);
    let before = app.contents();
    let operations: [(&str, Body<'_>); 4] = [
        ("lookup", &|token| json!({ "token": token })),
        (
            "code",
            &|token| json!({ "token": token, "email": "very.private@b.co" }),
        ),
        ("accept", &|token| {
            by_code(token, "very.private@b.co", "123456")
        }),
        ("decline", &|token| {
            by_code(token, "very.private@b.co", "123456")
        }),
    ];
    for (what, body) in operations {
        let expected = app.person(what, &body(&rows[0].1));
        assert_eq!(expected.status, 404, "{what}");
        for (wrong, token) in &rows {
            let answer = app.person(what, &body(token));
            if told_of_its_form(&answer, token) {
                continue;
            }
            let seen = (answer.status, answer.without_request_id());
            assert_eq!(
                seen,
                (404, expected.without_request_id()),
                "{what}: {wrong}"
            );
        }
    }
    let vouch = |token: &str| {
        let body = json!({ "token": token, "email": "very.private@b.co" }).to_string();
        app.post("/v1/invitations/accept", &body)
    };
    let expected = vouch(&rows[0].1);
    for (wrong, token) in &rows {
        let answer = vouch(token);
        if told_of_its_form(&answer, token) {
            continue;
        }
        assert_eq!(
            (answer.status, answer.without_request_id()),
            (404, expected.without_request_id()),
            "{wrong}"
        );
    }
    assert_eq!(app.contents(), before);
    assert_eq!(
        vouch(&token).status,
        200,
        "the good one works all the while"
    );
}

#[test]
fn a_token_that_is_no_text_or_missing_or_too_large_is_refused_as_such() {
    let app = TestApp::serve();
    let before = app.contents();
    for what in ["lookup", "code", "accept", "decline"] {
        let send = |token: &Value| match what {
            "lookup" => app.person(what, &json!({ "token": token })),
            "code" => app.person(what, &json!({ "token": token, "email": "a@b.co" })),
            _ => app.person(
                what,
                &json!({ "token": token, "email": "a@b.co", "code": "123456" }),
            ),
        };
        for token in [
            json!(["ivt_x"]),
            json!({ "token": "x" }),
            json!(7),
            json!(true),
        ] {
            let answer = send(&token);
            assert_eq!(
                refusal(&answer),
                (400, "invalid_json".to_owned()),
                "{what} {token}"
            );
            assert_eq!(
                wrong(&answer),
                [("/token".to_owned(), "wrong_type".to_owned())],
                "{what} {token}"
            );
        }
        let answer = send(&Value::Null);
        assert_eq!(
            refusal(&answer),
            (422, "validation_failed".to_owned()),
            "{what}"
        );
        assert_eq!(
            wrong(&answer),
            [("/token".to_owned(), "required".to_owned())],
            "{what}"
        );
        assert_eq!(
            refusal(&send(&json!("x".repeat(1_000_000)))),
            (413, "body_too_large".to_owned()),
            "{what}"
        );
        let in_query = app
            .anonymous("POST", &format!("/v1/invitations/{what}?token=x"))
            .json("{}")
            .send();
        assert_eq!(
            refusal(&in_query),
            (400, "invalid_query".to_owned()),
            "{what}"
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn a_lookup_with_a_key_shows_no_more_and_a_key_that_is_sent_must_be_good() {
    let app = TestApp::serve();
    let made = full(&app);
    let body = json!({ "token": app.token_of(&made) });
    let person = app.person("lookup", &body).json();
    assert_eq!(
        app.post("/v1/invitations/lookup", &body.to_string()).json(),
        person
    );
    let lookup = |key: &str| {
        app.anonymous("POST", "/v1/invitations/lookup")
            .bearer(key)
            .json(body.to_string())
            .send()
    };
    for key in ["ivk_wrong", "eyJhbGciOiJub25lIn0.e30.", ""] {
        assert_eq!(
            refusal(&lookup(key)),
            (401, "unauthorized".to_owned()),
            "{key}"
        );
    }
}

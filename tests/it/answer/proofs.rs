//! Which proof is meant, who may give it, and what a repeated answer does.

use invited::key::Scope;
use serde_json::{Value, json};

use super::by_code;
use crate::support::life::{path_of, refusal, wrong};
use crate::support::{Answer, TestApp};

/// POSTs to accept with a key.
fn vouch(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.anonymous("POST", "/v1/invitations/accept")
        .bearer(key)
        .json(body.to_string())
        .send()
}

#[test]
fn an_application_vouches_with_a_key_and_gets_the_whole_invitation() {
    let app = TestApp::serve();
    let key = app.key(&[Scope::Accept], &["acme"], None);
    let mut made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let answer = vouch(
        &app,
        &key,
        &json!({ "token": token, "email": " A@B.co", "subject": "user_7" }),
    );
    made["status"] = json!("accepted");
    made["acceptedAt"] = made["createdAt"].clone();
    made["acceptedBy"] = json!("user_7");
    assert_eq!(
        (answer.status, answer.json()),
        (200, made.clone()),
        "{}",
        answer.text()
    );
    let event = app.get("/v1/organizations/acme/events?limit=1").json()[0].clone();
    assert_eq!(
        (&event["actor"], &event["after"]["acceptedBy"]),
        (&json!(key[4..20]), &json!("user_7"))
    );
    let again = vouch(&app, &key, &json!({ "token": token, "email": "a@b.co" }));
    assert_eq!(refusal(&again), (409, "status_conflict".to_owned()));
    assert_eq!(again.json()["invitationStatus"], "accepted");
    let other = vouch(&app, &key, &json!({ "token": token, "email": "eve@b.co" }));
    assert_eq!(
        refusal(&other),
        (403, "email_mismatch".to_owned()),
        "whether it was used is not told to strangers"
    );
}

#[test]
fn a_wrong_address_with_a_key_is_refused_and_uses_nothing_up() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let before = app.contents();
    for what in ["accept", "decline"] {
        let body = json!({ "token": token, "email": "eve@b.co" }).to_string();
        let answer = app.post(&format!("/v1/invitations/{what}"), &body);
        assert_eq!(
            refusal(&answer),
            (403, "email_mismatch".to_owned()),
            "{what}"
        );
        assert!(!answer.text().contains("a@b.co"), "{}", answer.text());
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn an_address_alone_is_no_proof() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    // Who is asked comes before what was sent: without a key nothing of it is looked at.
    for body in [
        json!({ "token": token, "email": "a@b.co" }),
        json!({ "token": token, "email": "a@b.co", "subject": "user_7" }),
        json!({ "token": token, "email": "a@b.co", "code": null, "idToken": null }),
        json!({ "token": token, "email": "no address" }),
        json!({ "token": token }),
        json!({}),
    ] {
        for what in ["accept", "decline"] {
            let answer = app.person(what, &body);
            assert_eq!(
                refusal(&answer),
                (401, "unauthorized".to_owned()),
                "{what} {body}"
            );
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer"),
                "{what} {body}"
            );
        }
    }
    let rights = [
        &[Scope::Read][..],
        &[Scope::Write],
        &[Scope::Link],
        &[Scope::Read, Scope::Write, Scope::Link],
    ];
    let keys = rights.map(|scopes| (scopes, app.key(scopes, &[], None)));
    for (scopes, key) in &keys {
        for body in [
            json!({ "token": token, "email": "a@b.co" }),
            json!({ "token": token, "email": "x" }),
            json!({}),
        ] {
            let answer = vouch(&app, key, &body);
            assert_eq!(
                refusal(&answer),
                (403, "insufficient_scope".to_owned()),
                "{scopes:?} {body}"
            );
        }
    }
    assert_eq!(
        (
            app.look(&made)["status"].clone(),
            app.contents()["event"].len()
        ),
        (json!("pending"), 1)
    );
}

#[test]
fn proofs_cannot_be_mixed_and_everything_wrong_is_told_at_once() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let before = app.contents();
    let rows = [
        (
            json!({ "email": "a@b.co", "code": "123456", "subject": "user_7" }),
            "/subject",
            "conflict",
        ),
        (
            json!({ "email": "a@b.co", "code": "123456", "idToken": "x.y.z" }),
            "/code",
            "conflict",
        ),
        (
            json!({ "email": "a@b.co", "idToken": "x.y.z" }),
            "/email",
            "conflict",
        ),
        (
            json!({ "subject": "user_7", "idToken": "x.y.z" }),
            "/subject",
            "conflict",
        ),
        (json!({ "idToken": "x.y.z" }), "/idToken", "not_allowed"),
        (json!({ "code": "123456" }), "/email", "required"),
    ];
    for (mut body, pointer, code) in rows {
        body["token"] = json!(token);
        for answer in [
            app.person("accept", &body),
            vouch(&app, &app.key, &body),
            app.person("decline", &body),
        ] {
            assert_eq!(
                refusal(&answer),
                (422, "validation_failed".to_owned()),
                "{body}"
            );
            assert_eq!(
                wrong(&answer),
                [(pointer.to_owned(), code.to_owned())],
                "{body}"
            );
        }
    }
    let pointers = |answer: &Answer| {
        wrong(answer)
            .into_iter()
            .map(|(pointer, _)| pointer)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        pointers(&vouch(&app, &app.key, &json!({}))),
        ["/token", "/email"]
    );
    assert_eq!(
        pointers(&vouch(
            &app,
            &app.key,
            &json!({ "email": "x", "subject": "" })
        )),
        ["/token", "/email", "/subject"]
    );
    assert_eq!(
        pointers(&app.person("accept", &json!({ "code": "1" }))),
        ["/token", "/email", "/code"]
    );
    assert_eq!(
        pointers(&app.person("code", &json!({}))),
        ["/token", "/email"]
    );
    assert_eq!(app.contents(), before);
}

#[test]
fn a_key_of_another_organization_sees_what_an_unknown_token_shows() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let stranger = app.key(&[Scope::Accept], &["globex"], None);
    let before = app.contents();
    let unknown = format!("ivt_{}_{}", super::MISSING, &token[37..]);
    let expected = vouch(
        &app,
        &stranger,
        &json!({ "token": unknown, "email": "a@b.co" }),
    );
    for email in ["a@b.co", "eve@b.co"] {
        let answer = vouch(&app, &stranger, &json!({ "token": token, "email": email }));
        assert_eq!(
            (answer.status, answer.without_request_id()),
            (404, expected.without_request_id()),
            "{email}"
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn the_same_answer_again_under_its_idempotency_key_is_the_same_success() {
    let app = TestApp::serve();
    app.set_present();
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    let ask = || {
        let request = app
            .anonymous("POST", "/v1/invitations/code")
            .header("Idempotency-Key", "ask");
        request
            .json(json!({ "token": token, "email": "a@b.co" }).to_string())
            .send()
    };
    assert_eq!(
        (
            ask().header("idempotency-replayed"),
            ask().header("idempotency-replayed")
        ),
        (None, Some("true"))
    );
    let code = app.code_of(&made).expect("a live code");
    let accept = |body: &Value| {
        let request = app
            .anonymous("POST", "/v1/invitations/accept")
            .header("Idempotency-Key", "k");
        request.json(body.to_string()).send()
    };
    let wrong_code = by_code(&token, "a@b.co", &crate::support::life::another_code(&code));
    assert_eq!(accept(&wrong_code).status, 404);
    let body = by_code(&token, "a@b.co", &code);
    let (first, second) = (accept(&body), accept(&body));
    assert_eq!(
        (first.status, second.status, first.text()),
        (200, 200, second.text())
    );
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(accept(&wrong_code).code(), "idempotency_key_reused");
    assert_eq!(app.contents()["event"].len(), 2);
}

#[test]
fn idempotency_keys_of_people_with_different_links_never_meet() {
    let app = TestApp::serve();
    let tokens = ["a@b.co", "b@b.co"].map(|email| app.token_of(&app.invite("acme", email)));
    let ask = |token: &str, email: &str| {
        let request = app
            .anonymous("POST", "/v1/invitations/code")
            .header("Idempotency-Key", "1");
        request
            .json(json!({ "token": token, "email": email }).to_string())
            .send()
    };
    assert_eq!(ask(&tokens[0], "a@b.co").status, 202);
    let answer = ask(&tokens[1], "b@b.co");
    assert_eq!(
        (answer.status, answer.header("idempotency-replayed")),
        (202, None),
        "{}",
        answer.text()
    );
    assert_eq!(ask(&tokens[0], "b@b.co").code(), "idempotency_key_reused");
}

#[test]
fn a_deleted_organization_takes_the_stored_answers_to_its_links_along() {
    let app = TestApp::serve();
    let (made, kept) = (
        app.invite("acme", "a@b.co"),
        app.invite("globex", "kept@b.co"),
    );
    let accept = |made: &Value| {
        let body = json!({ "token": app.token_of(made), "email": made["email"] }).to_string();
        let request = app
            .request("POST", "/v1/invitations/accept")
            .header("Idempotency-Key", "k")
            .json(body);
        move || request.clone().send()
    };
    let (accept, accept_kept) = (accept(&made), accept(&kept));
    assert_eq!((accept().status, accept_kept().status), (200, 200));
    assert_eq!(accept().header("idempotency-replayed"), Some("true"));
    assert_eq!(
        app.request("DELETE", "/v1/organizations/acme")
            .send()
            .status,
        204
    );
    assert!(
        !format!("{:?}", app.contents()).contains("a@b.co"),
        "{:?}",
        app.contents()
    );
    assert_eq!(accept().status, 404);
    assert_eq!(
        (
            accept_kept().status,
            accept_kept().header("idempotency-replayed")
        ),
        (200, Some("true"))
    );
    assert_eq!(app.get(&path_of(&kept)).status, 200);
}

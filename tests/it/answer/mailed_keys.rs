//! A mailed link beside a key: an application brings it, and says which user came with it.

use invited::key::Scope;
use serde_json::{Value, json};

use super::mailed::{by_link, start};
use crate::support::life::{refusal, wrong};
use crate::support::{Answer, TestApp};

/// POSTs to accept with a key.
fn with_key(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.anonymous("POST", "/v1/invitations/accept")
        .bearer(key)
        .json(body.to_string())
        .send()
}

#[test]
fn an_application_with_a_key_may_say_which_user_the_mailed_link_brought() {
    let (app, mut made, token) = start("mailed-link");
    let key = app.key(&[Scope::Accept], &["acme"], None);
    let other = with_key(&app, &key, &json!({ "token": token, "email": "eve@b.co" }));
    assert_eq!(refusal(&other), (403, "email_mismatch".to_owned()));
    let answer = with_key(&app, &key, &json!({ "token": token, "subject": "user_7" }));
    made["status"] = json!("accepted");
    made["acceptedBy"] = json!("user_7");
    for at in ["acceptedAt", "updatedAt"] {
        made[at] = app.look(&made)[at].clone();
    }
    assert_eq!((answer.status, answer.json()), (200, made), "all of it");
    let made = app.invite("acme", "b@b.co");
    let answer = with_key(&app, &key, &by_link(&app.mailed_token_of(&made)));
    assert_eq!(answer.json()["email"], "b@b.co", "{}", answer.text());
}

#[test]
fn a_key_beside_a_mailed_link_must_be_one_that_may_accept_it() {
    let (app, made, token) = start("mailed-link");
    let before = app.contents();
    let unknown = format!("ivm_{}_{}", super::MISSING, &token[37..]);
    let stranger = app.key(&[Scope::Accept], &["globex"], None);
    let expected = with_key(&app, &stranger, &by_link(&unknown));
    let answer = with_key(&app, &stranger, &by_link(&token));
    assert_eq!(
        (answer.status, answer.without_request_id()),
        (404, expected.without_request_id()),
        "a key of another organization"
    );
    let reader = app.key(&[Scope::Read, Scope::Write, Scope::Link], &[], None);
    let refused = with_key(&app, &reader, &by_link(&token));
    assert_eq!(refusal(&refused), (403, "insufficient_scope".to_owned()));
    let nobody = app.person("accept", &json!({ "token": token, "subject": "user_7" }));
    assert_eq!(refusal(&nobody), (401, "unauthorized".to_owned()));
    let body = json!({ "token": token, "subject": "a\u{200b}b" });
    assert_eq!(
        wrong(&with_key(&app, &app.key, &body)),
        [("/subject".to_owned(), "forbidden_character".to_owned())]
    );
    assert_eq!(app.look(&made)["status"], "pending");
    assert_eq!(app.contents()["event"], before["event"]);
}

#[test]
fn a_key_that_may_not_grant_the_role_accepts_none_with_it_by_a_mailed_link() {
    let (app, made, token) = start("mailed-link");
    let mut body = json!({ "name": "k", "scopes": ["invitations:accept"], "roles": ["viewer"] });
    let key = |body: &Value| {
        let answer = app.post("/v1/keys", &body.to_string());
        answer.json()["key"].as_str().expect("a key").to_owned()
    };
    let refused = with_key(&app, &key(&body), &by_link(&token));
    assert_eq!(refusal(&refused), (403, "role_not_grantable".to_owned()));
    assert_eq!(app.look(&made)["status"], "pending");
    body["roles"] = json!(["developer"]);
    let accepted = with_key(&app, &key(&body), &by_link(&token));
    assert_eq!(accepted.status, 200, "{}", accepted.text());
}

#[test]
fn where_a_code_is_asked_for_an_application_brings_no_proof_by_the_link() {
    let (app, made, token) = start("code");
    let before = app.contents();
    let key = app.key(&[Scope::Accept], &[], None);
    for body in [
        by_link(&token),
        json!({ "token": token, "subject": "user_7" }),
    ] {
        let answer = with_key(&app, &key, &body);
        assert_eq!(
            refusal(&answer),
            (404, "proof_rejected".to_owned()),
            "{body}"
        );
    }
    assert_eq!(app.contents()["event"], before["event"]);
    let vouched = json!({ "token": token, "email": "a@b.co", "subject": "user_7" });
    assert_eq!(with_key(&app, &key, &vouched).status, 200);
    assert_eq!(app.look(&made)["acceptedBy"], "user_7");
}

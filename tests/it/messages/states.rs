//! What is not possible as things stand: what stands in the way, and what is possible instead.

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::json;

use super::Record;
use crate::support::{TestApp, invitation, invitations};

#[test]
fn an_invitation_that_stands_in_the_way_is_told_with_what_can_be_done() {
    let mut record = Record::of(TestApp::serve());
    let made = record.app.invite("acme", "a@b.co");
    let again = |record: &Record, more: &str| {
        let body = format!(r#"{{"email":"a@b.co","role":"dev"{more}}}"#);
        record.app.request("POST", &invitations("acme")).json(body)
    };
    let says = "has a pending invitation already; `onConflict` can return, replace or resend it.";
    record.says(again(&record, ""), 409, "already_invited", says);
    let says = "can be sent again in 60 s: 60 s must lie between two sendings (--resend-cooldown).";
    let request = again(&record, r#","onConflict":"resend""#);
    record.says(request, 429, "resend_too_soon", says);
    record.app.advance_to(17_500);
    let path = invitation("acme", &made["id"]);
    let request = record.app.request("POST", &format!("{path}/resend"));
    let answer = record.says(
        request,
        429,
        "resend_too_soon",
        "can be sent again in 43 s: 60 s",
    );
    assert_eq!(answer.header("retry-after"), Some("43"));
    let accepted = record
        .app
        .post(&format!("{path}/accept"), r#"{"email":"a@b.co"}"#);
    assert_eq!(accepted.status, 200);
    let says = "has joined by an invitation already; `onConflict` can return it";
    record.says(again(&record, ""), 409, "already_accepted", says);
}

#[test]
fn an_address_that_was_not_invited_is_told_to_sign_in_with_the_other_one() {
    let mut record = Record::of(TestApp::serve());
    let made = record.app.invite("acme", "a@b.co");
    let path = invitation("acme", &made["id"]);
    let request = record.app.request("POST", &format!("{path}/accept"));
    let says = "Another e-mail address was invited: sign in with that one. Nothing was used up.";
    let body = r#"{"email":"other@b.co"}"#;
    record.says(request.json(body), 403, "email_mismatch", says);
}

#[test]
fn the_address_of_an_invitation_is_said_to_be_no_field_that_changes() {
    let mut record = Record::of(TestApp::serve());
    let made = record.app.invite("acme", "a@b.co");
    let path = invitation("acme", &made["id"]);
    let patch = |record: &Record, body: &str| record.app.request("PATCH", &path).json(body);
    let says = "cannot be changed: revoke the invitation, and invite the other address.";
    let request = patch(&record, r#"{"email":"b@b.co","rol":"x"}"#);
    let answer = record.says(request, 400, "unknown_field", says);
    let errors = json!([
        { "pointer": "/email", "code": "unknown_field",
            "detail": "the address of an invitation cannot be changed" },
        { "pointer": "/rol", "code": "unknown_field",
            "detail": "no such field; did you mean role?" },
    ]);
    assert_eq!(answer.json()["errors"], errors);
    let request = patch(&record, r#"{"rol":"x"}"#);
    record.says(request, 400, "unknown_field", "rol (did you mean role?)");
}

#[test]
fn a_text_that_cannot_be_a_token_is_told_what_one_looks_like() {
    let mut record = Record::of(TestApp::start(Mode::Serve, &["--limit-address", "0"]));
    let made = record.app.invite("acme", "a@b.co");
    let token = record.app.token_of(&made);
    let key = record.app.key.clone();
    let url = format!("http://invited.test/accept#{token}");
    let mailed = record.app.mailed_token_of(&made);
    let link = "send what follows the # in the link, and nothing else";
    let none = "a token is what follows the # in the link, and begins with ivt_ or ivm_";
    let cut = "This token is cut off or mistyped";
    let cases = [
        ("junk", none),
        ("", none),
        (&format!(" {mailed}"), none),
        (&url, link),
        (&format!("http://invited.test/accept#{mailed}"), link),
        (&format!("#{mailed}"), link),
        (&token[..90], cut),
        (&mailed[..90], cut),
        (&key, "This is an API key, and no token of a link"),
    ];
    // Whatever else is there, or is missing: the token is what is wrong.
    let rests = [
        json!({}),
        json!({ "email": "a@b.co" }),
        json!({ "email": "a@b.co", "code": "123456" }),
        json!({ "code": "123456" }),
        json!({ "subject": "user_7" }),
        json!({ "idToken": "x.y.z" }),
    ];
    for (text, says) in cases {
        for what in ["lookup", "code", "accept", "decline"] {
            let path = format!("/v1/invitations/{what}");
            let rests = match what {
                "lookup" => &rests[..1],
                "code" => &rests[..2],
                _ => &rests[..],
            };
            for rest in rests {
                let mut body = rest.clone();
                body["token"] = json!(text);
                let app = &record.app;
                for request in [app.anonymous("POST", &path), app.request("POST", &path)] {
                    record.says(request.json(body.to_string()), 404, "not_found", says);
                }
            }
        }
    }
}

#[test]
fn a_token_with_the_form_of_one_is_told_the_same_whatever_is_wrong_with_it() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let other = app.invite("other", "a@b.co");
    let key = app.key(&[Scope::Accept], &["acme"], None);
    let (token, foreign) = (app.token_of(&made), app.token_of(&other));
    let end = if token.ends_with('0') { '1' } else { '0' };
    let altered = format!("{}{end}", &token[..token.len() - 1]);
    let unknown = format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64));
    let texts = [unknown, altered, foreign].map(|token| {
        let body = json!({ "token": token, "email": "a@b.co" }).to_string();
        let request = app.anonymous("POST", "/v1/invitations/accept").bearer(&key);
        request.json(body).send().without_request_id()
    });
    assert!(
        texts[0].contains("This token opens nothing here"),
        "{texts:?}"
    );
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[test]
fn a_header_that_is_malformed_is_told_its_form() {
    let mut record = Record::of(TestApp::serve());
    let made = record.app.invite("acme", "a@b.co");
    let says = "Idempotency-Key must be one value of 1 to 255 visible ASCII characters";
    for value in ["", "a b"] {
        let request = record.app.request("POST", &invitations("acme"));
        let request = request.header("Idempotency-Key", value).json("{}");
        record.says(request, 400, "bad_request", says);
    }
    let path = invitation("acme", &made["id"]);
    let patch = |record: &Record, tag: &str| {
        let request = record.app.request("PATCH", &path);
        request.header("If-Match", tag).json("{}")
    };
    let says = "If-Match is no list of entity tags: quote the tag as `ETag` has it, as \"";
    record.says(patch(&record, "x"), 400, "bad_request", says);
    let says = "It has changed since that version. Read it again, then decide.";
    record.says(patch(&record, "\"x\""), 412, "precondition_failed", says);
}

//! Acceptance by an id token, end to end.

use std::path::Path;

use invited::base::mode::Mode;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::signer::Signer;
use super::{AUDIENCE, ISSUER, claims, claims_with, file_of};
use crate::support::TestApp;
use crate::support::life::{path_of, refusal, wrong};

/// A server whose provider has the key of `signer`; the file has to outlive its start only.
pub fn start(signer: &Signer, more: &[&str]) -> (TestApp, NamedTempFile) {
    let file = file_of(&[signer.jwk()]);
    let path = Path::to_str(file.path()).expect("a path");
    let words = [
        "--oidc-issuer",
        ISSUER,
        "--oidc-audience",
        AUDIENCE,
        "--oidc-jwks",
        path,
    ];
    (TestApp::start(Mode::Serve, &[&words, more].concat()), file)
}

/// The body of an answer by an id token.
fn body(token: &str, id_token: &str) -> Value {
    json!({ "token": token, "idToken": id_token })
}

#[test]
fn an_id_token_accepts_for_its_verified_address_and_its_subject_is_shown() {
    let signer = Signer::ed("d");
    let (app, _file) = start(&signer, &[]);
    let made = app.invite("acme", "jane.doe@example.com");
    let token = app.token_of(&made);
    let answer = app.person("accept", &body(&token, &signer.token(&claims())));
    let expected = json!({ "organizationId": "acme", "role": "developer", "status": "accepted",
        "expiresAt": made["expiresAt"] });
    assert_eq!(
        (answer.status, answer.json()),
        (200, expected),
        "without a key: what a lookup shows"
    );
    let now = app.look(&made);
    assert_eq!(
        (&now["status"], &now["acceptedBy"]),
        (&json!("accepted"), &json!("248289761001"))
    );
    let event = app.get("/v1/organizations/acme/events?limit=1").json()[0].clone();
    assert_eq!(
        (&event["actor"], &event["after"]["acceptedBy"]),
        (&json!("person"), &json!("248289761001"))
    );
    let again = app.person("accept", &body(&token, &signer.token(&claims())));
    assert_eq!(refusal(&again), (409, "status_conflict".to_owned()));
}

#[test]
fn a_decline_by_an_id_token_names_nobody_as_the_one_who_accepted() {
    let signer = Signer::ed("d");
    let (app, _file) = start(&signer, &[]);
    let made = app.invite("acme", "jane.doe@example.com");
    let answer = app.person(
        "decline",
        &body(&app.token_of(&made), &signer.token(&claims())),
    );
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (200, &json!("declined")),
        "{}",
        answer.text()
    );
    assert_eq!(app.look(&made)["acceptedBy"], Value::Null);
}

#[test]
fn an_id_token_of_another_person_is_refused_counted_and_uses_nothing_up() {
    let signer = Signer::ed("d");
    let (app, _file) = start(&signer, &["--limit-proofs", "3"]);
    let (made, other) = (
        app.invite("acme", "jane.doe@example.com"),
        app.invite("globex", "jane.doe@example.com"),
    );
    let (token, of_other) = (app.token_of(&made), app.token_of(&other));
    let eve = signer.token(&claims_with(
        &json!({ "email": "eve@example.com", "sub": "eve" }),
    ));
    let before = app.contents();
    for _ in 0..3 {
        let answer = app.person("accept", &body(&token, &eve));
        assert_eq!(refusal(&answer), (403, "email_mismatch".to_owned()));
        assert!(
            !answer.text().to_lowercase().contains("jane"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(
        refusal(&app.person("accept", &body(&token, &eve))),
        (429, "rate_limited".to_owned())
    );
    assert_eq!(app.contents(), before);
    let right = signer.token(&claims());
    assert_eq!(
        app.person("accept", &body(&token, &right)).status,
        200,
        "the right one is never refused"
    );
    assert_eq!(app.person("accept", &body(&of_other, &right)).status, 200);
}

#[test]
fn an_id_token_that_proves_nothing_is_refused_before_the_link_is_looked_at() {
    let signer = Signer::ed("d");
    let (app, _file) = start(&signer, &[]);
    let made = app.invite("acme", "jane.doe@example.com");
    let token = app.token_of(&made);
    let before = app.contents();
    let bad = [
        signer.token(&claims_with(&json!({ "email_verified": false }))),
        signer.token(&claims_with(&json!({ "exp": 1 }))),
        signer.token(&claims_with(&json!({ "aud": "another" }))),
        Signer::ed("d").token(&claims()),
        "x.y.z".to_owned(),
        String::new(),
    ];
    for id_token in bad {
        let answers = [
            token.clone(),
            format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64)),
        ]
        .map(|token| app.person("accept", &body(&token, &id_token)));
        assert_eq!(
            refusal(&answers[0]),
            (403, "id_token_rejected".to_owned()),
            "{id_token}"
        );
        assert_eq!(
            answers[0].without_request_id(),
            answers[1].without_request_id(),
            "{id_token}"
        );
    }
    let good = signer.token(&claims());
    let unknown = app.person(
        "accept",
        &body(&format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64)), &good),
    );
    assert_eq!(refusal(&unknown), (404, "not_found".to_owned()));
    let missing = app.person("accept", &json!({ "idToken": good }));
    assert_eq!(
        wrong(&missing),
        [("/token".to_owned(), "required".to_owned())]
    );
    assert_eq!(app.contents(), before);
}

#[test]
fn an_id_token_opens_exactly_the_invitation_of_its_link() {
    let signer = Signer::ed("d");
    let (app, _file) = start(&signer, &[]);
    let (made, other) = (
        app.invite("acme", "jane.doe@example.com"),
        app.invite("globex", "jane.doe@example.com"),
    );
    assert_eq!(
        app.person(
            "accept",
            &body(&app.token_of(&made), &signer.token(&claims()))
        )
        .status,
        200
    );
    assert_eq!(app.get(&path_of(&other)).json()["status"], "pending");
}

#[test]
fn where_a_nonce_is_required_an_id_token_is_good_for_the_invitation_of_one_link_only() {
    let signer = Signer::ed("d");
    let (app, _file) = start(&signer, &["--oidc-nonce"]);
    let made =
        ["acme", "globex"].map(|organization| app.invite(organization, "jane.doe@example.com"));
    let tokens = made.each_ref().map(|made| app.token_of(made));
    let bound = |nonce: Value| signer.token(&claims_with(&json!({ "nonce": nonce })));
    let of_link = |token: &str| Value::from(invited::oidc::nonce_of(token));
    let before = app.contents();
    for nonce in [
        Value::Null,
        json!(""),
        json!("0".repeat(32)),
        json!([of_link(&tokens[0])]),
        of_link(&tokens[1]),
    ] {
        let answer = app.person("accept", &body(&tokens[0], &bound(nonce.clone())));
        assert_eq!(
            refusal(&answer),
            (403, "id_token_rejected".to_owned()),
            "{nonce}"
        );
    }
    assert_eq!(app.contents(), before);
    assert_eq!(
        app.person("accept", &body(&tokens[0], &bound(of_link(&tokens[0]))))
            .status,
        200
    );
    // The nonce is that of the very token, and the mailed one is another than the given one.
    let mailed = app.mailed_token_of(&made[1]);
    for (nonce, status) in [(of_link(&tokens[1]), 403), (of_link(&mailed), 200)] {
        let answer = app.person("accept", &body(&mailed, &bound(nonce)));
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let (lax, _file) = start(&signer, &[]);
    let token = lax.token_of(&lax.invite("acme", "jane.doe@example.com"));
    assert_eq!(
        lax.person("accept", &body(&token, &bound(json!("of the application"))))
            .status,
        200
    );
}

#[test]
fn the_nonce_of_a_link_is_half_of_its_hash() {
    // As `printf '' | sha256sum` says.
    assert_eq!(
        invited::oidc::nonce_of(""),
        "e3b0c44298fc1c149afbf4c8996fb924"
    );
}

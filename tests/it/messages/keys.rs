//! Requests without a good key: what is wrong with the form of one is told, and nothing else.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use invited::key::Scope;

use super::Record;
use crate::support::{START, TestApp, forged, invitations};

#[test]
fn what_is_wrong_with_the_form_of_a_key_is_told() {
    let mut record = Record::of(TestApp::serve());
    let key = record.app.key.clone();
    let link = format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64));
    let (id, secret) = key[4..].split_once('_').expect("two parts");
    let basic = |user: &str, password: &str| {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        format!("Basic {pair}")
    };
    let mistyped = format!(
        "{}{}",
        &key[..92],
        if key.ends_with('0') { '1' } else { '0' }
    );
    for (header, says) in [
        (key.clone(), "names no scheme: write `Bearer ivk_...`"),
        ("Bearer".to_owned(), "names no scheme"),
        (
            format!("Token {key}"),
            "a scheme that is not read: write `Bearer",
        ),
        (
            format!("Bearer {}", &key[..88]),
            "cut off: one has 93 characters",
        ),
        ("Bearer ivk_".to_owned(), "cut off: one has 93 characters"),
        (format!("Bearer {key}0"), "too long: one has 93 characters"),
        (
            format!("Bearer {mistyped}"),
            "mistyped: its checksum does not match",
        ),
        (
            format!("Bearer {}", key.to_uppercase()),
            "16 hex digits, _, and 72 hex digits, in lowercase",
        ),
        (
            format!("Bearer ivk_{id}-{secret}"),
            "16 hex digits, _, and 72 hex digits, in lowercase",
        ),
        (
            format!("Bearer ivk_{id}_{}", secret.to_uppercase()),
            "16 hex digits, _, and 72 hex digits, in lowercase",
        ),
        (
            format!("Bearer \u{200b}{key}"),
            "characters that no key has",
        ),
        ("Bearer schlüssel".to_owned(), "characters that no key has"),
        (
            format!("Bearer \"{key}\""),
            "Something stands around the key",
        ),
        (format!("Bearer  {key}"), "with one space before the key"),
        (format!("Bearer {link}"), "the token of a link, and no key"),
        (
            "Bearer abc".to_owned(),
            "no key of this server: a key begins with ivk_",
        ),
        (basic(id, &secret[..70]), "as password the 72 digits"),
        (basic(&key, ""), "as user name the 16 digits"),
        ("Basic x".to_owned(), "Basic takes a key in two parts"),
    ] {
        let request = record.app.anonymous("GET", &invitations("acme"));
        let request = request.header("Authorization", &header);
        let answer = record.says(request, 401, "unauthorized", says);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert!(!answer.text().contains(secret), "{header}");
    }
    let request = record.app.anonymous("GET", &invitations("acme"));
    let says = "no Authorization header: send `Authorization: Bearer ivk_...`";
    record.says(request, 401, "unauthorized", says);
    let request = record.app.anonymous("GET", &invitations("acme"));
    let says = "X-Api-Key is not read: send the key as `Authorization: Bearer ivk_...`";
    record.says(request.header("X-Api-Key", &key), 401, "unauthorized", says);
}

#[test]
fn in_development_what_was_meant_to_be_a_key_never_counts_as_none() {
    let app = TestApp::start(Mode::Dev, &[]);
    let key = forged("0123456789abcdef");
    let status = |header: &str| {
        let request = app.anonymous("GET", &invitations("acme"));
        request.header("Authorization", header).send().status
    };
    let pair = BASE64_STANDARD.encode(format!("{key}:"));
    for header in [
        key.clone(),
        format!("Bearer {key}"),
        format!("Bearer  {key}"),
        format!("Bearer\t{key}"),
        format!("Bearer \"{key}\""),
        format!("Bearer <{key}>"),
        format!("Bearer {}", key.to_uppercase()),
        format!("Bearer {}", key.replacen("ivk", "ivm", 1)),
        format!("Bearer ivt_{}", "0".repeat(32)),
        format!("Bearer \u{200b}{key}"),
        format!("Token {key}"),
        format!("Basic {pair}"),
        "ivk_abc".to_owned(),
    ] {
        assert_eq!(status(&header), 401, "{header}");
    }
    for header in [
        "Bearer another-system",
        "Basic dXNlcjpwYXNz",
        "Bearer",
        "\u{fc}",
    ] {
        assert_eq!(status(header), 200, "{header}");
    }
}

#[test]
fn a_key_with_the_form_of_one_is_told_nothing_but_that_it_is_not_good() {
    let app = TestApp::serve();
    let past = Timestamp::from_millis(START - 1);
    let expired = app.key(&[Scope::Read], &[], Some(past));
    let revoked = app.key(&[Scope::Read], &[], None);
    let path = format!("/v1/keys/{}", &revoked[4..20]);
    assert_eq!(app.request("DELETE", &path).send().status, 204);
    // The id of a key that is there, with the secret of nobody.
    let altered = forged(&app.key[4..20]);
    let unknown = forged("0123456789abcdef");
    let answers = [unknown, altered, revoked, expired].map(|key| {
        let request = app.anonymous("GET", &invitations("acme"));
        let answer = request.bearer(&key).send();
        assert_eq!(answer.status, 401);
        answer.without_request_id()
    });
    assert!(answers[0].contains("This key is unknown, revoked or expired. Make another one"));
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[test]
fn a_right_that_is_missing_is_named() {
    let mut record = Record::of(TestApp::serve());
    let key = record.app.key(&[Scope::Read], &["acme"], None);
    let request = record.app.anonymous("POST", &invitations("acme"));
    let request = request.bearer(&key).json("{}");
    let says = "This needs the scope invitations:write; use a key that has it.";
    record.says(request, 403, "insufficient_scope", says);
}

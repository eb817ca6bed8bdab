//! Which key checks a token, and when keys are fetched.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use invited::base::clock::Timestamp;
use invited::base::email::Hosts;
use invited::base::error::Code;
use invited::oidc::Verifier;
use invited::server;
use serde_json::{Value, json};

use super::provider::{Provider, answer};
use super::signer::{Signer, set};
use super::{NOW, claims, rejection, verifier, verifier_of, verify, verify_after};

/// A JWK with a member more.
fn with(signer: &Signer, name: &str, value: Value) -> Value {
    let mut jwk = signer.jwk();
    jwk[name] = value;
    jwk
}

/// Whether `token` is good so many seconds after `start`.
fn is_good(verifier: &Verifier, token: &str, start: Instant, seconds: u64) -> bool {
    verify_after(verifier, token, start, seconds).is_ok()
}

/// Verifies a good token; the provider must be asked once, and count as unavailable.
fn is_unavailable(provider: &Provider) {
    let error = verify(
        &verifier_of(&provider.url()),
        &Signer::ed("a").token(&claims()),
    )
    .expect_err("there are no keys");
    assert_eq!(
        (error.code, error.retry_after_seconds),
        (Code::IdentityProviderUnavailable, Some(5)),
        "{error}"
    );
    assert_eq!((error.code.meaning().status, provider.requests()), (503, 1));
}

#[test]
fn a_key_counts_for_what_it_is_published_for_only() {
    let (other, signer) = (Signer::ed("other"), Signer::rsa("r"));
    let token = signer.token(&claims());
    for (name, value) in [
        ("alg", json!("RS512")),
        ("alg", json!("PS256")),
        ("alg", json!("RSA-OAEP")),
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("kty", json!("oct")),
        ("n", json!("AQAB")),
        ("kid", json!("R")),
    ] {
        let verifier = verifier(&[other.jwk(), with(&signer, name, value.clone())]);
        assert!(
            rejection(&verifier, &token).contains("No key"),
            "{name} {value}"
        );
    }
    for (name, value) in [
        ("alg", json!("RS256")),
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("x", json!({})),
    ] {
        assert!(
            verify(&verifier(&[with(&signer, name, value.clone())]), &token).is_ok(),
            "{name} {value}"
        );
    }
    let ec = Signer::ec("e");
    let verifier = verifier(&[other.jwk(), with(&ec, "crv", json!("P-384"))]);
    assert!(rejection(&verifier, &ec.token(&claims())).contains("No key"));
}

#[test]
fn a_token_without_a_kid_needs_exactly_one_key_that_fits() {
    let (rsa, ec, ed) = (
        Signer::rsa("r"),
        Signer::ec("e"),
        Signer::ed("d").called(None),
    );
    let token = ed.token(&claims());
    let (jwk, named) = (ed.jwk(), with(&ed, "kid", json!("d")));
    for jwk in [&jwk, &named] {
        assert!(verify(&verifier(&[rsa.jwk(), ec.jwk(), jwk.clone()]), &token).is_ok());
    }
    let verifier_of_two = verifier(&[named, Signer::ed("d2").jwk()]);
    assert!(rejection(&verifier_of_two, &token).contains("must name one"));
    assert!(rejection(&verifier(&[rsa.jwk()]), &token).contains("No key"));
    // The other way round, a name that no key has is no name.
    let named = ed.called(Some("d"));
    assert!(rejection(&verifier(&[jwk]), &named.token(&claims())).contains("No key"));
}

#[test]
fn keys_that_cannot_be_used_do_not_hide_those_that_can() {
    let signer = Signer::ec("e");
    let strange = [
        json!(null),
        json!({}),
        json!({ "kty": "EC", "crv": "P-999", "kid": "e" }),
        json!({ "kty": "XX" }),
    ];
    let verifier = verifier(&[strange.as_slice(), &[signer.jwk()]].concat());
    assert!(verify(&verifier, &signer.token(&claims())).is_ok());
}

#[test]
fn a_url_is_asked_once_for_many_tokens_and_only_when_the_first_one_comes() {
    let signer = Signer::ed("a");
    let provider = Provider::publishing(&set(&[signer.jwk()]));
    let verifier = verifier_of(&provider.url());
    assert_eq!(provider.requests(), 0);
    provider.dribble(1);
    let token = signer.token(&claims());
    let (now, at) = (Timestamp::from_millis(NOW * 1000), Instant::now());
    let all = (0..50).map(|_| verifier.verify_at(&token, now, Hosts::Dotted, at));
    assert!(server::block_on(join_all(all)).iter().all(Result::is_ok));
    assert_eq!(provider.requests(), 1);
    assert!(is_good(&verifier, &token, at, 59 * 60));
    assert_eq!(provider.requests(), 1);
}

#[test]
fn a_new_key_is_found_by_its_kid_but_the_provider_is_asked_at_most_once_a_minute() {
    let (old, new) = (Signer::ed("old"), Signer::ed("new"));
    let provider = Provider::publishing(&set(&[old.jwk()]));
    let (verifier, start) = (verifier_of(&provider.url()), Instant::now());
    let (old_token, new_token) = (old.token(&claims()), new.token(&claims()));
    assert!(is_good(&verifier, &old_token, start, 0));
    provider.publish(&set(&[old.jwk(), new.jwk()]));
    for seconds in [0, 1, 59] {
        assert!(!is_good(&verifier, &new_token, start, seconds));
    }
    assert_eq!(provider.requests(), 1);
    assert!(is_good(&verifier, &new_token, start, 60) && is_good(&verifier, &old_token, start, 61));
    assert_eq!(provider.requests(), 2);
    for seconds in 61..120 {
        assert!(!is_good(
            &verifier,
            &Signer::ed("invented").token(&claims()),
            start,
            seconds
        ));
    }
    assert_eq!(provider.requests(), 2);
}

#[test]
fn many_unknown_kids_at_once_cost_one_fetch() {
    let provider = Provider::publishing(&set(&[Signer::ed("a").jwk()]));
    let verifier = verifier_of(&provider.url());
    let tokens: Vec<_> = (0..50)
        .map(|_| Signer::ed("invented").token(&claims()))
        .collect();
    let (now, at) = (Timestamp::from_millis(NOW * 1000), Instant::now());
    let all = tokens
        .iter()
        .map(|token| verifier.verify_at(token, now, Hosts::Dotted, at));
    assert!(server::block_on(join_all(all)).iter().all(Result::is_err));
    assert_eq!(provider.requests(), 1);
}

#[test]
fn a_key_that_is_withdrawn_counts_for_an_hour_at_most() {
    let (old, new) = (Signer::ed("old"), Signer::ed("new"));
    let provider = Provider::publishing(&set(&[old.jwk()]));
    let (verifier, start, token) = (
        verifier_of(&provider.url()),
        Instant::now(),
        old.token(&claims()),
    );
    assert!(is_good(&verifier, &token, start, 0));
    provider.publish(&set(&[new.jwk()]));
    assert!(is_good(&verifier, &token, start, 3599));
    assert!(!is_good(&verifier, &token, start, 3600));
    assert_eq!(provider.requests(), 2);
}

#[test]
fn a_fetch_that_fails_keeps_the_old_keys() {
    let signer = Signer::ed("a");
    let provider = Provider::publishing(&set(&[signer.jwk()]));
    let (verifier, start, token) = (
        verifier_of(&provider.url()),
        Instant::now(),
        signer.token(&claims()),
    );
    assert!(is_good(&verifier, &token, start, 0));
    let failures = [
        answer("500 Oh", "", "{}"),
        answer("200 OK", "", "no JSON"),
        answer("200 OK", "", r#"{"keys":[]}"#),
        String::new(),
    ];
    for (round, failure) in (1..).zip(failures) {
        provider.answer_from_now_on(&failure);
        assert!(!is_good(
            &verifier,
            &Signer::ed("invented").token(&claims()),
            start,
            round * 60
        ));
        assert!(is_good(&verifier, &token, start, round * 60 + 1));
        assert_eq!(
            provider.requests(),
            usize::try_from(round).unwrap_or_default() + 1
        );
    }
}

#[test]
fn without_any_key_the_provider_is_unavailable_and_asked_again_after_five_seconds() {
    let signer = Signer::ed("a");
    let provider = Provider::answering(&answer("503 Not Now", "", ""));
    let (verifier, start, token) = (
        verifier_of(&provider.url()),
        Instant::now(),
        signer.token(&claims()),
    );
    for seconds in [0, 4] {
        let error = verify_after(&verifier, &token, start, seconds).expect_err("there are no keys");
        assert_eq!(error.code, Code::IdentityProviderUnavailable);
    }
    assert_eq!(provider.requests(), 1);
    provider.publish(&set(&[signer.jwk()]));
    assert!(is_good(&verifier, &token, start, 5));
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Provider::publishing(&set(&[Signer::ed("a").jwk()]));
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let keys = set(&[Signer::ed("a").jwk()]).to_string();
        is_unavailable(&Provider::answering(&answer(
            status,
            &format!("Location: {}\r\n", target.url()),
            &keys,
        )));
    }
    assert_eq!(target.requests(), 0);
}

#[test]
fn a_set_beyond_256_kib_is_not_taken() {
    let signer = Signer::ed("a");
    let set_of = |length: usize| {
        let keys = set(&[signer.jwk()]).to_string();
        format!("{keys}{}", " ".repeat(length - keys.len()))
    };
    is_unavailable(&Provider::answering(&answer(
        "200 OK",
        "",
        &set_of(256 * 1024 + 1),
    )));
    let endless = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        set_of(1024 * 1024)
    );
    is_unavailable(&Provider::answering(&endless));
    let provider = Provider::answering(&answer("200 OK", "", &set_of(256 * 1024)));
    assert!(verify(&verifier_of(&provider.url()), &signer.token(&claims())).is_ok());
}

#[test]
fn a_provider_that_dribbles_is_given_up_after_five_seconds() {
    let provider = Provider::publishing(&set(&[Signer::ed("a").jwk()]));
    provider.dribble(100);
    let start = Instant::now();
    is_unavailable(&provider);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_secs(4) && took < Duration::from_secs(8),
        "{took:?}"
    );
}

#[test]
fn a_caller_who_goes_away_does_not_end_the_fetch_for_the_others() {
    let signer = Signer::ed("a");
    let provider = Provider::publishing(&set(&[signer.jwk()]));
    provider.dribble(2);
    let verifier = verifier_of(&provider.url());
    let (token, now, at) = (
        signer.token(&claims()),
        Timestamp::from_millis(NOW * 1000),
        Instant::now(),
    );
    let identity = server::block_on(async {
        let hasty = verifier.verify_at(&token, now, Hosts::Dotted, at);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), hasty)
                .await
                .is_err()
        );
        verifier.verify_at(&token, now, Hosts::Dotted, at).await
    });
    assert!(identity.is_ok(), "{identity:?}");
    assert_eq!(provider.requests(), 1);
}

//! What a token must say.

use invited::base::clock::Timestamp;
use invited::base::email::{Email, Hosts};
use invited::oidc::Verifier;
use invited::server;
use serde_json::{Value, json};

use super::signer::Signer;
use super::{AUDIENCE, ISSUER, NOW, claims_with, rejection, verifier, verify};

/// A verifier and its only key.
fn ed() -> (Verifier, Signer) {
    let signer = Signer::ed("d");
    (verifier(&[signer.jwk()]), signer)
}

/// Tokens with each of `changes` are rejected for a reason that has `word` in it.
fn all_rejected(word: &str, changes: &[Value]) {
    let (verifier, signer) = ed();
    for changes in changes {
        let reason = rejection(&verifier, &signer.token(&claims_with(changes)));
        assert!(reason.contains(word), "{changes}: {reason}");
    }
}

/// Tokens with each of `changes` are good.
fn all_good(changes: &[Value]) {
    let (verifier, signer) = ed();
    for changes in changes {
        let outcome = verify(&verifier, &signer.token(&claims_with(changes)));
        assert!(outcome.is_ok(), "{changes}: {outcome:?}");
    }
}

#[test]
fn the_issuer_is_the_trusted_one_to_the_byte() {
    let slash = format!("{ISSUER}/");
    let others = [
        json!("https://evil.example.com"),
        json!(slash),
        json!(ISSUER.to_uppercase()),
        json!([ISSUER]),
    ];
    all_rejected("`iss`", &others.map(|iss| json!({ "iss": iss })));
    all_rejected(
        "`iss`",
        &[
            json!({ "iss": null }),
            json!({ "iss": 1 }),
            json!({ "iss": "" }),
        ],
    );
}

#[test]
fn the_audience_is_ours_alone_or_the_token_was_asked_for_by_us() {
    let others = [
        json!("other"),
        json!([]),
        json!(["other"]),
        json!("invited2"),
        json!({ AUDIENCE: 1 }),
        json!([[AUDIENCE]]),
    ];
    all_rejected("`aud`", &others.map(|aud| json!({ "aud": aud })));
    all_rejected("`aud`", &[json!({ "aud": null })]);
    let several = json!([AUDIENCE, "other"]);
    all_rejected(
        "`azp`",
        &[
            json!({ "aud": several }),
            json!({ "aud": several, "azp": "other" }),
        ],
    );
    all_good(&[
        json!({ "aud": [AUDIENCE] }),
        json!({ "aud": several, "azp": AUDIENCE }),
    ]);
}

#[test]
fn a_token_counts_until_a_minute_after_its_end_and_not_a_millisecond_longer() {
    let (verifier, signer) = ed();
    let token = signer.token(&claims_with(&json!({ "exp": NOW + 10 })));
    let at = |millis: i64| {
        let now = Timestamp::from_millis(NOW * 1000 + millis);
        server::block_on(verifier.verify(&token, now, Hosts::Dotted))
            .map_err(|error| error.detail.to_string())
    };
    assert!(at(69_999).is_ok());
    assert_eq!(
        at(70_000).expect_err("it is over"),
        "The id token has expired (`exp`)."
    );
    all_rejected(
        "`exp`",
        &[
            json!({ "exp": null }),
            json!({ "exp": "soon" }),
            json!({ "exp": -1 }),
            json!({ "exp": true }),
        ],
    );
    all_good(&[json!({ "exp": NOW as f64 + 0.5 })]);
}

#[test]
fn a_token_from_the_future_is_refused_beyond_a_minute() {
    all_good(&[
        json!({ "nbf": NOW + 60 }),
        json!({ "nbf": null }),
        json!({ "iat": NOW + 60 }),
    ]);
    all_rejected(
        "`nbf`",
        &[
            json!({ "nbf": NOW + 61 }),
            json!({ "nbf": NOW as f64 + 60.001 }),
            json!({ "nbf": "now" }),
        ],
    );
    all_rejected(
        "`iat`",
        &[
            json!({ "iat": NOW + 61 }),
            json!({ "iat": null }),
            json!({ "iat": "now" }),
        ],
    );
}

#[test]
fn a_token_of_an_hour_ago_or_for_longer_than_a_day_is_refused() {
    let hour = NOW - 3_600;
    all_rejected(
        "`iat`",
        &[
            json!({ "iat": 0 }),
            json!({ "iat": hour - 60 }),
            json!({ "iat": -1 }),
        ],
    );
    all_good(&[json!({ "iat": hour }), json!({ "iat": hour - 59 })]);
    let day = NOW + 86_400;
    all_rejected(
        "a day",
        &[
            json!({ "exp": 1e308 }),
            json!({ "exp": day + 1 }),
            json!({ "exp": day, "iat": NOW - 1 }),
        ],
    );
    all_good(&[json!({ "exp": day })]);
}

#[test]
fn how_old_a_token_may_be_is_a_setting() {
    let signer = Signer::ed("d");
    let file = super::file_of(&[signer.jwk()]);
    let verifier = super::verifier_with(
        file.path().to_str().expect("a path"),
        &["--oidc-max-age", "10h"],
    );
    let of_age = |hours: i64| signer.token(&claims_with(&json!({ "iat": NOW - hours * 3_600 })));
    assert!(verify(&verifier, &of_age(9)).is_ok());
    assert!(rejection(&verifier, &of_age(11)).contains("`iat`"));
}

#[test]
fn true_says_that_an_address_is_verified_also_as_a_text() {
    all_good(&[json!({ "email_verified": "true" })]);
    let others = [
        json!(false),
        json!(null),
        json!("True"),
        json!("false"),
        json!(1),
        json!([true]),
        json!(["true"]),
    ];
    all_rejected(
        "`email_verified`",
        &others.map(|verified| json!({ "email_verified": verified })),
    );
}

#[test]
fn an_address_is_compared_in_its_normal_form() {
    let (verifier, signer) = ed();
    let invited = Email::parse("jane@b\u{fc}cher.de", Hosts::Dotted).expect("an address");
    for spelling in [
        "Jane@B\u{fc}cher.DE",
        "JANE@xn--bcher-kva.de",
        " jane@bu\u{308}cher.de ",
    ] {
        let token = signer.token(&claims_with(&json!({ "email": spelling })));
        let identity =
            verify(&verifier, &token).unwrap_or_else(|error| panic!("{spelling}: {error}"));
        assert_eq!(identity.email, invited, "{spelling}");
    }
}

#[test]
fn an_address_that_no_invitation_can_have_is_refused() {
    let others = [
        json!(null),
        json!(""),
        json!("Jane"),
        json!("Jane@localhost"),
        json!(["Jane@example.com"]),
    ];
    all_rejected("`email`", &others.map(|email| json!({ "email": email })));
}

#[test]
fn a_subject_is_1_to_255_visible_characters() {
    let others = [
        json!(null),
        json!(""),
        json!("x".repeat(256)),
        json!("a b"),
        json!("a\u{200b}b"),
        json!("a\nb"),
        json!(1),
    ];
    all_rejected("`sub`", &others.map(|sub| json!({ "sub": sub })));
    all_good(&[
        json!({ "sub": "x" }),
        json!({ "sub": "x".repeat(255) }),
        json!({ "sub": "\u{fc}".repeat(255) }),
    ]);
}

#[test]
fn claims_that_come_twice_or_are_no_object_are_refused() {
    let (verifier, signer) = ed();
    let good = claims_with(&json!({})).to_string();
    let twice = good.replacen('{', r#"{"email":"eve@example.com","#, 1);
    for claims in [twice.as_str(), "[]", "null", "", "{", "\u{feff}{}"] {
        let reason = rejection(&verifier, &signer.sign(&signer.header(), claims));
        assert!(reason.contains("claims"), "{claims}: {reason}");
    }
}

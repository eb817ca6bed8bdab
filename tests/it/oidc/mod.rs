//! Id tokens of the operator's identity provider: what proves who accepts, and what does not.

mod answers;
mod claims;
mod keys;
mod page;
mod provider;
mod settings;
pub mod signer;

use std::time::{Duration, Instant};

use clap::Parser;
use invited::base::clock::Timestamp;
use invited::base::email::Hosts;
use invited::base::error::{Code, Error};
use invited::config::Settings;
use invited::oidc::{Identity, Verifier};
use invited::server;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::START;
use signer::{Signer, set};

/// The issuer that is trusted.
const ISSUER: &str = "https://id.example.com/realm";

/// The audience of this server.
const AUDIENCE: &str = "invited";

/// The whole second at which tokens are issued.
const NOW: i64 = START / 1000;

/// The settings as the command line reads them.
#[derive(Parser)]
struct CommandLine {
    /// The settings.
    #[command(flatten)]
    settings: Settings,
}

/// The settings `words`.
fn settings(words: &[&str]) -> Settings {
    CommandLine::try_parse_from([&["invited"], words].concat())
        .unwrap_or_else(|error| panic!("{error}"))
        .settings
}

/// A verifier with the keys in a file or at a URL.
fn verifier_of(jwks: &str) -> Verifier {
    verifier_with(jwks, &[])
}

/// The same with more settings.
fn verifier_with(jwks: &str, more: &[&str]) -> Verifier {
    let words = [
        "--oidc-issuer",
        ISSUER,
        "--oidc-audience",
        AUDIENCE,
        "--oidc-jwks",
        jwks,
    ];
    settings(&[&words, more].concat())
        .oidc()
        .and_then(Verifier::new)
        .unwrap_or_else(|failure| panic!("{failure}"))
}

/// A file with the set of `keys`.
fn file_of(keys: &[Value]) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), set(keys).to_string()).expect("it is written");
    file
}

/// A verifier with `keys` from a file.
fn verifier(keys: &[Value]) -> Verifier {
    verifier_of(file_of(keys).path().to_str().expect("a path"))
}

/// The claims of a good token that was issued now, for ten minutes.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "248289761001", "iat": NOW, "exp": NOW + 600,
        "email": "Jane.Doe@Example.com", "email_verified": true,
    })
}

/// The good claims with some of them changed; `null` takes one away.
fn claims_with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .expect("an object")
        .retain(|_, value| !value.is_null());
    claims
}

/// Verifies `token`, `seconds` after now on the monotonic clock that starts at `start`.
fn verify_after(
    verifier: &Verifier,
    token: &str,
    start: Instant,
    seconds: u64,
) -> Result<Identity, Error> {
    let (now, at) = (
        Timestamp::from_millis(NOW * 1000),
        start + Duration::from_secs(seconds),
    );
    server::block_on(verifier.verify_at(token, now, Hosts::Dotted, at))
}

/// Verifies `token` now.
fn verify(verifier: &Verifier, token: &str) -> Result<Identity, Error> {
    verify_after(verifier, token, Instant::now(), 0)
}

/// Verifies `token`, which must be rejected; answers why. The reason never quotes the token.
fn rejection(verifier: &Verifier, token: &str) -> String {
    let error = verify(verifier, token).expect_err(token);
    assert_eq!(error.code, Code::IdTokenRejected, "{error}");
    assert_eq!(error.code.meaning().status, 403);
    for part in token
        .split('.')
        .filter(|part| part.len() > 4)
        .chain(["Jane", "248289761001"])
    {
        assert!(!error.detail.contains(part), "{}", error.detail);
    }
    error.detail.to_string()
}

/// One key of each kind.
fn signers() -> [Signer; 3] {
    [Signer::rsa("r"), Signer::ec("e"), Signer::ed("d")]
}

#[test]
fn each_allowed_algorithm_proves_subject_and_address_in_normal_form() {
    let signers = signers();
    let verifier = verifier(&signers.each_ref().map(Signer::jwk));
    for signer in &signers {
        let identity =
            verify(&verifier, &signer.token(&claims())).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(identity.subject, "248289761001");
        assert_eq!(identity.email.as_str(), "jane.doe@example.com");
    }
}

#[test]
fn a_key_and_a_token_may_call_the_algorithm_ed25519() {
    let signer = Signer::ed("d");
    let mut named = signer.jwk();
    named["alg"] = json!("Ed25519");
    let token = |alg: &str| {
        signer.sign(
            &json!({ "alg": alg, "typ": "JWT", "kid": "d" }),
            &claims().to_string(),
        )
    };
    for jwk in [named.clone(), signer.jwk()] {
        let verifier = verifier(&[jwk]);
        for alg in ["Ed25519", "EdDSA"] {
            assert!(verify(&verifier, &token(alg)).is_ok(), "{alg}");
        }
        for alg in ["ed25519", "Ed448", "ED25519"] {
            assert!(
                rejection(&verifier, &token(alg)).contains("RS256, ES256 or EdDSA"),
                "{alg}"
            );
        }
        let altered = token("Ed25519").replacen('.', ".e30", 1);
        assert!(rejection(&verifier, &altered).contains("signature"));
        let access = json!({ "alg": "Ed25519", "typ": "at+jwt", "kid": "d" });
        assert!(
            rejection(&verifier, &signer.sign(&access, &claims().to_string())).contains("`typ`")
        );
        let critical = json!({ "alg": "Ed25519", "crit": ["b64"], "kid": "d" });
        assert!(
            rejection(&verifier, &signer.sign(&critical, &claims().to_string())).contains("`crit`")
        );
    }
    let mut rsa = Signer::rsa("r").jwk();
    rsa["alg"] = json!("Ed25519");
    assert!(
        rejection(&verifier(&[rsa, named]), &Signer::rsa("r").token(&claims())).contains("No key")
    );
}

#[test]
fn without_a_provider_an_id_token_is_refused_as_a_value_that_the_settings_do_not_allow() {
    let verifier = settings(&[])
        .oidc()
        .and_then(Verifier::new)
        .expect("no provider is fine");
    let error = verify(&verifier, &Signer::ed("d").token(&claims())).expect_err("refused");
    assert_eq!(error.code, Code::ValidationFailed);
    assert_eq!(
        (&*error.fields[0].pointer, error.fields[0].code.name()),
        ("/idToken", "not_allowed")
    );
}

#[test]
fn unsigned_tokens_and_shared_secrets_are_refused() {
    let signers = signers();
    let jwks = signers.each_ref().map(Signer::jwk);
    let verifier = verifier(&jwks);
    for signer in &signers {
        for alg in ["none", "None", "NONE", ""] {
            let message = signer::message(
                &json!({ "alg": alg, "kid": signer.kid }),
                &claims().to_string(),
            );
            for token in [
                format!("{message}."),
                message.clone(),
                format!("{message}.AAAA"),
            ] {
                assert!(rejection(&verifier, &token).contains("RS256, ES256 or EdDSA"));
            }
        }
        // The public key as a shared secret, in every form in which an attacker has it.
        let forms = [
            signer.public(),
            signer.jwk().to_string().into_bytes(),
            set(&jwks).to_string().into_bytes(),
        ];
        for secret in forms {
            let message = signer::message(
                &json!({ "alg": "HS256", "typ": "JWT", "kid": signer.kid }),
                &claims().to_string(),
            );
            let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
            let signature = signer::encode(ring::hmac::sign(&secret, message.as_bytes()));
            assert!(
                rejection(&verifier, &format!("{message}.{signature}"))
                    .contains("RS256, ES256 or EdDSA")
            );
        }
    }
}

#[test]
fn algorithms_that_are_not_on_the_list_or_not_of_the_key_are_refused() {
    let signers = signers();
    let verifier = verifier(&signers.each_ref().map(Signer::jwk));
    let [rsa, ec, ed] = &signers;
    // Each signature is right, but for the algorithm.
    for alg in ["PS256", "RS512"] {
        let token = rsa.sign(&json!({ "alg": alg, "kid": "r" }), &claims().to_string());
        assert!(rejection(&verifier, &token).contains("RS256, ES256 or EdDSA"));
    }
    for (signer, alg, kid) in [
        (rsa, "ES256", "r"),
        (ec, "EdDSA", "e"),
        (ed, "RS256", "d"),
        (ed, "EdDSA", "e"),
    ] {
        let token = signer.sign(&json!({ "alg": alg, "kid": kid }), &claims().to_string());
        assert!(
            rejection(&verifier, &token).contains("No key"),
            "{alg} {kid}"
        );
    }
}

#[test]
fn altered_tokens_and_tokens_of_another_key_are_refused() {
    for (signer, other) in
        signers()
            .iter()
            .zip([Signer::rsa("r"), Signer::ec("e"), Signer::ed("d")])
    {
        let verifier = verifier(&[signer.jwk()]);
        let token = signer.token(&claims());
        let (message, signature) = token.rsplit_once('.').expect("a token");
        let stolen = signer::message(
            &signer.header(),
            &claims_with(&json!({ "email": "eve@example.com" })).to_string(),
        );
        assert!(rejection(&verifier, &format!("{stolen}.{signature}")).contains("signature"));
        for signature in [
            "",
            "AAAA",
            &signature[..signature.len() - 8],
            &signer::encode([0; 64]),
        ] {
            assert!(
                rejection(&verifier, &format!("{message}.{signature}")).contains("signature"),
                "{signature}"
            );
        }
        if signer.kid != Some("r") {
            assert!(rejection(&verifier, &other.token(&claims())).contains("signature"));
        }
    }
}

#[test]
fn what_is_no_token_is_refused_and_so_is_one_beyond_16_kib() {
    let signer = Signer::ed("d");
    let verifier = verifier(&[signer.jwk()]);
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c",
        "\u{1f600}",
        "e30.e30.",
        &"a.".repeat(1000),
    ] {
        assert!(
            rejection(&verifier, text).contains("not a JSON Web Token"),
            "{text}"
        );
    }
    let of_length =
        |filler: usize| signer.token(&claims_with(&json!({ "filler": "x".repeat(filler) })));
    let longest = (12_000..12_500)
        .map(of_length)
        .rfind(|token| token.len() <= 16 * 1024)
        .expect("one fits");
    assert!(
        longest.len() >= 16 * 1024 - 2 && verify(&verifier, &longest).is_ok(),
        "{}",
        longest.len()
    );
    assert_eq!(
        rejection(&verifier, &of_length(12_500)),
        "The id token is longer than 16 KiB."
    );
}

#[test]
fn a_header_that_names_something_else_than_an_id_token_is_refused() {
    let signer = Signer::ed("d");
    let verifier = verifier(&[signer.jwk()]);
    let with = |name: &str, value: Value| {
        let mut header = signer.header();
        header[name] = value;
        signer.sign(&header, &claims().to_string())
    };
    for typ in ["at+jwt", "logout+jwt", "JWE", ""] {
        assert!(
            rejection(&verifier, &with("typ", json!(typ))).contains("`typ`"),
            "{typ}"
        );
    }
    for fine in [json!("jwt"), Value::Null] {
        assert!(verify(&verifier, &with("typ", fine)).is_ok());
    }
    assert!(rejection(&verifier, &with("crit", json!(["b64"]))).contains("`crit`"));
    // A key that the token brings along is nobody's.
    let stranger = Signer::ed("d");
    let mut header = stranger.header();
    header["jwk"] = stranger.jwk();
    assert!(
        rejection(&verifier, &stranger.sign(&header, &claims().to_string())).contains("signature")
    );
}

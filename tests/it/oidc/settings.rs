//! The settings of an identity provider.

use clap::Parser;
use invited::base::failure::Failure;
use invited::oidc::Verifier;
use serde_json::json;

use super::signer::Signer;
use super::{CommandLine, file_of, settings};
use crate::support::process::run;

/// Why a server with `words` does not start.
fn failure(words: &[&str]) -> Failure {
    settings(words)
        .oidc()
        .and_then(Verifier::new)
        .err()
        .unwrap_or_else(|| panic!("{words:?}"))
}

#[test]
fn a_provider_is_named_whole_or_not_at_all() {
    let file = file_of(&[Signer::ed("d").jwk()]);
    let path = file.path().to_str().expect("a path");
    let all = [
        ["--oidc-issuer", "https://id.example.com"],
        ["--oidc-audience", "me"],
        ["--oidc-jwks", path],
    ];
    assert!(
        settings(&all.concat())
            .oidc()
            .and_then(Verifier::new)
            .is_ok()
    );
    for given in 1..7 {
        let (there, missing): (Vec<_>, Vec<_>) = (0..3).partition(|place| given >> place & 1 == 1);
        let words: Vec<_> = there.iter().flat_map(|&place| all[place]).collect();
        let failure = failure(&words);
        let text = failure.to_string();
        let first = text.lines().next().unwrap_or_default();
        assert_eq!(failure.exit_code(), 2);
        assert!(
            missing.iter().all(|&place| first.contains(all[place][0])),
            "{first}"
        );
        assert!(
            there.iter().all(|&place| !first.contains(all[place][0])),
            "{first}"
        );
    }
}

/// The settings of a provider whose keys are in the file at `path`.
fn with_keys_of(path: &std::path::Path) -> [&str; 6] {
    [
        "--oidc-issuer",
        "https://id.example.com",
        "--oidc-audience",
        "me",
        "--oidc-jwks",
        path.to_str().expect("a path"),
    ]
}

#[test]
fn a_file_of_keys_may_begin_with_a_byte_order_mark() {
    let file = file_of(&[Signer::ed("d").jwk()]);
    let text = std::fs::read_to_string(file.path()).expect("text");
    std::fs::write(file.path(), format!("\u{feff}{text}")).expect("it is written");
    let words = with_keys_of(file.path());
    assert!(settings(&words).oidc().and_then(Verifier::new).is_ok());
}

#[test]
fn a_file_without_usable_keys_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    let words = with_keys_of(&path);
    let refused = || {
        let failure = failure(&words);
        assert_eq!(failure.exit_code(), 1);
        failure.to_string()
    };
    assert!(refused().contains("No such file"), "{}", refused());
    let symmetric = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }).to_string();
    for (text, word) in [
        (
            "no JSON",
            "not a JWK set: it is not JSON (line 1, column 2)",
        ),
        ("{", "not a JWK set: it is not JSON (line 1, column 1)"),
        ("{}", "not a JWK set: it is no object with an array `keys`"),
        (
            r#"{"keys":{}}"#,
            "not a JWK set: it is no object with an array `keys`",
        ),
        ("[]", "not a JWK set: it is no object with an array `keys`"),
        (r#"{"keys":[]}"#, "no key"),
        (&symmetric, "no key"),
    ] {
        std::fs::write(&path, text).expect("it is written");
        let refusal = refused();
        assert!(
            refusal.contains(word) && refusal.contains(words[5]),
            "{refusal}"
        );
    }
    let output = run(&[
        &[
            "serve",
            "--database",
            folder.path().join("x.db").to_str().expect("a path"),
        ],
        &words[..],
    ]
    .concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        !folder.path().join("x.db").exists(),
        "a start that fails makes no file"
    );
}

#[test]
fn keys_come_over_https_or_from_this_machine_only() {
    let parses =
        |value: &str| CommandLine::try_parse_from(["invited", "--oidc-jwks", value]).is_ok();
    for fine in [
        "https://id.example.com/jwks.json?p=policy",
        "HTTPS://id.example.com",
        "http://localhost:8080/jwks",
        "http://127.0.0.1/",
        "http://127.1.2.3/",
        "http://[::1]:1/",
        "keys.json",
    ] {
        assert!(parses(fine), "{fine}");
    }
    for refused in [
        "http://id.example.com/jwks.json",
        "HTTP://id.example.com/",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
        "http://[::2]/",
        "https://user@id.example.com/",
        "https://:secret@id.example.com/",
        "https://",
    ] {
        assert!(!parses(refused), "{refused}");
    }
}

#[test]
fn issuer_and_audience_have_the_form_that_tokens_have() {
    let parses =
        |flag: &str, value: &str| CommandLine::try_parse_from(["invited", flag, value]).is_ok();
    for refused in [
        "",
        "id.example.com",
        "https://id.example.com/?a=b",
        "https://id.example.com/#a",
        "mailto:a@b.co",
    ] {
        assert!(!parses("--oidc-issuer", refused), "{refused}");
    }
    for refused in ["", " ", "a\u{200b}", &"x".repeat(256)] {
        assert!(!parses("--oidc-audience", refused), "{refused}");
    }
    assert_eq!(
        settings(&["--oidc-issuer", "https://ID.example.com"])
            .oidc
            .oidc_issuer
            .as_deref(),
        Some("https://ID.example.com")
    );
}

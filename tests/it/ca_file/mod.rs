//! Authorities of the operator's own: trusted by mail, webhooks and the keys of the identity
//! provider, besides the well-known ones.
//!
//! The files here are of a throw-away authority, which signed a server at 127.0.0.1, and of
//! another.

mod tls;

use std::process::Stdio;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::endpoint::Endpoint;
use crate::support::process::invited;
use crate::support::smtp::Smtp;
use crate::support::{TestApp, invitations};

/// The authority that signed the servers of these tests.
const AUTHORITY: &str = include_str!("authority.pem");
/// What is said of a server whose authority is not trusted.
const UNKNOWN: &str = "its certificate is of an authority that is not known here";
/// An authority that signed nothing.
const OTHER: &str = include_str!("other.pem");

/// A file with `text`.
fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("it is written");
    file
}

/// A server with these settings that trusts the authorities in `pem` besides, where there are any.
fn app(pem: Option<&str>, words: &[&str]) -> TestApp {
    let Some(pem) = pem else {
        return TestApp::start(Mode::Serve, words);
    };
    let file = file(pem);
    let path = file.path().to_string_lossy();
    TestApp::start(Mode::Serve, &[words, &["--ca-file", &path]].concat())
}

/// Waits until `look` finds something.
fn wait<T>(look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Invites somebody to acme, and returns the invitation.
fn invite(app: &TestApp) -> Value {
    let body = json!({"email": "ada@example.com", "role": "developer"}).to_string();
    let answer = app.post(&invitations("acme"), &body);
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

#[test]
fn mail_reaches_a_server_of_the_operators_own_authority_and_no_other_one() {
    let smtp = Smtp::start();
    check_mail(
        &smtp,
        &format!("smtps://{}", tls::in_front_of(smtp.address)),
    );
}

#[test]
fn starttls_reaches_a_server_of_the_operators_own_authority_and_no_other_one() {
    let smtp = Smtp::start();
    let address = tls::behind_starttls(smtp.address);
    check_mail(&smtp, &format!("smtp://{address}?tls=starttls"));
}

#[test]
fn a_login_is_said_after_starttls_only() {
    let smtp = Smtp::start();
    smtp.answer_logins("235 2.7.0 welcome");
    let address = tls::behind_starttls(smtp.address);
    let url = format!("smtp://ada:s3cret@{address}?tls=starttls");
    let app = app(
        Some(AUTHORITY),
        &["--smtp-url", &url, "--mail-from", "a@acme.test"],
    );
    let made = invite(&app);
    wait(|| Some(app.look(&made)).filter(|now| now["delivery"] == "sent"));
}

#[test]
fn a_trial_of_mail_tells_the_version_of_tls_and_the_end_of_the_certificate() {
    let smtp = Smtp::start();
    let urls = [
        format!("smtps://{}", tls::in_front_of(smtp.address)),
        format!("smtp://{}?tls=starttls", tls::behind_starttls(smtp.address)),
    ];
    for url in &urls {
        for (pem, code, told) in [
            (AUTHORITY, 0, "TLS 1.3, its certificate ends 2"),
            (
                OTHER,
                1,
                "the certificate of the mail server is not trusted",
            ),
        ] {
            let authority = file(pem);
            let words = [
                "mail",
                "test",
                "ada@example.com",
                "--mail-from",
                "a@acme.test",
            ];
            let output = invited()
                .env("INVITED_SMTP_URL", url)
                .args(words)
                .arg("--ca-file")
                .arg(authority.path())
                .output()
                .expect("it runs");
            let said =
                String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert_eq!(output.status.code(), Some(code), "{said}");
            assert!(said.contains(told), "{said}");
        }
    }
    assert_eq!(smtp.received().len(), 2);
}

/// Checks that mail by this URL reaches `smtp` only where its authority is trusted.
fn check_mail(smtp: &Smtp, url: &str) {
    let words = ["--smtp-url", url, "--mail-from", "a@acme.test"];
    for pem in [None, Some(OTHER)] {
        let app = app(pem, &words);
        let made = invite(&app);
        let tried = wait(|| Some(app.look(&made)).filter(|now| now["deliveryAttempts"] == 1));
        let error = tried["deliveryError"].as_str().unwrap_or_default();
        assert!(error.contains("not trusted (--ca-file)"), "{tried}");
    }
    assert!(smtp.received().is_empty());
    for pem in [AUTHORITY.to_owned(), format!("{OTHER}\n{AUTHORITY}")] {
        let app = app(Some(&pem), &words);
        let made = invite(&app);
        wait(|| Some(app.look(&made)).filter(|now| now["delivery"] == "sent"));
    }
    assert_eq!(smtp.received().len(), 2);
}

#[test]
fn mail_reaches_a_url_of_the_operators_own_authority_and_no_other_one() {
    let endpoint = Endpoint::start();
    let url = format!("https://{}/", tls::in_front_of(endpoint.address));
    let words = ["--mail-webhook", &url, "--mail-from", "a@acme.test"];
    let other = app(Some(OTHER), &words);
    let made = invite(&other);
    let tried = wait(|| Some(other.look(&made)).filter(|now| now["deliveryAttempts"] == 1));
    let error = tried["deliveryError"].as_str().unwrap_or_default();
    assert!(error.contains(UNKNOWN), "{tried}");
    assert!(endpoint.received().is_empty());
    let own = app(Some(AUTHORITY), &words);
    let made = invite(&own);
    wait(|| Some(own.look(&made)).filter(|now| now["delivery"] == "sent"));
}

#[test]
fn webhooks_reach_an_endpoint_of_the_operators_own_authority_and_no_other_one() {
    let endpoint = Endpoint::start();
    let url = format!("https://{}/", tls::in_front_of(endpoint.address));
    for (pem, state, error) in [
        (None, "waiting", json!(UNKNOWN)),
        (Some(OTHER), "waiting", json!(UNKNOWN)),
        (Some(AUTHORITY), "delivered", Value::Null),
    ] {
        let app = app(pem, &["--webhook-allow", "127.0.0.1"]);
        let hook = app.post("/v1/webhooks", &json!({ "url": url }).to_string());
        assert_eq!(hook.status, 201, "{}", hook.text());
        let id = hook.json()["id"].as_str().expect("an id").to_owned();
        invite(&app);
        let path = format!("/v1/webhooks/{id}/deliveries");
        let tried = wait(|| {
            let newest = app.get(&path).json()[0].clone();
            (newest["attempts"] == 1 && newest["lastAttemptAt"].is_string()).then_some(newest)
        });
        assert_eq!(
            (&tried["state"], &tried["error"]),
            (&json!(state), &error),
            "{tried}"
        );
    }
    assert_eq!(endpoint.received().len(), 1);
}

#[cfg(feature = "oidc")]
#[test]
fn keys_of_an_identity_provider_are_fetched_from_the_operators_own_authority_and_no_other_one() {
    let provider = Endpoint::start();
    let url = format!("https://{}/jwks", tls::in_front_of(provider.address));
    let oidc = [
        "--oidc-issuer",
        "https://id.example.com",
        "--oidc-audience",
        "invited",
        "--oidc-jwks",
        &url,
    ];
    for (pem, requests) in [(None, 0), (Some(OTHER), 0), (Some(AUTHORITY), 1)] {
        let app = app(pem, &oidc);
        let made = app.invite("acme", "ada@example.com");
        let signer = crate::oidc::signer::Signer::ed("d");
        let body = json!({ "token": app.token_of(&made),
            "idToken": signer.token(&json!({"iss": "https://id.example.com"})) });
        let answer = app.person("accept", &body);
        assert_eq!(
            answer.json()["code"],
            "identity_provider_unavailable",
            "it has no keys"
        );
        assert_eq!(provider.received().len(), requests, "{}", answer.text());
    }
}

#[test]
fn a_file_without_certificates_of_authorities_is_refused_at_the_start() {
    let key = include_str!("server_key.txt");
    let cut = AUTHORITY.replacen("-----END", "", 1);
    let garbage = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    for text in [
        "",
        "no PEM",
        key,
        &format!("{AUTHORITY}{key}"),
        &cut,
        garbage,
    ] {
        let (file, folder) = (file(text), tempfile::tempdir().expect("a folder"));
        refused(
            &file.path().to_string_lossy(),
            &folder.path().join("invited.db"),
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    refused("/nowhere/at/all", &folder.path().join("invited.db"));
}

/// Checks that a start with this CA file is refused, with the file's name and a hint.
fn refused(ca_file: &str, database: &std::path::Path) {
    let output = invited()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--ca-file",
            ca_file,
            "--database",
        ])
        .arg(database)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains(&format!("--ca-file {ca_file}")) && error.contains("hint"),
        "{error}"
    );
    assert!(!database.exists(), "nothing is made");
}

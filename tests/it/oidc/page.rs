//! Signing in instead of giving a code, on the page that links lead to.

use serde_json::{Value, json};

use super::answers::start;
use super::signer::Signer;
use super::{claims, claims_with};
use crate::pages::forms::{form, shows};
use crate::support::process::run;
use crate::support::{Answer, TestApp};

/// Where people sign in.
const SIGN_IN: &str = "https://id.example.com/authorize?client_id=invited";

/// A server with a provider and a sign-in page.
fn server(signer: &Signer, more: &[&str]) -> (TestApp, tempfile::NamedTempFile) {
    start(signer, &[&["--sign-in-url", SIGN_IN], more].concat())
}

/// Sends a form as the sign-in page's browser does.
fn send(app: &TestApp, fields: &[(&str, &str)]) -> Answer {
    form(app, fields)
        .header("Origin", "https://id.example.com")
        .send()
}

/// An id token for the link with `token`, with changes.
fn bound(signer: &Signer, token: &str, changes: &Value) -> String {
    let mut claims = claims_with(changes);
    claims["nonce"] = json!(invited::oidc::nonce_of(token));
    signer.token(&claims)
}

#[test]
fn who_signed_in_joins_by_one_button() {
    let signer = Signer::ed("d");
    let (app, _file) = server(&signer, &["--oidc-nonce"]);
    let made = app.invite("acme", "jane.doe@example.com");
    let token = app.token_of(&made);
    let opened = send(&app, &[("token", &token)]);
    let nonce = invited::oidc::nonce_of(&token);
    let link = format!("href=\"{SIGN_IN}&amp;nonce={nonce}\"");
    shows(&opened, 200, &[&link, "To accept, sign in"]);
    let id_token = bound(&signer, &token, &json!({}));
    let back = send(&app, &[("id_token", &id_token)]);
    shows(
        &back,
        200,
        &["You are signed in", "name=\"link\"", &id_token],
    );
    let pasted = send(&app, &[("link", &token), ("id_token", &id_token)]);
    shows(&pasted, 200, &["value=\"join\"", &id_token]);
    assert_eq!(app.look(&made)["status"], "pending");
    let fields = [("do", "join"), ("token", &*token), ("id_token", &id_token)];
    shows(&send(&app, &fields), 200, &["Welcome to"]);
    let now = app.look(&made);
    assert_eq!(now["acceptedBy"], "248289761001", "{now}");
}

#[test]
fn who_signed_in_declines_after_being_asked_once_more() {
    let signer = Signer::ed("d");
    let (app, _file) = server(&signer, &[]);
    let made = app.invite("acme", "jane.doe@example.com");
    let token = app.token_of(&made);
    let id_token = signer.token(&claims());
    let press = |button| {
        send(
            &app,
            &[("do", button), ("token", &token), ("id_token", &id_token)],
        )
    };
    shows(&press("decline"), 200, &["value=\"refuse\"", &id_token]);
    shows(&press("refuse"), 200, &["Invitation declined"]);
    assert_eq!(app.look(&made)["status"], "declined");
}

#[test]
fn an_id_token_that_proves_nothing_leads_back_to_signing_in() {
    let signer = Signer::ed("d");
    let (app, _file) = server(&signer, &["--oidc-nonce"]);
    let made = app.invite("acme", "jane.doe@example.com");
    let token = app.token_of(&made);
    let before = app.contents();
    let other = bound(&signer, &token, &json!({ "email": "eve@example.com" }));
    let late = bound(&signer, &token, &json!({ "exp": 1 }));
    let unbound = signer.token(&claims());
    for (id_token, sentence) in [
        (&*other, "another address"),
        (&late, "did not prove your address"),
        (&unbound, "did not prove your address"),
        ("nonsense", "did not prove your address"),
    ] {
        let fields = [("do", "join"), ("token", &*token), ("id_token", id_token)];
        let answer = send(&app, &fields);
        shows(&answer, 403, &[sentence, "id=\"sign-in\""]);
        assert!(
            !answer.text().contains("name=\"id_token\""),
            "it is of no use"
        );
    }
    assert_eq!(app.contents(), before);
}

#[test]
fn a_sign_in_page_needs_a_provider_and_a_url() {
    for (url, what) in [
        (
            "https://id.example.com/sign-in",
            "needs an identity provider",
        ),
        ("id.example.com", "--sign-in-url"),
        ("https://id.example.com/#x", "--sign-in-url"),
        ("javascript:alert(1)", "--sign-in-url"),
    ] {
        let output = run(&["serve", "--listen", "127.0.0.1:0", "--sign-in-url", url]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {error}");
        assert!(error.contains(what), "{url}: {error}");
    }
}

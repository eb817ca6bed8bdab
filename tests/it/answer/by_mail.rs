//! What the invited person has to show, from the mails that they get.

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::TestApp;

/// The newest mail of a kind to a@b.co, once it is there.
fn mail(app: &TestApp, kind: &str) -> Value {
    let answer = app.get(&format!("/dev/mailbox?to=a@b.co&kind={kind}&wait=5s"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()[0].clone()
}

/// The token of the link that a mail brings.
fn token_in(mail: &Value) -> String {
    let link = mail["link"].as_str().and_then(|link| link.split_once('#'));
    link.expect("a link with a token").1.to_owned()
}

#[test]
fn the_link_in_a_mail_accepts_by_itself_and_that_of_an_application_does_not() {
    let app = TestApp::start(Mode::Dev, &[]);
    let made = app.invite("acme", "a@b.co");
    let mailed = token_in(&mail(&app, "invitation"));
    assert_eq!(mailed, app.mailed_token_of(&made));
    let given = app.token_of(&made);
    assert!(given.starts_with("ivt_") && given[4..] != mailed[4..]);
    // In development everybody may vouch, for an address that they name.
    let answer = app.person("accept", &json!({ "token": given }));
    assert_eq!(answer.status, 422, "{}", answer.text());
    let answer = app.person("accept", &json!({ "token": mailed }));
    assert_eq!(
        (answer.status, answer.json().get("email")),
        (200, None),
        "what a lookup shows: {}",
        answer.text()
    );
    assert_eq!(app.look(&made)["status"], "accepted");
}

#[test]
fn with_codes_two_mails_accept_and_nobody_types_an_address() {
    let app = TestApp::start(Mode::Dev, &["--acceptance", "code"]);
    let made = app.invite("acme", "a@b.co");
    let token = token_in(&mail(&app, "invitation"));
    let alone = app.person("accept", &json!({ "token": token }));
    assert_eq!(
        (alone.status, alone.code()),
        (404, "proof_rejected".to_owned())
    );
    assert_eq!(app.person("code", &json!({ "token": token })).status, 202);
    let code = mail(&app, "code")["code"].clone();
    let body = json!({ "token": token, "code": code });
    assert_eq!(app.person("accept", &body).status, 200);
    assert_eq!(app.look(&made)["status"], "accepted");
}

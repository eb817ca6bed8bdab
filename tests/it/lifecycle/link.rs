//! The secret link: of a pending invitation, with its token in the fragment only.

use invited::base::mode::Mode;
use invited::invitation::link::TokenKind;
use invited::key::Scope;
use serde_json::json;

use super::{closed, until};
use crate::support::life::{path_of, refusal};
use crate::support::{TestApp, invitations};

#[test]
fn a_link_has_its_token_in_the_fragment_only_and_is_never_kept() {
    for (settings, start) in [
        (&[][..], "http://invited.test/accept#"),
        (
            &["--accept-url", "https://app.example.com/join/us"],
            "https://app.example.com/join/us#",
        ),
        (
            &["--accept-url", "https://app.example.com"],
            "https://app.example.com/#",
        ),
    ] {
        let app = TestApp::start(Mode::Serve, settings);
        let made = app.invite("acme", "a@b.co");
        let before = app.contents();
        let answer = app.change(&made, "link", &json!({}));
        let link = answer.json();
        let (token, url) = (
            link["token"].as_str().expect("a token"),
            link["url"].as_str().expect("a URL"),
        );
        assert_eq!(
            link.as_object()
                .expect("an object")
                .keys()
                .collect::<Vec<_>>(),
            ["token", "url", "expiresAt"]
        );
        assert_eq!(url, format!("{start}{token}"));
        let parsed = url::Url::parse(url).expect("a URL");
        assert_eq!((parsed.query(), parsed.fragment()), (None, Some(token)));
        let id = made["id"].as_str().expect("an id").replace('-', "");
        assert!(
            token
                .strip_prefix(&format!("ivt_{id}_"))
                .is_some_and(|mac| mac.len() == 64),
            "{token}"
        );
        assert_eq!(link["expiresAt"], made["expiresAt"]);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(
            answer
                .headers
                .iter()
                .all(|(name, value)| name == "x-request-id" || !value.contains(&token[37..]))
        );
        assert_eq!(
            app.change(&made, "link", &json!({})).json(),
            link,
            "it stays the same"
        );
        assert_eq!(app.contents(), before, "and changes nothing");
    }
}

#[test]
fn only_a_pending_one_has_a_link() {
    let app = TestApp::serve();
    for (status, made) in closed(&app) {
        let answer = app.change(&made, "link", &json!({}));
        assert_eq!(
            refusal(&answer),
            (409, "status_conflict".to_owned()),
            "{status}"
        );
        assert_eq!(answer.json()["invitationStatus"], status);
        let until = until(status);
        let says = format!("The invitation is {status} and has no link {until}.");
        let detail = answer.json()["detail"].clone();
        assert!(
            detail.as_str().is_some_and(|text| text.starts_with(&says)),
            "{detail}"
        );
    }
    let gone = app.invite("acme", "gone@b.co");
    assert_eq!(app.request("DELETE", &path_of(&gone)).send().status, 204);
    assert_eq!(app.change(&gone, "link", &json!({})).status, 404);
}

#[test]
fn a_link_needs_its_own_scope() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let path = format!("{}/link", path_of(&made));
    let ask = |scopes: &[Scope]| {
        app.anonymous("POST", &path)
            .bearer(&app.key(scopes, &[], None))
            .send()
    };
    for scopes in [
        &[Scope::Read][..],
        &[Scope::Write],
        &[Scope::Accept],
        &[Scope::Read, Scope::Write, Scope::Accept],
    ] {
        assert_eq!(
            refusal(&ask(scopes)),
            (403, "insufficient_scope".to_owned()),
            "{scopes:?}"
        );
    }
    assert_eq!(
        (ask(&[Scope::Link]).status, ask(&[Scope::Admin]).status),
        (200, 200)
    );
}

#[test]
fn the_token_of_one_server_opens_nothing_on_another_and_stays_over_a_restart_with_its_secret() {
    let (app, other) = (TestApp::serve(), TestApp::serve());
    let made = app.invite("acme", "a@b.co");
    let token = app.token_of(&made);
    assert_eq!(app.person("lookup", &json!({ "token": token })).status, 200);
    assert_eq!(
        other.person("lookup", &json!({ "token": token })).status,
        404
    );
    // The same row under another secret: as a file whose secret was lost.
    std::fs::write(app.secret_file(), "another-secret-long-enough-for-a-MAC")
        .expect("the secret is written");
    assert_eq!(
        app.person("lookup", &json!({ "token": token })).status,
        200,
        "it is read at the start only"
    );
    let forged = invited::invitation::link::token(
        app.keyring().signing(),
        TokenKind::Given,
        uuid::Uuid::try_parse(made["id"].as_str().expect("an id")).expect("an id"),
        0,
    );
    assert_ne!(forged, token);
    let (unknown, foreign) = (
        app.person(
            "lookup",
            &json!({ "token": format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64)) }),
        ),
        app.person("lookup", &json!({ "token": forged })),
    );
    assert_eq!(
        (foreign.status, foreign.without_request_id()),
        (404, unknown.without_request_id())
    );
}

#[test]
fn an_invitation_in_another_organization_has_no_link_there() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let path = format!(
        "{}/{}/link",
        invitations("globex"),
        made["id"].as_str().expect("an id")
    );
    assert_eq!(app.post(&path, "{}").status, 404);
}

//! What a rotation of the server's secret means for webhooks: nothing.

use std::fs;
use std::path::Path;

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use invited::secret::Source;
use invited::secret::rotate::rotate;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{Place, notes, refused, stop, token, write};
use crate::support::TestApp;
use crate::support::endpoint::{Endpoint, Received};
use crate::support::process::Server;
use crate::webhooks::wait_idle;

/// Rotates the secret of a server, so that the one before verifies nothing more, and restarts it.
fn rotate_and_restart(app: &mut TestApp) {
    rotate(
        &app.database,
        &Source::Own(app.secret_file()),
        Timestamp::from_millis(0),
    )
    .expect("it rotates");
    app.restart();
}

/// A webhook of a server for development, and its secret.
fn webhook(app: &TestApp, endpoint: &Endpoint) -> (String, String) {
    let answer = app.post(
        "/v1/webhooks",
        &json!({ "url": endpoint.url() }).to_string(),
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    let text = |name: &str| answer.json()[name].as_str().expect("a text").to_owned();
    (format!("/v1/webhooks/{}", text("id")), text("secret"))
}

/// The signatures that a delivery has, and those that it has by the reference implementation with
/// `secrets`.
fn signatures(received: &Received, secrets: &[&str]) -> (Vec<String>, Vec<String>) {
    let timestamp = received
        .header("webhook-timestamp")
        .parse()
        .expect("seconds");
    let sign = |secret: &&str| {
        let verifier = Webhook::new(secret).expect("a secret as receivers expect it");
        verifier
            .sign(
                received.header("webhook-id"),
                timestamp,
                &received.message.body,
            )
            .expect("a signature")
    };
    let given = received
        .header("webhook-signature")
        .split(' ')
        .map(str::to_owned)
        .collect();
    (given, secrets.iter().map(sign).collect())
}

/// How many secrets a file holds.
fn count(secret_file: &Path) -> usize {
    fs::read_to_string(secret_file)
        .expect("it reads")
        .lines()
        .count()
}

#[test]
fn deliveries_are_signed_as_before_also_when_the_secret_before_verifies_no_links() {
    let mut app = TestApp::start(Mode::Dev, &[]);
    let endpoint = Endpoint::start();
    let (_, secret) = webhook(&app, &endpoint);
    let link = app.token_of(&app.invite("acme", "a@b.co"));
    for round in 1..=3 {
        rotate_and_restart(&mut app);
        assert_eq!(app.person("lookup", &json!({ "token": link })).status, 404);
        app.invite("acme", &format!("p{round}@b.co"));
        let received = endpoint.wait(1 + round).remove(round);
        let (given, expected) = signatures(&received, &[&secret]);
        assert_eq!(given, expected, "round {round}");
    }
    assert_eq!(
        count(&app.secret_file()),
        3,
        "the one that signs, the one before, and the one that the webhook needs"
    );
}

#[test]
fn a_webhook_that_is_rotated_after_the_server_signs_with_both_for_a_day() {
    let mut app = TestApp::start(Mode::Dev, &[]);
    let endpoint = Endpoint::start();
    let (path, first) = webhook(&app, &endpoint);
    rotate_and_restart(&mut app);
    let rotated = app.post(&format!("{path}/rotate"), "{}").json();
    let second = rotated["secret"].as_str().expect("a secret").to_owned();
    app.restart();
    app.invite("acme", "a@b.co");
    let (given, expected) = signatures(&endpoint.wait(1)[0], &[&second, &first]);
    assert_eq!(given, expected);
    // What is under way counts as lost, and comes again, where the clock jumps over its lease.
    wait_idle(&app);
    app.advance_to(24 * 60 * 60 * 1000);
    app.invite("acme", "c@b.co");
    let (given, expected) = signatures(&endpoint.wait(2)[1], &[&second]);
    assert_eq!(given, expected);
}

#[test]
fn a_webhook_that_is_made_after_a_rotation_is_derived_from_the_new_secret() {
    let mut app = TestApp::start(Mode::Dev, &[]);
    rotate_and_restart(&mut app);
    let endpoint = Endpoint::start();
    let (_, secret) = webhook(&app, &endpoint);
    // The one before is needed by nothing any more.
    let file = fs::read_to_string(app.secret_file()).expect("it reads");
    write(&app.secret_file(), file.lines().next().expect("a secret"));
    app.restart();
    app.invite("acme", "a@b.co");
    let (given, expected) = signatures(&endpoint.wait(1)[0], &[&secret]);
    assert_eq!(given, expected);
}

#[test]
fn a_secret_that_only_webhooks_need_is_missed_and_dropped_once_none_does() {
    let place = Place::new();
    let served = place.begin();
    let body = json!({ "url": "https://app.example.com/hooks" }).to_string();
    let made = served
        .server
        .request("POST", "/v1/webhooks")
        .bearer(&served.key)
        .json(body)
        .send();
    assert_eq!(made.status, 201, "{}", made.text());
    let rotation = format!(
        "/v1/webhooks/{}/rotate",
        made.json()["id"].as_str().expect("an id")
    );
    assert_eq!(place.rotate(&["--keep-old", "0s"]).0, Some(0));
    let (key, invitation) = served.stop();
    let server = place.serve();
    assert_eq!(
        notes(&server),
        ["an earlier secret is needed for the signatures of webhooks (1)"]
    );
    let link = token(&server, &key, &invitation);
    stop(server);
    let both = fs::read_to_string(place.secret_file()).expect("it reads");
    write(&place.secret_file(), both.lines().next().expect("a secret"));
    let words = [
        "not an earlier one that is needed",
        "0 pending links",
        "1 webhook has another signing secret",
    ];
    refused(&mut place.command(), 1, &words);
    let server = Server::spawn(place.command().arg("--new-secret"));
    assert!(
        notes(&server)[0].contains("1 webhook has another signing secret"),
        "{:?}",
        server.banner
    );
    assert_eq!(
        super::lookup(&server, &link),
        200,
        "links by the secret that is there are as they were"
    );
    let shown: Value = server.request("POST", &rotation).bearer(&key).send().json();
    assert!(
        shown["secret"]
            .as_str()
            .is_some_and(|secret| secret.starts_with("whsec_")),
        "{shown}"
    );
    stop(server);
    assert_eq!(notes(&place.serve()), Vec::<&str>::new());
}

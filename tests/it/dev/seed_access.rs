//! Keys, webhooks and mail of a seed: what the author of a test has to know beforehand.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::dev;
use crate::support::endpoint::Endpoint;
use crate::support::process::{Server, run};
use crate::support::{TestApp, invitations, life};

/// A key, as the command makes one.
fn generated() -> String {
    let output = run(&["key", "generate"]);
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// Seeds a document with `acme`, which has no invitations, and `more`.
fn seed(app: &TestApp, more: &Value) -> crate::support::Answer {
    let mut document = json!({"organizations": [{"id": "acme"}]});
    let members = document.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    app.post("/dev/seed", &document.to_string())
}

#[test]
fn a_seed_makes_keys_that_its_author_knows() {
    let (app, key) = (dev(), generated());
    let keys = json!([{"key": key, "name": "reader", "scopes": ["invitations:read"],
        "organizations": ["acme"], "expiresIn": 3600}]);
    let answer = seed(&app, &json!({"keys": keys}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let status = |method: &str, organization: &str| {
        let request = app
            .anonymous(method, &invitations(organization))
            .bearer(&key);
        request
            .json(r#"{"email":"a@b.co","role":"x"}"#)
            .send()
            .status
    };
    assert_eq!([status("GET", "acme"), status("POST", "acme")], [200, 403]);
    assert_eq!(status("GET", "globex"), 404);
    app.advance_to(3_600_000);
    assert_eq!(status("GET", "acme"), 401, "its time is over");
    let other = generated();
    let twice = json!([{"key": other, "name": "a", "scopes": ["admin"]},
        {"key": other, "name": "b", "scopes": ["admin"]},
        {"key": "ivk_0", "name": "", "scopes": ["all"]}, {}]);
    let place = |pointer: &str, code: &str| (format!("/keys/{pointer}"), code.to_owned());
    assert_eq!(
        life::wrong(&seed(&app, &json!({"keys": twice}))),
        [
            place("1/key", "conflict"),
            place("2/key", "invalid_format"),
            place("2/name", "invalid_format"),
            place("2/scopes/0", "unknown_value"),
            place("3/key", "required"),
            place("3/name", "required"),
            place("3/scopes", "required"),
        ]
    );
}

#[test]
fn a_seed_makes_webhooks_that_sign_with_the_secret_of_its_author() {
    let (app, endpoint) = (dev(), Endpoint::start());
    let secret = format!("whsec_{}", BASE64_STANDARD.encode([7; 24]));
    let webhooks = json!([{"url": endpoint.url(), "organizationId": "acme",
        "types": ["invitation.created"], "secret": secret}]);
    let answer = seed(&app, &json!({"webhooks": webhooks}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    app.invite("acme", "ada@example.com");
    let received = endpoint.wait(1).remove(0);
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let signed: Vec<_> = headers
        .iter()
        .map(|name| (*name, received.header(name)))
        .collect();
    let signature = signed[2].1.trim_start_matches("v1,").to_owned();
    let (id, time) = (signed[0].1, signed[1].1.parse().expect("a number"));
    let expected = Webhook::new(&secret)
        .expect("a secret")
        .sign(id, time, &received.message.body)
        .expect("it signs");
    assert_eq!(format!("v1,{signature}"), expected);
    let listed = app.get("/v1/webhooks").json();
    let id = listed[0]["id"].as_str().expect("an id");
    let rotated = app
        .request("POST", &format!("/v1/webhooks/{id}/rotate"))
        .send();
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    assert_ne!(rotated.json()["secret"], secret.as_str());
    let bad = json!([{"url": "ftp://x", "secret": "whsec_AAAA", "types": ["x.y"]}]);
    let place = |name: &str, code: &str| (format!("/webhooks/0/{name}"), code.to_owned());
    let mut wrong = life::wrong(&seed(&app, &json!({"webhooks": bad})));
    wrong.sort();
    assert_eq!(
        wrong,
        [
            place("secret", "invalid_format"),
            place("types/0", "unknown_value"),
            place("url", "invalid_format"),
        ]
    );
}

#[test]
fn pending_invitations_of_a_seed_are_mailed_where_it_says_so() {
    let app = dev();
    let document = json!({"organizations": [{"id": "acme", "invitations": [
        {"email": "ada@b.co", "role": "x", "age": "3d", "notify": true},
        {"email": "bob@b.co", "role": "x"},
        {"email": "eve@b.co", "role": "x", "status": "accepted", "notify": true},
    ]}]});
    assert_eq!(app.post("/dev/seed", &document.to_string()).status, 200);
    let mailbox = app.get("/dev/mailbox?wait=5s").json();
    let to: Vec<_> = mailbox
        .as_array()
        .into_iter()
        .flatten()
        .map(|mail| &mail["to"])
        .collect();
    assert_eq!(to, ["ada@b.co"]);
    let link = mailbox[0]["link"].as_str().expect("a link");
    let token = link.split('#').nth(1).expect("a token");
    let accepted = app.post(
        "/v1/invitations/accept",
        &json!({ "token": token }).to_string(),
    );
    assert_eq!(accepted.status, 200, "{}", accepted.text());
}

#[test]
fn a_server_that_was_just_started_has_the_mail_of_its_samples() {
    let server = Server::start(&["dev", "--listen", "127.0.0.1:0"]);
    let mailbox = server
        .request("GET", "/dev/mailbox?to=linus@example.com&wait=5s")
        .send();
    assert_eq!(
        mailbox.json()[0]["kind"],
        "invitation",
        "{}",
        mailbox.text()
    );
    let desk = server.request("GET", "/console/desk").send();
    assert!(desk.text().contains("linus@example.com"), "{}", desk.text());
}

//! What proves where a delivery comes from.
//!
//! With `INVITED_WEBHOOK_DUMP` what arrived is written to that folder, for another implementation
//! to verify.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};
use standardwebhooks::{Webhook, WebhookError};
use ureq::http::HeaderMap;

use super::{dev, for_acme, invite_many, path, wait_idle, webhook};
use crate::support::endpoint::{Endpoint, Received};
use crate::support::{START, TestApp};

/// How many milliseconds the secret before a rotation is used.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The secret of an answer that shows it.
fn secret(shown: &Value) -> String {
    shown["secret"].as_str().expect("a secret").to_owned()
}

/// Gives a webhook a new secret; answers it.
fn rotate(app: &TestApp, hook: &Value) -> String {
    let answer = app.post(&format!("{}/rotate", path(hook)), "{}");
    assert_eq!(answer.status, 200, "{}", answer.text());
    secret(&answer.json())
}

/// The headers that the reference implementation reads.
fn headers(received: &Received) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, received.header(name).parse().expect("a good value"));
    }
    headers
}

/// The reference implementation with a secret.
fn verifier(secret: &str) -> Webhook {
    Webhook::new(secret).expect("a secret as receivers expect it")
}

/// What the reference implementation says to a delivery that came just now.
fn verify(secret: &str, received: &Received) -> Result<(), WebhookError> {
    verifier(secret).verify(&received.message.body, &headers(received))
}

/// The signatures that a delivery has, and the one that it has by the reference implementation,
/// whatever the time is.
fn signatures(secret: &str, received: &Received) -> (Vec<String>, String) {
    let timestamp = received
        .header("webhook-timestamp")
        .parse()
        .expect("seconds");
    let expected = verifier(secret).sign(
        received.header("webhook-id"),
        timestamp,
        &received.message.body,
    );
    let given = received
        .header("webhook-signature")
        .split(' ')
        .map(str::to_owned)
        .collect();
    (given, expected.expect("a signature"))
}

/// Writes a delivery with the secrets that signed it, where another implementation looks for it.
fn dump(folder: &Path, number: usize, secrets: &[String], received: &Received) {
    let headers: serde_json::Map<_, _> = received
        .message
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let about = json!({ "secrets": secrets, "headers": headers }).to_string();
    std::fs::write(folder.join(format!("{number}.json")), about)
        .expect("the folder can be written");
    std::fs::write(
        folder.join(format!("{number}.body")),
        &received.message.body,
    )
    .expect("the folder can be written");
}

#[test]
fn a_thousand_deliveries_are_verified_by_the_reference_implementation() {
    let app = dev();
    app.set_present();
    let receivers: Vec<_> = (0..5).map(|_| Endpoint::start()).collect();
    let mut hooks: Vec<_> = receivers
        .iter()
        .map(|endpoint| {
            let hook = for_acme(&app, endpoint);
            (vec![secret(&hook)], hook)
        })
        .collect();
    // Two of them are in the day after a rotation.
    for (secrets, hook) in &mut hooks[..2] {
        secrets.insert(0, rotate(&app, hook));
    }
    invite_many(&app, "acme", 198);
    // What can be written in more ways than one.
    let user = "\u{e4}\u{1f600}\\\"/<>&'+%";
    let made = app.invite("acme", "a@b.co");
    let answer = app.change(
        &made,
        "accept",
        &json!({ "email": "a@b.co", "subject": user }),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let folder = std::env::var_os("INVITED_WEBHOOK_DUMP");
    let mut ids = HashSet::new();
    let mut number = 0;
    for (endpoint, (secrets, _)) in receivers.iter().zip(&hooks) {
        for received in endpoint.wait(200) {
            for secret in secrets {
                verify(secret, &received).expect("it is verified");
            }
            assert_eq!(
                received.header("webhook-signature").split(' ').count(),
                secrets.len()
            );
            ids.insert((number / 200, received.header("webhook-id").to_owned()));
            if let Some(folder) = &folder {
                dump(Path::new(folder), number, secrets, &received);
            }
            number += 1;
        }
    }
    assert_eq!((number, ids.len()), (1000, 1000));
}

#[test]
fn nothing_else_is_verified() {
    let app = dev();
    app.set_present();
    let endpoint = Endpoint::start();
    let hook = for_acme(&app, &endpoint);
    let other = webhook(
        &app,
        &endpoint.url(),
        &json!({ "organizationId": "globex" }),
    );
    app.invite("acme", "a@b.co");
    let received = endpoint.wait(1).remove(0);
    let secret_of_hook = secret(&hook);
    verify(&secret_of_hook, &received).expect("it is verified");
    assert!(matches!(
        verify(&secret(&other), &received),
        Err(WebhookError::InvalidSignature)
    ));
    let change = |name: &str, value: &str| {
        let mut headers = headers(&received);
        headers.insert(
            name.to_owned()
                .parse::<ureq::http::HeaderName>()
                .expect("a name"),
            value.parse().expect("a value"),
        );
        verifier(&secret_of_hook).verify(&received.message.body, &headers)
    };
    let mut body = received.message.body.clone();
    body[10] ^= 1;
    assert!(
        verifier(&secret_of_hook)
            .verify(&body, &headers(&received))
            .is_err()
    );
    assert!(change("webhook-id", "msg_019a0c5e-7b1c-7cc3-98c4-dc0c0c073990").is_err());
    let seconds: i64 = received
        .header("webhook-timestamp")
        .parse()
        .expect("seconds");
    assert!(matches!(
        change("webhook-timestamp", &(seconds - 1).to_string()),
        Err(WebhookError::InvalidSignature)
    ));
}

#[test]
fn a_delivery_that_is_repeated_by_a_stranger_later_is_refused() {
    let app = dev();
    app.set_present();
    let sent = app.clock.now().as_millis() - START;
    app.advance_to(sent - 6 * 60 * 1000);
    let endpoint = Endpoint::start();
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "a@b.co");
    let received = endpoint.wait(1).remove(0);
    assert!(matches!(
        verify(&secret(&hook), &received),
        Err(WebhookError::TimestampTooOldError)
    ));
    let (given, expected) = signatures(&secret(&hook), &received);
    assert_eq!(given, [expected], "its age is all that is wrong");
}

#[test]
fn a_rotation_signs_with_both_secrets_for_a_day_and_a_second_one_ends_the_first() {
    let app = dev();
    let endpoint = Endpoint::start();
    let hook = for_acme(&app, &endpoint);
    let first = secret(&hook);
    let arrives = |count: usize| {
        app.invite("acme", &format!("a{count}@b.co"));
        let arrived = endpoint.wait(count).remove(count - 1);
        // What is under way counts as lost, and comes again, where the clock jumps over its lease.
        wait_idle(&app);
        arrived
    };
    let sign = |secrets: &[&String], received: &Received| {
        let expected: Vec<_> = secrets
            .iter()
            .map(|secret| signatures(secret, received).1)
            .collect();
        assert_eq!(signatures(secrets[0], received).0, expected);
    };
    sign(&[&first], &arrives(1));
    let second = rotate(&app, &hook);
    sign(&[&second, &first], &arrives(2));
    app.advance_to(DAY - 1);
    sign(&[&second, &first], &arrives(3));
    app.advance_to(DAY);
    sign(&[&second], &arrives(4));
    let third = rotate(&app, &hook);
    sign(&[&third, &second], &arrives(5));
    let fourth = rotate(&app, &hook);
    sign(&[&fourth, &third], &arrives(6));
    assert_eq!(HashSet::from([first, second, third, fourth]).len(), 4);
}

#[test]
fn a_delivery_that_waited_over_a_rotation_is_signed_with_what_is_live_then() {
    let app = dev();
    let endpoint = Endpoint::start();
    endpoint.script(&[crate::support::endpoint::Act::Status(500)]);
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "a@b.co");
    super::wait_tried(&app, &hook, 1);
    let second = rotate(&app, &hook);
    app.advance_to(2 * DAY);
    let received = endpoint.wait(2);
    assert_eq!(received[0].message.body, received[1].message.body);
    let (given, expected) = signatures(&second, &received[1]);
    assert_eq!(given, [expected]);
}

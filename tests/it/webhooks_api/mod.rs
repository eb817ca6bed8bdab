//! Webhooks over HTTP: made, seen and changed by those who may, and what they may reach.
//!
//! * [`manage`]: what is shown and what changes, and where the secret never is.
//! * [`log`]: the log of deliveries, and faults. [`tenants`]: whose webhooks they are.
//! * [`bad_inputs`], [`bad_urls`]: what is refused.
//! * [`deletion`]: a webhook goes with all its deliveries.
//! * [`guard`]: which addresses are never spoken to. [`trap`]: a listener that counts who comes.
//! * [`networks`]: which of these addresses an operator allows.

mod bad_inputs;
mod bad_urls;
mod deletion;
mod guard;
mod log;
mod manage;
mod networks;
mod tenants;
mod trap;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// The path of all webhooks.
const WEBHOOKS: &str = "/v1/webhooks";
/// Where nothing listens, and nothing is ever sent in a test.
const URL: &str = "https://app.example.com/hooks";
/// An id that nothing has.
const UNKNOWN: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c073991";

/// Sends a request with `key`.
fn send(app: &TestApp, key: &str, (method, path): (&str, &str), body: Option<&Value>) -> Answer {
    let request = app.anonymous(method, path).bearer(key);
    body.map_or_else(
        || request.clone().send(),
        |body| request.clone().json(body.to_string()).send(),
    )
}

/// Makes a webhook; it must work. Returns it with its secret.
fn make(app: &TestApp, body: &Value) -> Value {
    let answer = app.post(WEBHOOKS, &body.to_string());
    assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    answer.json()
}

/// Makes a webhook of `organization` that is told of nothing that happens in a test.
fn make_silent(app: &TestApp, organization: Option<&str>) -> Value {
    make(
        app,
        &json!({ "url": URL, "organizationId": organization,
            "types": ["invitation.delivery_failed"] }),
    )
}

/// A webhook without its secret.
fn without_secret(webhook: &Value) -> Value {
    let mut webhook = webhook.clone();
    webhook
        .as_object_mut()
        .expect("an object")
        .remove("secret")
        .expect("a secret");
    webhook
}

/// The path of a webhook.
fn path_of(webhook: &Value) -> String {
    format!("{WEBHOOKS}/{}", webhook["id"].as_str().expect("an id"))
}

/// The path of its log.
fn log_of(webhook: &Value) -> String {
    format!("{}/deliveries", path_of(webhook))
}

/// Changes a webhook.
fn patch(app: &TestApp, webhook: &Value, body: &Value) -> Answer {
    app.request("PATCH", &path_of(webhook))
        .json(body.to_string())
        .send()
}

/// Every webhook that the admin key sees.
fn list(app: &TestApp) -> Vec<Value> {
    app.get(WEBHOOKS)
        .json()
        .as_array()
        .expect("an array")
        .clone()
}

/// Sends a test; it must be queued. Returns the path of its delivery.
fn send_test(app: &TestApp, webhook: &Value) -> String {
    let answer = app.post(&format!("{}/test", path_of(webhook)), "{}");
    assert_eq!(answer.status, 202, "{}", answer.text());
    format!(
        "{}/{}",
        log_of(webhook),
        answer.json()["id"].as_str().expect("an id")
    )
}

/// The delivery at `path`, once `is_so` holds of it.
fn wait_for(app: &TestApp, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let delivery = app.get(path).json();
        if is_so(&delivery) {
            return delivery;
        }
        assert!(Instant::now() < deadline, "{delivery}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The delivery at `path`, once a try of it has ended.
fn tried(app: &TestApp, path: &str) -> Value {
    wait_for(app, path, |delivery| delivery["lastAttemptAt"].is_string())
}

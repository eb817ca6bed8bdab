//! Webhooks as an endpoint meets them.
//!
//! * [`delivery`]: what an endpoint is told of, and what not. [`signatures`]: what proves where a
//!   delivery comes from.
//! * [`fair`]: who is told first, and when one is back. [`waiting`]: what becomes of what waits.
//! * [`retries`]: what becomes of a delivery whatever the endpoint does.
//! * [`disabled`]: webhooks that are told nothing until they are enabled again.

mod delivery;
mod disabled;
mod fair;
mod retries;
mod signatures;
mod waiting;

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::endpoint::{Endpoint, Received};
use crate::support::{TestApp, invitations};

/// A server for development, whose webhooks reach this machine.
fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

/// A server for everybody, whose webhooks reach this machine.
fn serve() -> TestApp {
    TestApp::start(Mode::Serve, &["--webhook-allow", "127.0.0.1"])
}

/// Makes a webhook to `url` with `more` members. Returns it with its secret.
fn webhook(app: &TestApp, url: &str, more: &Value) -> Value {
    let mut body = json!({ "url": url });
    let (object, more) = (
        body.as_object_mut().expect("an object"),
        more.as_object().cloned(),
    );
    object.extend(more.expect("an object"));
    let answer = app.post("/v1/webhooks", &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// Makes a webhook for acme to an endpoint.
fn for_acme(app: &TestApp, endpoint: &Endpoint) -> Value {
    webhook(app, &endpoint.url(), &json!({ "organizationId": "acme" }))
}

/// The path of a webhook.
fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

/// A webhook as it is now.
fn look(app: &TestApp, webhook: &Value) -> Value {
    let answer = app.get(&path(webhook));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Changes a webhook.
fn patch(app: &TestApp, webhook: &Value, body: &Value) {
    let answer = app
        .request("PATCH", &path(webhook))
        .json(body.to_string())
        .send();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The deliveries of a webhook, newest first.
fn deliveries(app: &TestApp, webhook: &Value) -> Vec<Value> {
    let answer = app.get(&format!("{}/deliveries?limit=1000", path(webhook)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().cloned().expect("an array")
}

/// Waits until `check` holds of the deliveries of a webhook; answers them.
fn wait_for(app: &TestApp, webhook: &Value, check: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let deliveries = deliveries(app, webhook);
        if check(&deliveries) {
            return deliveries;
        }
        assert!(Instant::now() < deadline, "{deliveries:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the newest delivery of a webhook was tried so often, and is not under way any more;
/// answers it.
fn wait_tried(app: &TestApp, webhook: &Value, attempts: u64) -> Value {
    let is_so = |newest: &Value| {
        newest["attempts"] == attempts
            && (newest["state"] != "waiting" || newest["nextAttemptAt"].is_string())
    };
    wait_for(app, webhook, |deliveries| {
        deliveries
            .first()
            .is_some_and(|newest| is_so(newest) && newest["lastAttemptAt"].is_string())
    })
    .remove(0)
}

/// Waits until no delivery of any webhook waits or is under way.
pub fn wait_idle(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !app
        .db_rows("select id from webhook_delivery where state = 0")
        .is_empty()
    {
        assert!(
            Instant::now() < deadline,
            "{:?}",
            app.contents()["webhook_delivery"]
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Invites `count` people to `organization` in one request.
fn invite_many(app: &TestApp, organization: &str, count: usize) {
    let rows: Vec<_> = (0..count)
        .map(|number| json!({ "email": format!("p{number}@b.co"), "role": "developer" }))
        .collect();
    let answer = app.post(
        &format!("{}/batch", invitations(organization)),
        &json!({ "invitations": rows }).to_string(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The types of what came.
fn types(received: &[Received]) -> Vec<String> {
    received
        .iter()
        .map(|one| {
            one.message.json()["type"]
                .as_str()
                .expect("a type")
                .to_owned()
        })
        .collect()
}

/// Longer than a worker takes to find what is due.
fn rest() {
    std::thread::sleep(Duration::from_millis(700));
}

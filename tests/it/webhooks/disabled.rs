//! Webhooks that are disabled or paused, and how they get their deliveries again.

use serde_json::{Value, json};

use super::retries::exhaust;
use super::{deliveries, dev, for_acme, look, patch, path, rest, wait_for, wait_tried};
use crate::support::endpoint::{Act, Endpoint};

#[test]
fn a_webhook_that_fails_to_the_end_is_disabled_and_says_so_and_can_be_enabled_again() {
    let app = dev();
    let endpoint = Endpoint::that_does(Act::Status(503));
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "first@b.co");
    let failed = exhaust(&app, &hook);
    let disabled = look(&app, &hook);
    assert_eq!(
        (&disabled["enabled"], &disabled["disabledReason"]),
        (&json!(false), &json!("exhausted"))
    );
    app.invite("acme", "unheard@b.co");
    let delivery = format!(
        "{}/deliveries/{}",
        path(&hook),
        failed["id"].as_str().expect("an id")
    );
    for refused in [
        format!("{}/test", path(&hook)),
        format!("{delivery}/redeliver"),
    ] {
        let answer = app.post(&refused, "{}");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "webhook_disabled")
        );
    }
    rest();
    assert_eq!(
        (deliveries(&app, &hook).len(), endpoint.received().len()),
        (1, 10),
        "nothing new is queued"
    );

    endpoint.always(Act::Status(204));
    patch(&app, &hook, &json!({ "enabled": true }));
    let enabled = look(&app, &hook);
    assert_eq!(
        (&enabled["enabled"], &enabled["disabledReason"]),
        (&json!(true), &Value::Null)
    );
    let heard = app.invite("acme", "heard@b.co");
    let received = endpoint.wait(11);
    assert_eq!(
        received[10].message.json()["data"]["invitationId"],
        heard["id"]
    );
    wait_for(&app, &hook, |log| {
        log[0]["state"] == "delivered" && log[1]["state"] == "failed"
    });

    assert_eq!(app.post(&format!("{delivery}/redeliver"), "{}").status, 202);
    let again = endpoint.wait(12).remove(11);
    assert_eq!(again.message.body, received[0].message.body);
    assert_eq!(again.header("webhook-id"), received[0].header("webhook-id"));
    let log = wait_for(&app, &hook, |log| log[1]["state"] == "delivered");
    assert_eq!(
        (&log[1]["attempts"], &log[1]["error"]),
        (&json!(1), &Value::Null)
    );
}

#[test]
fn an_endpoint_that_says_it_is_gone_is_disabled_at_once_and_what_waits_goes_on_after_it() {
    let app = dev();
    let endpoint = Endpoint::start();
    endpoint.script(&[Act::Status(500), Act::Status(410)]);
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "waiting@b.co");
    wait_tried(&app, &hook, 1);
    app.invite("acme", "gone@b.co");
    let gone = wait_tried(&app, &hook, 1);
    assert_eq!(
        (&gone["state"], &gone["answerStatus"]),
        (&json!("failed"), &json!(410))
    );
    let disabled = look(&app, &hook);
    assert_eq!(
        (&disabled["enabled"], &disabled["disabledReason"]),
        (&json!(false), &json!("gone"))
    );
    let waiting = deliveries(&app, &hook).remove(1);
    assert_eq!(
        (&waiting["state"], &waiting["nextAttemptAt"]),
        (&json!("waiting"), &Value::Null)
    );
    app.advance_to(10_000);
    rest();
    assert_eq!(endpoint.received().len(), 2, "nothing is sent to it");
    patch(&app, &hook, &json!({ "enabled": true }));
    let log = wait_for(&app, &hook, |log| log[1]["state"] == "delivered");
    assert_eq!(
        (&log[1]["attempts"], &log[0]["state"]),
        (&json!(2), &json!("failed"))
    );
}

#[test]
fn one_that_is_paused_gets_nothing_until_it_is_enabled() {
    let app = dev();
    let endpoint = Endpoint::start();
    let hook = for_acme(&app, &endpoint);
    patch(&app, &hook, &json!({ "enabled": false }));
    assert_eq!(look(&app, &hook)["disabledReason"], "paused");
    app.invite("acme", "unheard@b.co");
    patch(&app, &hook, &json!({ "enabled": true }));
    let heard = app.invite("acme", "heard@b.co");
    assert_eq!(
        endpoint.wait(1)[0].message.json()["data"]["invitationId"],
        heard["id"]
    );
    rest();
    assert_eq!(endpoint.received().len(), 1);
}

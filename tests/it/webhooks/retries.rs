//! What becomes of a delivery whatever the endpoint does.

use std::time::{Duration, Instant};

use invited::base::clock::Timestamp;
use serde_json::{Value, json};

use super::{deliveries, dev, for_acme, patch, path, rest, wait_for, wait_tried, webhook};
use crate::support::endpoint::{Act, Endpoint};
use crate::support::{START, TestApp};

/// How many seconds after a try the next one comes, as Standard Webhooks proposes; each is spread
/// by a fifth to both sides.
const PLAN: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The milliseconds after the start of a time that was shown.
fn millis(time: &Value) -> i64 {
    let time = time.as_str().and_then(Timestamp::parse);
    time.unwrap_or_else(|| panic!("no time")).as_millis() - START
}

/// Lets a delivery fail until it is given up; answers it.
pub fn exhaust(app: &TestApp, hook: &Value) -> Value {
    for attempt in 1..10 {
        let tried = wait_tried(app, hook, attempt);
        app.advance_to(millis(&tried["nextAttemptAt"]));
    }
    wait_tried(app, hook, 10)
}

#[test]
fn a_delivery_that_fails_is_tried_by_the_plan_with_the_same_bytes_until_it_is_given_up() {
    let app = dev();
    let endpoint = Endpoint::that_does(Act::Status(500));
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "a@b.co");
    let mut now = 0;
    for (attempt, seconds) in (1..).zip(PLAN) {
        let tried = wait_tried(&app, &hook, attempt);
        assert_eq!(
            (&tried["state"], &tried["answerStatus"]),
            (&json!("waiting"), &json!(500))
        );
        assert_eq!(tried["error"], "the endpoint answered 500");
        assert_eq!(millis(&tried["lastAttemptAt"]), now, "{tried}");
        let next = millis(&tried["nextAttemptAt"]);
        assert!(
            (seconds * 800..=seconds * 1_200).contains(&(next - now)),
            "{tried}"
        );
        if attempt <= 2 {
            app.advance_to(next - 1);
            rest();
        }
        assert_eq!(
            endpoint.received().len(),
            usize::try_from(attempt).expect("few"),
            "not before its time"
        );
        app.advance_to(next);
        now = next;
    }
    let failed = wait_tried(&app, &hook, 10);
    assert_eq!(
        (&failed["state"], &failed["nextAttemptAt"]),
        (&json!("failed"), &Value::Null)
    );
    let received = endpoint.wait(10);
    for (one, seconds) in received.iter().zip([0].iter().chain(&PLAN)) {
        assert_eq!(one.message.body, received[0].message.body);
        assert_eq!(one.header("webhook-id"), received[0].header("webhook-id"));
        assert!(
            *seconds == 0
                || one.header("webhook-signature") != received[0].header("webhook-signature")
        );
    }
    let timestamp = received[9]
        .header("webhook-timestamp")
        .parse::<i64>()
        .expect("seconds");
    assert_eq!(timestamp, (START + now) / 1000, "that of the try");
}

#[test]
fn every_way_to_fail_is_named_and_a_page_for_people_is_a_success() {
    let app = dev();
    let (endpoint, elsewhere) = (Endpoint::start(), Endpoint::start());
    endpoint.script(&[
        Act::Drop,
        Act::Redirect(elsewhere.address),
        Act::Cut,
        Act::Status(404),
        Act::Html,
    ]);
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "a@b.co");
    for (attempt, status, error) in [
        (
            1,
            Value::Null,
            "the connection was closed without an answer",
        ),
        (2, json!(307), "the endpoint answered 307"),
        (
            3,
            Value::Null,
            "the connection was closed without an answer",
        ),
        (4, json!(404), "the endpoint answered 404"),
    ] {
        let tried = wait_tried(&app, &hook, attempt);
        assert_eq!(
            (&tried["answerStatus"], &tried["error"]),
            (&status, &json!(error)),
            "{attempt}"
        );
        app.advance_to(millis(&tried["nextAttemptAt"]));
    }
    let taken = wait_tried(&app, &hook, 5);
    assert_eq!(
        (&taken["state"], &taken["answerStatus"]),
        (&json!("delivered"), &json!(200))
    );
    assert_eq!(
        (&taken["error"], &taken["nextAttemptAt"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(elsewhere.connections(), 0, "redirects are not followed");
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_told_once_it_can() {
    let app = dev();
    let gone = Endpoint::start();
    let (address, hook) = (gone.address, for_acme(&app, &gone));
    drop(gone);
    app.invite("acme", "a@b.co");
    let tried = wait_tried(&app, &hook, 1);
    assert_eq!(
        (&tried["answerStatus"], &tried["error"]),
        (&Value::Null, &json!("the connection was refused"))
    );
    let back = Endpoint::start_at(address);
    app.advance_to(millis(&tried["nextAttemptAt"]));
    wait_tried(&app, &hook, 2);
    assert_eq!(back.received().len(), 1);
}

#[test]
fn an_endpoint_that_says_nothing_is_left_after_ten_seconds() {
    let app = dev();
    let endpoint = Endpoint::that_does(Act::Stall);
    let hook = for_acme(&app, &endpoint);
    let start = Instant::now();
    app.invite("acme", "a@b.co");
    endpoint.wait(1);
    let under_way = deliveries(&app, &hook).remove(0);
    assert_eq!(
        (&under_way["state"], &under_way["nextAttemptAt"]),
        (&json!("waiting"), &Value::Null)
    );
    let tried = wait_tried(&app, &hook, 1);
    assert!(
        (10..14).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(tried["error"], "there was no answer within 10 seconds");
    assert!(
        tried["durationMs"]
            .as_i64()
            .is_some_and(|ms| (9_900..14_000).contains(&ms)),
        "{tried}"
    );
}

#[test]
fn an_answer_of_a_gigabyte_is_not_read_to_its_end() {
    let app = dev();
    let endpoint = Endpoint::that_does(Act::Gigabyte);
    let hook = for_acme(&app, &endpoint);
    let start = Instant::now();
    app.invite("acme", "a@b.co");
    assert_eq!(wait_tried(&app, &hook, 1)["state"], "delivered");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    // What lies between the two belongs to the system.
    assert!(
        endpoint.written() < 16 * 1024 * 1024,
        "{}",
        endpoint.written()
    );
}

#[test]
fn a_test_is_sent_to_its_webhook_only_whatever_types_that_is_told_of() {
    let app = dev();
    let (endpoint, other) = (Endpoint::start(), Endpoint::start());
    let hook = webhook(
        &app,
        &endpoint.url(),
        &json!({ "types": ["invitation.accepted"] }),
    );
    webhook(&app, &other.url(), &json!({}));
    let answer = app.post(&format!("{}/test", path(&hook)), "{}");
    assert_eq!(answer.status, 202, "{}", answer.text());
    let queued = answer.json();
    let sent = endpoint.wait(1).remove(0);
    assert_eq!(sent.header("webhook-id"), queued["messageId"]);
    let expected = json!({
        "type": "webhook.test",
        "timestamp": queued["createdAt"],
        "data": { "id": queued["id"], "webhookId": hook["id"] },
    });
    assert_eq!(sent.message.json(), expected);
    let tried = wait_tried(&app, &hook, 1);
    assert_eq!(
        (&tried["type"], &tried["state"]),
        (&json!("webhook.test"), &json!("delivered"))
    );
    let location = answer
        .header("location")
        .expect("a location")
        .replace("http://invited.test", "");
    assert_eq!(app.get(&location).json()["body"], sent.message.text());
    rest();
    assert_eq!((endpoint.received().len(), other.received().len()), (1, 0));
}

#[test]
fn what_was_delivered_is_sent_again_on_request_with_all_its_tries_before_it() {
    let app = dev();
    let endpoint = Endpoint::start();
    endpoint.script(&[Act::Status(500), Act::Status(204), Act::Status(500)]);
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "a@b.co");
    let tried = wait_tried(&app, &hook, 1);
    app.advance_to(millis(&tried["nextAttemptAt"]));
    let taken = wait_tried(&app, &hook, 2);
    assert_eq!(taken["state"], "delivered");
    let again = format!(
        "{}/deliveries/{}/redeliver",
        path(&hook),
        taken["id"].as_str().expect("an id")
    );
    assert_eq!(app.post(&again, "{}").status, 202);
    let failed = wait_tried(&app, &hook, 1);
    assert_eq!(
        (&failed["state"], &failed["answerStatus"]),
        (&json!("waiting"), &json!(500))
    );
    let ids: Vec<_> = endpoint
        .wait(3)
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_delivery_whose_lease_is_over_is_tried_again_whatever_else_waits() {
    let app = dev();
    let endpoint = Endpoint::start();
    endpoint.script(&[Act::Status(500), Act::Status(500), Act::Status(500)]);
    let hook = for_acme(&app, &endpoint);
    for email in ["waits@b.co", "lost@b.co"] {
        app.invite("acme", email);
        wait_tried(&app, &hook, 1);
    }
    // As one whose thread broke off, while the other waits for an hour.
    let lost = "update webhook_delivery
        set lane = iif(id = (select max(id) from webhook_delivery), null, 2),
            lease = iif(id = (select max(id) from webhook_delivery), 7, null),
            due_at = iif(id = (select max(id) from webhook_delivery), ?1 + 120000, ?1 + 3600000)";
    let job = |tx: &invited::db::WriteTx<'_>| Ok(tx.execute(lost, [START])?);
    assert_eq!(invited::db::write_file(&app.database, job), Ok(2));
    app.advance_to(119_999);
    rest();
    assert_eq!(endpoint.received().len(), 2);
    app.advance_to(120_000);
    let tried = wait_tried(&app, &hook, 2);
    let log = deliveries(&app, &hook);
    assert_eq!(
        (&log[0]["id"], &log[1]["attempts"]),
        (&tried["id"], &json!(1))
    );
}

#[test]
fn what_waits_goes_to_where_the_webhook_has_moved() {
    let app = dev();
    let (old, new) = (Endpoint::that_does(Act::Status(404)), Endpoint::start());
    let hook = for_acme(&app, &old);
    app.invite("acme", "a@b.co");
    let tried = wait_tried(&app, &hook, 1);
    patch(&app, &hook, &json!({ "url": new.url() }));
    app.advance_to(millis(&tried["nextAttemptAt"]));
    wait_tried(&app, &hook, 2);
    assert_eq!((old.received().len(), new.received().len()), (1, 1));
    assert_eq!(
        old.received()[0].message.body,
        new.received()[0].message.body
    );
}

#[test]
fn deliveries_fail_on_purpose_where_development_asks_for_it() {
    let app = dev();
    let endpoint = Endpoint::start();
    let hook = for_acme(&app, &endpoint);
    for (fault, status, error) in [
        (
            json!("fail"),
            Value::Null,
            "the endpoint cannot be reached (/dev/faults)",
        ),
        (json!(503), json!(503), "the endpoint answered 503"),
    ] {
        let faults = json!({ "webhooks": { "next": 1, "do": fault } });
        assert_eq!(app.post("/dev/faults", &faults.to_string()).status, 200);
        app.invite("acme", if status.is_null() { "a@b.co" } else { "b@b.co" });
        let tried = wait_tried(&app, &hook, 1);
        assert_eq!(
            (&tried["answerStatus"], &tried["error"]),
            (&status, &json!(error))
        );
    }
    assert_eq!(endpoint.connections(), 0);
    app.advance_to(6_000);
    wait_for(&app, &hook, |log| {
        log.iter().all(|one| one["state"] == "delivered")
    });
    assert_eq!(endpoint.received().len(), 2);
}

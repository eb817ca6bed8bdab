//! Who is told first, what an endpoint gets when it is back, and what it may ask for.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{deliveries, dev, for_acme, invite_many, rest, wait_for, wait_tried, webhook};
use crate::support::TestApp;
use crate::support::endpoint::{Act, Endpoint};

/// Waits until `count` deliveries of a webhook were tried `attempts` times and wait.
fn wait_put_off(app: &TestApp, hook: &serde_json::Value, count: usize, attempts: u64) {
    wait_for(app, hook, |log| {
        let waits = |one: &&serde_json::Value| {
            one["attempts"] == attempts && one["nextAttemptAt"].is_string()
        };
        log.iter().filter(waits).count() == count
    });
}

#[test]
fn forty_endpoints_that_stall_hold_up_no_other() {
    let app = dev();
    let (stalling, willing) = (Endpoint::that_does(Act::Stall), Endpoint::start());
    for number in 0..40 {
        webhook(
            &app,
            &stalling.url(),
            &json!({ "organizationId": format!("o{number}") }),
        );
    }
    webhook(&app, &willing.url(), &json!({ "organizationId": "acme" }));
    for number in 0..40 {
        invite_many(&app, &format!("o{number}"), 5);
    }
    stalling.wait(40);
    // Through the first round of time-outs, after which most of them are due again.
    let end = Instant::now() + Duration::from_secs(14);
    let mut told = 0;
    while Instant::now() < end {
        let start = Instant::now();
        app.invite("acme", &format!("p{told}@b.co"));
        told += 1;
        willing.wait(told);
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{told}: {:?}",
            start.elapsed()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    // Each had one place at first; from the tenth second on they had sixteen together.
    assert_eq!(stalling.received().len(), 40 + 16);
}

#[test]
fn an_endpoint_that_is_back_gets_at_once_and_in_order_what_waits() {
    let app = dev();
    let endpoint = Endpoint::that_does(Act::Status(500));
    let hook = for_acme(&app, &endpoint);
    invite_many(&app, "acme", 5);
    wait_put_off(&app, &hook, 5, 1);
    app.advance_to(7_000);
    // The next try of each would come five minutes later.
    wait_put_off(&app, &hook, 5, 2);
    let before = endpoint.received().len();
    endpoint.always(Act::Status(204));
    app.advance_to(20_000);
    app.invite("acme", "new@b.co");
    wait_for(&app, &hook, |log| {
        log.iter().all(|one| one["state"] == "delivered")
    });
    let came: Vec<_> = endpoint.received()[before..]
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    let mut waited: Vec<_> = deliveries(&app, &hook)[1..]
        .iter()
        .map(|one| one["messageId"].as_str().expect("an id").to_owned())
        .collect();
    waited.reverse();
    // Two at a time by then: neighbours may change places on their way.
    let place = |id: &String| {
        came[1..]
            .iter()
            .position(|other| other == id)
            .expect("it came")
    };
    assert!(
        waited
            .iter()
            .enumerate()
            .all(|(number, id)| place(id).abs_diff(number) <= 2),
        "{came:?} {waited:?}"
    );
}

#[test]
fn an_endpoint_that_asks_to_be_left_alone_is() {
    for (status, until) in [
        (429, "60"),
        (503, "60"),
        (502, "Mon, 23 Nov 2026 02:44:00 GMT"),
        (504, "60"),
    ] {
        let app = dev();
        let endpoint = Endpoint::start();
        endpoint.script(&[Act::Later(status, until)]);
        let hook = for_acme(&app, &endpoint);
        app.invite("acme", "first@b.co");
        wait_tried(&app, &hook, 1);
        app.invite("acme", "second@b.co");
        app.advance_to(55_000);
        rest();
        assert_eq!(
            endpoint.received().len(),
            1,
            "{status}: neither that one nor another"
        );
        app.advance_to(62_000);
        wait_for(&app, &hook, |log| {
            log.iter().all(|one| one["state"] == "delivered")
        });
        assert_eq!(endpoint.received().len(), 3);
    }
}

#[test]
fn an_answer_that_is_no_request_to_wait_is_tried_by_the_plan() {
    for (status, until) in [
        (500, "60"),
        (429, "soon"),
        (503, "Sun, 06 Nov 1994 08:49:37 GMT"),
    ] {
        let app = dev();
        let endpoint = Endpoint::start();
        endpoint.script(&[Act::Later(status, until)]);
        let hook = for_acme(&app, &endpoint);
        app.invite("acme", "first@b.co");
        wait_tried(&app, &hook, 1);
        app.advance_to(7_000);
        wait_for(&app, &hook, |log| log[0]["state"] == "delivered");
    }
}

#[test]
fn an_endpoint_that_takes_what_it_is_sent_grows_to_eight_at_a_time() {
    let app = dev();
    let endpoint = Endpoint::that_does(Act::Slow(150));
    let hook = for_acme(&app, &endpoint);
    invite_many(&app, "acme", 60);
    wait_for(&app, &hook, |log| {
        log.iter().all(|one| one["state"] == "delivered")
    });
    assert!(
        (5..=8).contains(&endpoint.most_open()),
        "{}",
        endpoint.most_open()
    );
}

#[test]
fn a_delivery_that_is_asked_for_again_is_not_done_with_by_the_try_before_it_even_at_the_same_time()
{
    use invited::outbox::places::Lane;
    use invited::outbox::webhook::DeliveryState;
    use invited::outbox::webhook::store::{self, Attempt};
    let app = TestApp::serve();
    let hook = webhook(
        &app,
        "https://hooks.invalid/",
        &json!({ "organizationId": "acme" }),
    );
    let id = hook["id"]
        .as_str()
        .and_then(|id| uuid::Uuid::try_parse(id).ok())
        .expect("an id");
    let attempt = |at| Attempt {
        at,
        duration_ms: 1,
        status: Some(204),
        error: None,
        rest_ms: None,
    };
    let job = |tx: &invited::db::WriteTx<'_>| {
        let delivery = store::queue_test(tx, id)?;
        let claim = || {
            store::requeue(tx, id, delivery)?;
            let waiting = store::list_waiting(&tx.reader())?.remove(0);
            let row = store::list_due(&tx.reader(), &waiting, Lane::First, 1)?.remove(0);
            let claim = store::claim(tx, &row, store::new_lease()?)?;
            Ok::<_, invited::base::error::Error>(claim.expect("it is due"))
        };
        let (earlier, later) = (claim()?, claim()?);
        let record = |claim| {
            store::record(
                tx,
                claim,
                DeliveryState::Delivered,
                tx.now,
                &attempt(tx.now),
            )
        };
        Ok([record(&earlier)?, record(&later)?])
    };
    assert_eq!(
        invited::db::write_file(&app.database, job).expect("the file"),
        [false, true]
    );
}

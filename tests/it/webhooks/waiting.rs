//! Deliveries that wait: what holds them up, and what becomes of them meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    deliveries, dev, for_acme, invite_many, look, path, rest, serve, types, wait_for, wait_tried,
    webhook,
};
use crate::erasure::{bytes, count};
use crate::support::endpoint::{Act, Endpoint};

#[test]
fn one_that_stalls_and_one_that_is_dead_hold_up_no_other() {
    let app = dev();
    let (stalling, willing) = (Endpoint::that_does(Act::Stall), Endpoint::start());
    let dead = Endpoint::start().url();
    for url in [stalling.url(), dead, willing.url()] {
        webhook(&app, &url, &json!({ "organizationId": "acme" }));
    }
    let start = Instant::now();
    invite_many(&app, "acme", 50);
    willing.wait(50);
    // The one that stalls has not even come to its first end by now.
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        (stalling.received().len(), stalling.most_open()),
        (1, 1),
        "one at a time"
    );
    assert!(
        (2..=8).contains(&willing.most_open()),
        "{}",
        willing.most_open()
    );
}

#[test]
fn an_organization_takes_its_waiting_deliveries_along_and_the_others_go_on() {
    let app = dev();
    let (all, own) = (Endpoint::start(), Endpoint::that_does(Act::Status(503)));
    let (for_all, for_acme) = (webhook(&app, &all.url(), &json!({})), for_acme(&app, &own));
    all.script(&[Act::Status(500), Act::Stall]);
    app.invite("acme", "waiting@b.co");
    wait_tried(&app, &for_all, 1);
    app.invite("acme", "under-way@b.co");
    all.wait(2);
    let globex = app.invite("globex", "a@b.co");
    wait_for(&app, &for_all, |log| {
        log.iter().any(|one| one["state"] == "delivered")
    });
    let answer = app.request("DELETE", "/v1/organizations/acme").send();
    assert_eq!(answer.status, 204, "{}", answer.text());
    all.release();
    assert_eq!(app.get(&path(&for_acme)).status, 404);
    let left = deliveries(&app, &for_all);
    assert!(
        left.len() == 1 && left[0]["organizationId"] == "globex",
        "{left:?}"
    );
    let (of_all, of_acme) = (all.received().len(), own.received().len());
    app.advance_to(24 * 60 * 60 * 1000);
    rest();
    assert_eq!(
        (all.received().len(), own.received().len()),
        (of_all, of_acme),
        "nothing is tried again"
    );
    assert_eq!(app.change(&globex, "revoke", &json!({})).status, 200);
    all.wait(of_all + 1);
    assert_eq!(look(&app, &for_all)["enabled"], true);
    assert_eq!(
        app.db_rows("select id from webhook_delivery where organization_id = 'acme'")
            .len(),
        0
    );
}

#[test]
fn what_waits_when_an_address_is_erased_is_told_without_it() {
    let app = dev();
    let endpoint = Endpoint::start();
    endpoint.script(&[Act::Status(500), Act::Drop]);
    let hook = for_acme(&app, &endpoint);
    for address in ["Frederika@example.com", "xfrederika@example.net"] {
        app.invite_by_mail("acme", address);
        wait_tried(&app, &hook, 1);
    }
    let first = endpoint.wait(2);
    assert!(first[0].message.text().contains("frederika@example.com"));
    assert!(count(&bytes(&app), "frederika@example.com") > 0);
    // An endpoint that took what tells of the erasure would be sent at once what waits for it, and
    // an erasure that goes on still has not come to all events.
    endpoint.always(Act::Status(503));
    assert_eq!(
        app.request("DELETE", "/v1/invitations?email=frederika@example.com")
            .send()
            .status,
        200
    );
    assert_eq!(count(&bytes(&app), "frederika@example.com"), 0);
    let before = endpoint.wait(3).len();
    endpoint.always(Act::Status(204));
    app.advance_to(10_000);
    let later = endpoint.wait(before + 3).split_off(before);
    let of = |which: usize| {
        let id = first[which].header("webhook-id");
        later
            .iter()
            .find(|one| one.header("webhook-id") == id)
            .expect("it comes again")
            .message
            .text()
    };
    let (erased, other) = (of(0), of(1));
    assert!(
        erased.contains("invitation.created") && !erased.contains("frederika"),
        "{erased}"
    );
    assert_eq!(other, first[1].message.text());
    assert!(types(&later).contains(&"invitation.erased".to_owned()));
    assert_eq!(count(&bytes(&app), "frederika@example.com"), 0);
}

#[test]
fn what_waited_or_was_under_way_at_a_stop_arrives_after_it_under_the_same_id() {
    let mut app = serve();
    let endpoint = Endpoint::start();
    endpoint.script(&[Act::Status(500), Act::Stall]);
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "waiting@b.co");
    wait_tried(&app, &hook, 1);
    // One under way, and two that have no room beside it.
    invite_many(&app, "acme", 3);
    let before = endpoint.wait(2);
    app.restart();
    wait_for(&app, &hook, |log| {
        log.iter().all(|one| one["state"] == "delivered")
    });
    let received = endpoint.received();
    assert_eq!(received.len(), 6);
    for first in &before {
        let same: Vec<_> = received
            .iter()
            .filter(|one| one.header("webhook-id") == first.header("webhook-id"))
            .collect();
        assert_eq!(same.len(), 2, "{}", first.header("webhook-id"));
        assert_eq!(same[0].message.body, same[1].message.body);
    }
}

#[test]
fn a_burst_to_one_webhook_arrives_without_a_pause_after_each_two() {
    let (app, endpoint) = (dev(), Endpoint::start());
    for_acme(&app, &endpoint);
    let began = Instant::now();
    invite_many(&app, "acme", 100);
    endpoint.wait(100);
    // Two at a time, and a look every half a second, would be 25 seconds.
    assert!(
        began.elapsed() < Duration::from_secs(12),
        "{:?}",
        began.elapsed()
    );
}

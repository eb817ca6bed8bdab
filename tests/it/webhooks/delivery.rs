//! What an endpoint is told of, and what not.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    deliveries, dev, for_acme, path, rest, types, wait_for, wait_idle, wait_tried, webhook,
};
use crate::support::endpoint::{Endpoint, Received};
use crate::support::life::path_of;
use crate::support::{TestApp, invitations};

/// The history of acme, oldest first.
fn history(app: &TestApp) -> Vec<Value> {
    app.get("/v1/organizations/acme/events?order=asc")
        .json()
        .as_array()
        .cloned()
        .expect("an array")
}

/// Causes each type of event in acme but that of an erasure.
fn cause_all(app: &TestApp) {
    let done = |answer: crate::support::Answer| {
        assert!((200..300).contains(&answer.status), "{}", answer.text());
    };
    done(
        app.request("PUT", "/v1/organizations/acme")
            .json(r#"{"name":"Acme"}"#)
            .send(),
    );
    let accepted = app.invite("acme", "accepted@b.co");
    done(
        app.request("PATCH", &path_of(&accepted))
            .json(r#"{"role":"viewer"}"#)
            .send(),
    );
    done(app.change(&accepted, "resend", &json!({})));
    done(app.change(&accepted, "accept", &json!({ "email": "accepted@b.co" })));
    let token = app.token_of(&app.invite("acme", "declined@b.co"));
    done(app.person(
        "decline",
        &json!({ "token": token, "email": "declined@b.co" }),
    ));
    done(app.change(&app.invite("acme", "revoked@b.co"), "revoke", &json!({})));
    done(
        app.request("DELETE", &path_of(&app.invite("acme", "deleted@b.co")))
            .send(),
    );
    // The fault is for the mail that comes next, not for one that is on its way.
    while !app.db_rows("select 1 from mail").is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    done(app.post("/dev/faults", r#"{"mail":{"next":1,"do":550}}"#));
    app.invite_by_mail("acme", "bounced@b.co");
    let back = app.invite_by_mail("acme", "back@b.co");
    let bounce = json!({ "organizationId": "acme", "invitationId": back["id"] });
    done(app.post("/v1/bounces", &bounce.to_string()));
    app.invite("acme", "lapsed@b.co");
    // What is under way counts as lost, and comes again, where the clock jumps over its lease.
    wait_idle(app);
    app.advance_to(8 * 24 * 60 * 60 * 1000);
    app.invite("acme", "lapsed@b.co");
}

/// Checks the headers and the body of a delivery of `event`, which the webhook of `app` was told of
/// by now.
fn assert_tells(received: &Received, event: &Value) {
    let body = received.message.json();
    assert_eq!(received.line, "POST /hook");
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(
        received.header("user-agent"),
        concat!("invited/", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        received.header("webhook-id"),
        format!("msg_{}", event["id"].as_str().expect("an id"))
    );
    assert!(
        received
            .header("webhook-timestamp")
            .parse::<i64>()
            .is_ok_and(|seconds| seconds >= 1_795_401_780)
    );
    assert!(received.header("webhook-signature").starts_with("v1,"));
    let whole = json!({ "type": event["type"], "timestamp": event["createdAt"], "data": event });
    assert_eq!(body, whole);
    assert_eq!(
        received.message.text(),
        whole.to_string(),
        "the same order of members, too"
    );
}

#[test]
fn every_type_of_event_arrives_as_the_history_shows_it() {
    let app = dev();
    let endpoint = Endpoint::start();
    app.invite("acme", "before@b.co");
    let before = history(&app).len();
    let hook = for_acme(&app, &endpoint);
    cause_all(&app);
    let events = history(&app).split_off(before);
    let received = endpoint.wait(events.len());
    let find = |event: &Value| {
        let id = format!("msg_{}", event["id"].as_str().expect("an id"));
        let found: Vec<_> = received
            .iter()
            .filter(|one| one.header("webhook-id") == id)
            .collect();
        assert_eq!(found.len(), 1, "{event}");
        found[0].clone()
    };
    events
        .iter()
        .for_each(|event| assert_tells(&find(event), event));

    assert_eq!(
        app.request("DELETE", "/v1/invitations?email=revoked@b.co")
            .send()
            .status,
        200
    );
    let erased = history(&app).pop().expect("an event");
    assert_tells(&endpoint.wait(events.len() + 1)[events.len()], &erased);

    let mut told = types(&endpoint.received());
    told.sort_unstable();
    told.dedup();
    let mut all: Vec<_> = invited::event::EventType::ALL
        .iter()
        .map(|(_, name)| (*name).to_owned())
        .collect();
    all.sort_unstable();
    assert_eq!(told, all);
    let log = wait_for(&app, &hook, |log| {
        log.iter().all(|one| one["state"] == "delivered")
    });
    assert_eq!(log.len(), events.len() + 1);
    assert!(
        log.iter().all(|one| one["attempts"] == 1
            && one["answerStatus"] == 204
            && one["error"].is_null())
    );
    assert_eq!(
        (endpoint.received().len(), endpoint.connections()),
        (log.len(), log.len())
    );
}

#[test]
fn a_delivery_by_itself_shows_the_bytes_that_were_sent() {
    let app = dev();
    let endpoint = Endpoint::start();
    let hook = for_acme(&app, &endpoint);
    app.invite("acme", "a@b.co");
    let sent = endpoint.wait(1).remove(0);
    let delivery = wait_tried(&app, &hook, 1);
    assert_eq!(delivery["body"], Value::Null, "not in lists");
    let whole = app
        .get(&format!(
            "{}/deliveries/{}",
            path(&hook),
            delivery["id"].as_str().expect("an id")
        ))
        .json();
    assert_eq!(whole["body"], sent.message.text());
    assert_eq!(whole["messageId"], sent.header("webhook-id"));
    assert_eq!(
        (&whole["type"], &whole["organizationId"]),
        (&json!("invitation.created"), &json!("acme"))
    );
}

#[test]
fn a_webhook_is_told_of_its_organization_and_its_types_only_and_one_for_all_of_everything() {
    let app = dev();
    let endpoints = [(); 3].map(|()| Endpoint::start());
    let [all, acme, revoked] = &endpoints;
    webhook(&app, &all.url(), &json!({}));
    for_acme(&app, acme);
    webhook(
        &app,
        &revoked.url(),
        &json!({ "types": ["invitation.revoked", "invitation.accepted"] }),
    );
    for organization in ["acme", "globex"] {
        let made = app.invite(organization, "a@b.co");
        assert_eq!(app.change(&made, "revoke", &json!({})).status, 200);
    }
    let told = |endpoint: &Endpoint, count| {
        let received = endpoint.wait(count);
        let tells = |one: &Received| {
            let data = one.message.json()["data"].clone();
            let text = |name: &str| data[name].as_str().expect("a text").to_owned();
            format!(
                "{} {}",
                text("organizationId"),
                text("type").trim_start_matches("invitation.")
            )
        };
        let mut told: Vec<_> = received.iter().map(tells).collect();
        told.sort_unstable();
        told
    };
    let of_acme = ["acme created", "acme revoked"];
    assert_eq!(
        told(all, 4),
        [&of_acme[..], &["globex created", "globex revoked"]].concat()
    );
    assert_eq!(told(acme, 2), of_acme);
    assert_eq!(told(revoked, 2), ["acme revoked", "globex revoked"]);
    rest();
    assert_eq!(
        endpoints
            .each_ref()
            .map(|endpoint| endpoint.received().len()),
        [4, 2, 2]
    );
}

#[test]
fn what_is_rolled_back_or_refused_is_told_to_nobody() {
    let app = dev();
    let endpoint = Endpoint::start();
    let hook = for_acme(&app, &endpoint);
    let made = app.invite("acme", "standing@b.co");
    let row = |email: &str| json!({ "email": email, "role": "developer" });
    let path = format!("{}/batch", invitations("acme"));
    // Only the file knows what is wrong with the last row.
    let rows = [row("one@b.co"), row("two@b.co"), row("standing@b.co")];
    let undone = app
        .post(
            &path,
            &json!({ "atomic": true, "invitations": rows }).to_string(),
        )
        .json();
    assert_eq!(
        (
            &undone["results"][0]["status"],
            &undone["results"][2]["status"]
        ),
        (&json!(424), &json!(409))
    );
    let dry = app.post(
        &path,
        &json!({ "dryRun": true, "invitations": [row("one@b.co")] }).to_string(),
    );
    assert_eq!(dry.status, 200, "{}", dry.text());
    assert_eq!(
        app.post(&invitations("acme"), &row("standing@b.co").to_string())
            .status,
        409
    );
    assert_eq!(
        app.post(&invitations("acme"), &row("nonsense").to_string())
            .status,
        422
    );
    assert_eq!(
        app.change(&made, "accept", &json!({ "email": "other@b.co" }))
            .status,
        403
    );
    wait_tried(&app, &hook, 1);
    rest();
    assert_eq!(deliveries(&app, &hook).len(), 1);
    let received = endpoint.received();
    assert_eq!(
        (
            received.len(),
            &received[0].message.json()["data"]["invitationId"]
        ),
        (1, &made["id"])
    );
}

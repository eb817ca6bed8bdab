//! The log of deliveries: its pages and filters, deliveries that are sent again, and faults of
//! development.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{UNKNOWN, log_of, make, make_silent, patch, path_of, send_test, tried, wait_for};
use crate::support::TestApp;
use crate::support::endpoint::{Act, Endpoint};
use crate::support::life::wrong;

/// A server for development, where http on this machine is fine.
fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

/// One page of a log, and the path of the next.
fn page(app: &TestApp, path: &str) -> (Vec<Value>, Option<String>) {
    let answer = app.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    let next = answer.header("link").map(|link| {
        let url = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
            .expect("a link");
        url.strip_prefix("http://invited.test")
            .expect("the public URL")
            .to_owned()
    });
    (answer.json().as_array().expect("an array").clone(), next)
}

/// The ids of every page from `path` on.
fn walk(app: &TestApp, path: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (rows, more) = page(app, &path);
        pages.push(
            rows.iter()
                .map(|row| row["id"].as_str().expect("an id").to_owned())
                .collect(),
        );
        next = more;
        assert!(pages.len() < 20, "it does not end");
    }
    pages
}

#[test]
fn the_log_comes_newest_first_in_pages_and_by_state() {
    let app = dev();
    let endpoint = Endpoint::start();
    let made = make(&app, &json!({ "url": endpoint.url() }));
    let other = make(&app, &json!({ "url": endpoint.url() }));
    tried(&app, &send_test(&app, &other));
    endpoint.script(&[
        Act::Status(204),
        Act::Status(500),
        Act::Status(202),
        Act::Status(503),
        Act::Status(200),
    ]);
    let mut ids = Vec::new();
    for second in 0..5 {
        app.advance_to(second * 100);
        let path = send_test(&app, &made);
        ids.insert(
            0,
            tried(&app, &path)["id"].as_str().expect("an id").to_owned(),
        );
    }
    let log = log_of(&made);
    assert_eq!(walk(&app, &log), [ids.clone()]);
    assert_eq!(
        walk(&app, &format!("{log}?limit=2")),
        [&ids[..2], &ids[2..4], &ids[4..]]
    );
    assert_eq!(walk(&app, &format!("{log}?limit=5")), [ids.clone()]);
    let (failing, fine) = (
        [ids[1].clone(), ids[3].clone()],
        [&ids[0], &ids[2], &ids[4]].map(Clone::clone),
    );
    assert_eq!(
        walk(&app, &format!("{log}?state=waiting")),
        std::slice::from_ref(&failing)
    );
    assert_eq!(
        walk(&app, &format!("{log}?state=waiting&limit=1")),
        failing.map(|id| vec![id])
    );
    assert_eq!(
        walk(&app, &format!("{log}?state=delivered&limit=2")),
        [&fine[..2], &fine[2..]]
    );
    assert_eq!(walk(&app, &format!("{log}?state=failed")), [[""; 0]]);
    let (rows, _) = page(&app, &log);
    assert!(
        rows.iter()
            .all(|row| row.get("body").is_none() && row["webhookId"] == made["id"]),
        "{rows:?}"
    );
    assert_eq!(
        (&rows[1]["answerStatus"], &rows[1]["error"]),
        (&json!(503), &json!("the endpoint answered 503"))
    );
    assert_eq!(
        (&rows[0]["answerStatus"], rows[0].get("error")),
        (&json!(200), None)
    );
}

#[test]
fn a_query_of_the_log_that_cannot_be_is_refused() {
    let app = dev();
    let endpoint = Endpoint::start();
    let [made, other] = [0, 1].map(|_| make(&app, &json!({ "url": endpoint.url() })));
    for webhook in [&made, &made, &other, &other] {
        tried(&app, &send_test(&app, webhook));
    }
    let log = log_of(&made);
    for (query, fields) in [
        ("state=sent", vec!["state unknown_value"]),
        ("state=", vec!["state unknown_value"]),
        (
            "state=Waiting&limit=0",
            vec!["state unknown_value", "limit out_of_range"],
        ),
        ("limit=1001", vec!["limit out_of_range"]),
        ("limit=-1", vec!["limit out_of_range"]),
    ] {
        let answer = app.get(&format!("{log}?{query}"));
        let found: Vec<_> = wrong(&answer)
            .iter()
            .map(|(pointer, code)| format!("{pointer} {code}"))
            .collect();
        assert_eq!(
            (
                answer.status,
                found.iter().map(String::as_str).collect::<Vec<_>>()
            ),
            (422, fields),
            "{query}"
        );
    }
    for query in ["offset=1", "state=waiting&state=failed", "State=failed"] {
        let answer = app.get(&format!("{log}?{query}"));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_query"),
            "{query}"
        );
    }
    let (_, next) = page(&app, &format!("{log}?limit=1"));
    let cursor = next
        .as_deref()
        .and_then(|next| next.split("cursor=").nth(1))
        .expect("a cursor");
    let cursor = cursor.split('&').next().expect("a cursor");
    assert_eq!(page(&app, &format!("{log}?cursor={cursor}")).0.len(), 1);
    let foreign = format!("{}?cursor={cursor}", log_of(&other));
    for path in [
        foreign,
        format!("{log}?state=delivered&cursor={cursor}"),
        format!("{log}?cursor=x{cursor}"),
    ] {
        let answer = app.get(&path);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_cursor"),
            "{path}"
        );
    }
}

#[test]
fn a_test_is_shown_with_what_was_sent() {
    let app = dev();
    let endpoint = Endpoint::start();
    let made = make(
        &app,
        &json!({ "url": endpoint.url(), "types": ["invitation.erased"] }),
    );
    let queued = app.post(&format!("{}/test", path_of(&made)), "{}");
    let id = queued.json()["id"].as_str().expect("an id").to_owned();
    let path = format!("{}/{id}", log_of(&made));
    assert_eq!(
        queued.header("location"),
        Some(&*format!("http://invited.test{path}"))
    );
    let shown = tried(&app, &path);
    let sent = endpoint.wait(1).remove(0);
    assert_eq!(sent.line, "POST /hook");
    assert_eq!(shown["body"], sent.message.text());
    assert_eq!(
        (&shown["messageId"], &*format!("msg_{id}")),
        (&json!(sent.header("webhook-id")), sent.header("webhook-id"))
    );
    let body: Value = sent.message.json();
    assert_eq!(body["type"], "webhook.test");
    assert_eq!(body["data"], json!({ "id": id, "webhookId": made["id"] }));
    assert_eq!(
        (&shown["state"], &shown["attempts"], &shown["answerStatus"]),
        (&json!("delivered"), &json!(1), &json!(204))
    );
    assert_eq!(
        (shown.get("organizationId"), shown.get("nextAttemptAt")),
        (None, None)
    );
}

#[test]
fn a_delivery_is_sent_again_once_for_each_request() {
    let app = dev();
    let endpoint = Endpoint::start();
    let made = make(&app, &json!({ "url": endpoint.url() }));
    let path = send_test(&app, &made);
    tried(&app, &path);
    for count in 2..4 {
        let again = format!("{path}/redeliver");
        for _ in 0..2 {
            let key = format!("k{count}");
            let answer = app
                .request("POST", &again)
                .header("Idempotency-Key", &key)
                .json("{}")
                .send();
            assert_eq!(answer.status, 202, "{}", answer.text());
            assert_eq!(
                answer.header("location"),
                Some(&*format!("http://invited.test{path}"))
            );
            wait_for(&app, &path, |delivery| delivery["state"] == "delivered");
        }
        let received = endpoint.wait(count);
        assert_eq!(received.len(), count);
        assert_eq!(
            received[0].header("webhook-id"),
            received[count - 1].header("webhook-id")
        );
        assert_eq!(received[0].message.body, received[count - 1].message.body);
    }
    patch(&app, &made, &json!({ "enabled": false }));
    let refused = app.post(&format!("{path}/redeliver"), "{}");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (409, "webhook_disabled")
    );
    let missing = app.post(&format!("{}/{UNKNOWN}/redeliver", log_of(&made)), "{}");
    assert_eq!(
        missing.status, 404,
        "a delivery that is not there comes first"
    );
}

#[test]
fn faults_make_exactly_the_next_deliveries_fail() {
    let app = dev();
    let endpoint = Endpoint::start();
    let made = make(&app, &json!({ "url": endpoint.url() }));
    let faults = |body: Value| assert_eq!(app.post("/dev/faults", &body.to_string()).status, 200);
    faults(json!({ "webhooks": { "next": 2, "do": 503 } }));
    let path = send_test(&app, &made);
    let failed = |attempts: u32| {
        wait_for(&app, &path, |delivery| {
            delivery["attempts"] == attempts && delivery["nextAttemptAt"].is_string()
        })
    };
    let first = failed(1);
    assert_eq!(
        (&first["answerStatus"], &first["state"]),
        (&json!(503), &json!("waiting"))
    );
    app.advance_to(6_001);
    assert_eq!(failed(2)["error"], "the endpoint answered 503");
    assert_eq!(
        (endpoint.connections(), app.get("/dev/faults").json()),
        (0, json!({}))
    );
    app.advance_to(6_001 + 360_001);
    let done = wait_for(&app, &path, |delivery| delivery["state"] == "delivered");
    assert_eq!(
        (
            &done["attempts"],
            &done["answerStatus"],
            endpoint.received().len()
        ),
        (&json!(3), &json!(204), 1)
    );
    faults(json!({ "webhooks": { "next": 1, "do": "fail" } }));
    let path = send_test(&app, &made);
    let lost = tried(&app, &path);
    assert_eq!(
        (lost.get("answerStatus"), &lost["error"]),
        (None, &json!("the endpoint cannot be reached (/dev/faults)"))
    );
    faults(json!({ "webhooks": { "next": 1, "do": 410 } }));
    let path = send_test(&app, &made);
    assert_eq!(
        wait_for(&app, &path, |delivery| delivery["state"] == "failed")["answerStatus"],
        410
    );
    assert_eq!(app.get(&path_of(&made)).json()["disabledReason"], "gone");
}

#[test]
fn faults_of_webhooks_let_mail_through_and_a_stall_ends_when_they_are_taken_back() {
    let app = dev();
    let endpoint = Endpoint::start();
    let silent = make_silent(&app, Some("globex"));
    let made = make(
        &app,
        &json!({ "url": endpoint.url(), "types": ["invitation.created"] }),
    );
    let fault = json!({ "webhooks": { "next": 1, "do": "stall" } }).to_string();
    assert_eq!(app.post("/dev/faults", &fault).status, 200);
    assert_eq!(app.invite_by_mail("acme", "a@b.co")["delivery"], "sent");
    let deadline = Instant::now() + Duration::from_secs(10);
    while app.get("/dev/faults").json() != json!({}) {
        assert!(Instant::now() < deadline, "the fault is not taken");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(app.request("DELETE", "/dev/faults").send().status, 204);
    let (rows, _) = page(&app, &log_of(&made));
    let path = format!(
        "{}/{}",
        log_of(&made),
        rows[0]["id"].as_str().expect("an id")
    );
    assert_eq!(
        tried(&app, &path)["error"],
        "the endpoint cannot be reached (/dev/faults)"
    );
    app.invite("acme", "b@b.co");
    assert_eq!(
        endpoint.wait(2).len(),
        2,
        "the next one says that the endpoint is back"
    );
    assert_eq!(app.get(&log_of(&silent)).text(), "[]");
}

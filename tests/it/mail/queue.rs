//! The queue of mail as an operator sees it: what waits, why, and trying it now.

use std::time::{Duration, Instant};

use invited::key::Scope;
use serde_json::{Value, json};

use super::{app, app_at, invite, wait_for, wait_until};
use crate::support::smtp::{Act, Smtp};
use crate::support::{Answer, TestApp, invitations};

/// A refusal for now.
const NOT_NOW: Act = Act::Answer("451 4.7.1 greylisted");

/// What waits, as the key sees it.
fn list(app: &TestApp, key: &str, query: &str) -> Vec<Value> {
    let path = format!("/v1/mail-queue{query}");
    let answer = app.anonymous("GET", &path).bearer(key).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().expect("an array").clone()
}

/// Waits until the queue has `count` mails in `state`. Returns the queue.
fn wait_queue(app: &TestApp, state: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let queue = list(app, &app.key, "?limit=1000");
        if queue.iter().filter(|mail| mail["state"] == state).count() == count {
            return queue;
        }
        assert!(Instant::now() < deadline, "{queue:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Has the key try what waits.
fn retry(app: &TestApp, key: &str, body: &Value) -> Answer {
    let request = app.anonymous("POST", "/v1/mail-queue/retry").bearer(key);
    request.json(body.to_string()).send()
}

/// Has everything tried; `count` mails must have waited.
fn retry_all(app: &TestApp, count: usize) {
    let answer = retry(app, &app.key, &json!({}));
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "retried": count }))
    );
}

#[test]
fn the_queue_shows_each_mail_that_waits_with_why() {
    let smtp = Smtp::start();
    smtp.script_for("ada@example.com", NOT_NOW);
    smtp.script_for("slow@example.org", Act::Stall);
    let app = app(&smtp, &["--remind-before", "2d"]);
    let refused = invite(&app, "ada@example.com", &json!({}));
    let waits = wait_for(&app, &refused, |now| now["deliveryAttempts"] == 1);
    let sent = invite(&app, "bob@example.com", &json!({}));
    wait_until(&app, &sent, "sent");
    let stalled = invite(&app, "slow@example.org", &json!({}));
    let queue = wait_queue(&app, "sending", 1);
    let common = |invitation: &Value, kind: &str, to: &str, state: &str| {
        json!({"invitationId": invitation["id"], "organizationId": "acme", "kind": kind, "to": to,
            "state": state, "attempts": 0, "queuedAt": "2026-11-23T02:43:00.123Z"})
    };
    let mut first = common(&refused, "invitation", "ada@example.com", "retrying");
    first["attempts"] = json!(1);
    first["dueAt"] = queue[0]["dueAt"].clone();
    first["error"] = waits["deliveryError"].clone();
    assert!(queue[0]["dueAt"].as_str() > Some("2026-11-23T02:43:04"));
    let mut second = common(&sent, "reminder", "bob@example.com", "scheduled");
    second["dueAt"] = json!("2026-11-28T02:43:00.123Z");
    let mut third = common(&stalled, "invitation", "slow@example.org", "sending");
    third["attempts"] = json!(1);
    assert_eq!(queue, [first, second, third]);
}

#[test]
fn mail_that_was_refused_for_now_goes_out_by_a_retry_at_once() {
    let smtp = Smtp::start();
    smtp.script(&[NOT_NOW, Act::Take]);
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    wait_queue(&app, "retrying", 1);
    retry_all(&app, 1);
    let sent = wait_until(&app, &made, "sent");
    assert_eq!(sent["deliveryAttempts"], 2);
    assert_eq!(list(&app, &app.key, ""), Vec::<Value>::new());
    retry_all(&app, 0);
}

#[test]
fn a_retry_probes_a_server_that_refused_the_login_at_once() {
    let smtp = Smtp::start();
    smtp.answer_logins("535 5.7.8 no");
    let url = format!("smtp://user:s3cretpass@{}?tls=none", smtp.address);
    let app = app_at(&url, &[]);
    for number in 0..20 {
        invite(&app, &format!("p{number}@example.com"), &json!({}));
    }
    let began = Instant::now();
    let is_tried = |queue: &[Value]| queue.iter().any(|mail| mail["state"] == "retrying");
    while !is_tried(&list(&app, &app.key, "?limit=1000")) {
        assert!(began.elapsed() < Duration::from_secs(30), "none is tried");
        std::thread::sleep(Duration::from_millis(10));
    }
    let queue = wait_queue(&app, "sending", 0);
    smtp.answer_logins("235 2.7.0 welcome");
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(smtp.received().len(), 0, "the next probe is a minute away");
    let tried = queue.iter().filter(|mail| mail["state"] == "retrying");
    retry_all(&app, tried.count());
    assert_eq!(smtp.wait(20).len(), 20);
}

#[test]
fn a_retry_leaves_what_was_not_tried_yet_for_its_time() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--remind-before", "2d"]);
    let made = invite(&app, "ada@example.com", &json!({}));
    wait_until(&app, &made, "sent");
    wait_queue(&app, "scheduled", 1);
    retry_all(&app, 0);
    assert_eq!(wait_queue(&app, "scheduled", 1).len(), 1);
}

#[test]
fn a_retry_is_narrowed_to_an_invitation_or_an_organization() {
    let smtp = Smtp::start();
    smtp.script(&[NOT_NOW; 3]);
    let app = app(&smtp, &[]);
    let one = invite(&app, "a@one.example", &json!({}));
    invite(&app, "b@two.example", &json!({}));
    let other = app.invite("globex", "c@three.example");
    wait_queue(&app, "retrying", 3);
    let found = retry(&app, &app.key, &json!({"invitationId": one["id"]}));
    assert_eq!(found.json(), json!({"retried": 1}));
    wait_until(&app, &one, "sent");
    let both = json!({"invitationId": other["id"], "organizationId": "acme"});
    assert_eq!(retry(&app, &app.key, &both).json(), json!({"retried": 0}));
    let nobody = json!({"organizationId": "nobody"});
    assert_eq!(retry(&app, &app.key, &nobody).json(), json!({"retried": 0}));
    let globex = json!({"organizationId": "globex"});
    assert_eq!(retry(&app, &app.key, &globex).json(), json!({"retried": 1}));
    assert_eq!(smtp.wait(2).len(), 2);
    assert_eq!(wait_queue(&app, "retrying", 1)[0]["to"], "b@two.example");
}

#[test]
fn a_key_that_is_bound_to_organizations_sees_and_retries_only_theirs() {
    let smtp = Smtp::start();
    smtp.script(&[NOT_NOW; 2]);
    let app = app(&smtp, &[]);
    let foreign = invite(&app, "a@one.example", &json!({}));
    let own = app.invite("globex", "c@three.example");
    wait_queue(&app, "retrying", 2);
    let bound = app.key(&[Scope::Admin], &["globex"], None);
    let seen = list(&app, &bound, "");
    assert_eq!((seen.len(), &seen[0]["invitationId"]), (1, &own["id"]));
    assert!(list(&app, &bound, "?organizationId=acme").is_empty());
    for body in [
        json!({"organizationId": "acme"}),
        json!({"invitationId": foreign["id"]}),
    ] {
        let answer = retry(&app, &bound, &body);
        assert_eq!(answer.json(), json!({"retried": 0}), "{body}");
    }
    assert_eq!(
        retry(&app, &bound, &json!({})).json(),
        json!({"retried": 1})
    );
    assert_eq!(smtp.wait(1).len(), 1);
    let reader = app.key(&[Scope::Read, Scope::Write], &[], None);
    assert_eq!(retry(&app, &reader, &json!({})).status, 403);
    let queue = app.anonymous("GET", "/v1/mail-queue").bearer(&reader);
    assert_eq!(queue.send().status, 403);
}

#[test]
fn the_queue_comes_in_pages_that_have_each_mail_once() {
    let smtp = Smtp::start();
    let gone = smtp.url();
    drop(smtp);
    let app = app_at(&gone, &[]);
    for number in 0..7 {
        app.invite("acme", &format!("p{number}@example.com"));
        app.invite("globex", &format!("p{number}@example.com"));
    }
    for (filter, expected) in [("", 14), ("organizationId=globex&", 7)] {
        let mut path = format!("/v1/mail-queue?{filter}limit=3");
        let mut seen = Vec::new();
        loop {
            let page = app.get(&path);
            let mails = page.json();
            seen.extend(mails.as_array().expect("an array").iter().map(|mail| {
                let id = mail["invitationId"].as_str().expect("an id");
                id.to_owned()
            }));
            let Some(link) = page.header("link") else {
                break;
            };
            let next = link.trim_start_matches("<http://invited.test");
            path = next.split('>').next().expect("a URL").to_owned();
        }
        assert_eq!(seen.len(), expected, "{filter}");
        assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    }
    for (query, status) in [
        ("limit=0", 422),
        ("organizationId=a%20b", 422),
        ("cursor=x", 400),
        ("state=ready", 400),
    ] {
        let answer = app.get(&format!("/v1/mail-queue?{query}"));
        assert_eq!(answer.status, status, "{query}");
    }
}

#[test]
fn a_retry_refuses_what_is_no_id_and_takes_no_body_at_all() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    for (body, status) in [
        (json!({"invitationId": "x"}), 422),
        (json!({"organizationId": "a b"}), 422),
        (json!({"invitationId": 7}), 400),
        (json!({"all": true}), 400),
        (json!({"invitationId": null}), 200),
    ] {
        assert_eq!(retry(&app, &app.key, &body).status, status, "{body}");
    }
    let empty = app.request("POST", "/v1/mail-queue/retry").send();
    assert_eq!((empty.status, empty.json()), (200, json!({"retried": 0})));
}

#[test]
fn an_organization_that_goes_takes_its_mail_out_of_the_queue() {
    let smtp = Smtp::start();
    smtp.script(&[NOT_NOW]);
    let app = app(&smtp, &[]);
    invite(&app, "a@one.example", &json!({}));
    wait_queue(&app, "retrying", 1);
    let gone = app.request("DELETE", "/v1/organizations/acme").send();
    assert!(gone.status < 300, "{}", gone.text());
    assert_eq!(app.get("/v1/mail-queue").text(), "[]");
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
}

//! Deliveries that fail on purpose, and what becomes of the mail.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::{TestApp, invitation};

/// A server for development.
fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

/// Asks for faults; it must work. Returns what is to come.
fn set(app: &TestApp, body: &Value) -> Value {
    let answer = app.post("/dev/faults", &body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Waits until `is_so` holds of an invitation; answers it.
fn wait_for(app: &TestApp, made: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = app.get(&invitation("acme", &made["id"])).json();
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{found}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many mails were kept.
fn kept(app: &TestApp) -> usize {
    app.get("/dev/mailbox")
        .json()
        .as_array()
        .map_or(0, Vec::len)
}

#[test]
fn the_next_mails_cannot_be_delivered_and_are_tried_again() {
    let app = dev();
    set(&app, &json!({ "mail": { "next": 2, "do": "fail" } }));
    let made = app.invite("acme", "a@b.co");
    let failed = wait_for(&app, &made, |found| found["deliveryAttempts"] == 1);
    assert_eq!((&failed["delivery"], kept(&app)), (&json!("queued"), 0));
    assert!(
        failed["deliveryError"]
            .as_str()
            .is_some_and(|error| error.contains("cannot be reached")),
        "{failed}"
    );
    assert_eq!(
        app.get("/dev/faults").json(),
        json!({ "mail": { "next": 1, "do": "fail" } })
    );
    app.advance_to(60_000);
    wait_for(&app, &made, |found| found["deliveryAttempts"] == 2);
    assert_eq!(app.get("/dev/faults").json(), json!({}));
    app.advance_to(120_000);
    wait_for(&app, &made, |found| found["delivery"] == "sent");
    assert_eq!(kept(&app), 1);
}

#[test]
fn a_code_of_the_four_hundreds_puts_mail_off_and_one_of_the_five_hundreds_ends_it() {
    let app = dev();
    set(&app, &json!({ "mail": { "next": 1, "do": 451 } }));
    let later = app.invite("acme", "later@b.co");
    let put_off = wait_for(&app, &later, |found| found["deliveryAttempts"] == 1);
    assert_eq!(put_off["delivery"], "queued");
    assert!(
        put_off["deliveryError"]
            .as_str()
            .is_some_and(|error| error.contains("451")),
        "{put_off}"
    );
    set(&app, &json!({ "mail": { "next": 1, "do": 550 } }));
    let never = app.invite("acme", "never@b.co");
    let refused = wait_for(&app, &never, |found| found["delivery"] == "failed");
    assert!(
        refused["deliveryError"]
            .as_str()
            .is_some_and(|error| error.contains("550")),
        "{refused}"
    );
    app.advance_to(24 * 3_600_000);
    wait_for(&app, &later, |found| found["delivery"] == "sent");
    assert_eq!(
        app.get(&invitation("acme", &never["id"])).json()["delivery"],
        "failed"
    );
    assert_eq!(kept(&app), 1);
}

#[test]
fn a_stalled_mail_holds_up_no_other_and_goes_on_when_the_faults_are_taken_back() {
    let app = dev();
    set(&app, &json!({ "mail": { "next": 1, "do": "stall" } }));
    let stalled = app.invite("acme", "a@b.co");
    let deadline = Instant::now() + Duration::from_secs(5);
    while app.get("/dev/faults").json() != json!({}) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    let other = app.invite("acme", "b@b.co");
    wait_for(&app, &other, |found| found["delivery"] == "sent");
    assert_eq!(
        app.get(&invitation("acme", &stalled["id"])).json()["delivery"],
        "queued"
    );
    let start = Instant::now();
    assert_eq!(app.request("DELETE", "/dev/faults").send().status, 204);
    let failed = wait_for(&app, &stalled, |found| found["deliveryAttempts"] == 1);
    assert!(start.elapsed() < Duration::from_secs(5), "{failed}");
}

#[test]
fn a_server_that_stops_does_not_wait_for_a_stall() {
    let mut app = dev();
    set(&app, &json!({ "mail": { "next": 5, "do": "stall" } }));
    let made = app.invite("acme", "a@b.co");
    let deadline = Instant::now() + Duration::from_secs(5);
    while app.get("/dev/faults").json()["mail"]["next"] == 5 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    let start = Instant::now();
    app.restart();
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        app.get("/dev/faults").json(),
        json!({}),
        "faults end with the server"
    );
    app.advance_to(60_000);
    wait_for(&app, &made, |found| found["delivery"] == "sent");
}

#[test]
fn each_target_has_its_own_faults_and_a_reset_takes_all_back() {
    let app = dev();
    assert_eq!(app.get("/dev/faults").json(), json!({}));
    let mail = json!({ "next": 1000, "do": "fail" });
    let webhooks = json!({ "next": 1, "do": 503 });
    assert_eq!(set(&app, &json!({ "mail": mail })), json!({ "mail": mail }));
    let both = json!({ "mail": mail, "webhooks": webhooks });
    assert_eq!(
        set(&app, &json!({ "webhooks": webhooks, "mail": null })),
        both
    );
    assert_eq!(app.get("/dev/faults").json(), both);
    let stall = json!({ "next": 2, "do": "stall" });
    assert_eq!(set(&app, &json!({ "webhooks": stall }))["webhooks"], stall);
    assert_eq!(app.post("/dev/reset", "{}").status, 204);
    assert_eq!(app.get("/dev/faults").json(), json!({}));
    let made = app.invite("acme", "a@b.co");
    wait_for(&app, &made, |found| found["delivery"] == "sent");
}

#[test]
fn faults_that_cannot_be_are_refused_with_all_that_is_wrong_and_change_nothing() {
    let app = dev();
    let before = set(&app, &json!({ "mail": { "next": 7, "do": 421 } }));
    let wrong = |body: &str| {
        let answer = app.post("/dev/faults", body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        let errors = answer.json()["errors"].as_array().expect("errors").clone();
        errors
            .iter()
            .map(|error| format!("{} {}", error["pointer"], error["code"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(wrong("{}"), ["/mail required"]);
    assert_eq!(wrong(r#"{"mail":null}"#), ["/mail required"]);
    assert_eq!(
        wrong(r#"{"mail":{},"webhooks":{"next":0,"do":"nothing"}}"#),
        [
            "/mail/next required",
            "/mail/do required",
            "/webhooks/next out_of_range",
            "/webhooks/do unknown_value"
        ]
    );
    for (next, fault) in [
        ("1001", "\"fail\""),
        ("-1", "\"stall\""),
        ("1", "399"),
        ("1", "600"),
        ("1", "-451"),
    ] {
        assert_eq!(
            wrong(&format!(r#"{{"mail":{{"next":{next},"do":{fault}}}}}"#)).len(),
            1,
            "{next} {fault}"
        );
    }
    for body in [
        r#"{"mail":{"next":"3","do":"fail"}}"#,
        r#"{"mail":{"next":1,"do":4.5}}"#,
        r#"{"mail":{"next":1,"do":[]}}"#,
        "[]",
    ] {
        assert_eq!(
            app.post("/dev/faults", body).code(),
            "invalid_json",
            "{body}"
        );
    }
    assert_eq!(
        app.post(
            "/dev/faults",
            r#"{"mail":{"next":1,"do":"fail","for":"5s"}}"#
        )
        .code(),
        "unknown_field"
    );
    assert_eq!(
        app.post("/dev/faults", r#"{"sms":{"next":1,"do":"fail"}}"#)
            .code(),
        "unknown_field"
    );
    assert_eq!(app.get("/dev/faults").json(), before);
}

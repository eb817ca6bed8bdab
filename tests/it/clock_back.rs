//! A clock that is set back holds up nothing for as long as the jump.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::endpoint::{Act, Endpoint};
use crate::support::{TestApp, invitation};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// How far a clock goes back here.
const JUMPS: [i64; 3] = [2 * MINUTE, 30 * DAY, 366 * DAY];

/// A server for development.
fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

/// Has the next `count` deliveries of both kinds fail.
fn fail(app: &TestApp, count: u32) {
    let fault = json!({ "next": count, "do": "fail" });
    let answer = app.post(
        "/dev/faults",
        &json!({ "mail": fault, "webhooks": fault }).to_string(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Waits until `is_so` holds of what `look` finds, for half a minute: the clock of the server stands
/// still meanwhile.
fn soon<T: std::fmt::Debug>(look: impl Fn() -> T, is_so: impl Fn(&T) -> bool) -> T {
    let start = Instant::now();
    loop {
        let found = look();
        if is_so(&found) {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{found:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An invitation as it is now.
fn look(app: &TestApp, made: &Value) -> Value {
    app.get(&invitation("acme", &made["id"])).json()
}

/// A webhook of acme to `endpoint`.
fn webhook(app: &TestApp, endpoint: &Endpoint) {
    let body = json!({ "url": endpoint.url(), "organizationId": "acme" });
    assert_eq!(app.post("/v1/webhooks", &body.to_string()).status, 201);
}

#[test]
fn a_mail_that_waits_for_its_next_try_goes_out_at_once_when_the_clock_is_set_back() {
    for jump in JUMPS {
        for failures in [1, 2, 3] {
            let app = dev();
            fail(&app, failures);
            let made = app.invite("acme", "a@b.co");
            for tries in 1..=failures {
                soon(
                    || look(&app, &made),
                    |found| found["deliveryAttempts"] == tries,
                );
                if tries < failures {
                    app.advance_to(i64::from(tries) * MINUTE);
                }
            }
            app.clock.set(app.clock.now().plus_seconds(-jump / 1000));
            soon(|| look(&app, &made), |found| found["delivery"] == "sent");
        }
    }
}

#[test]
fn a_webhook_that_waits_for_its_next_try_is_called_at_once_when_the_clock_is_set_back() {
    for jump in JUMPS {
        let (app, endpoint) = (dev(), Endpoint::that_does(Act::Status(204)));
        webhook(&app, &endpoint);
        endpoint.script(&[Act::Status(500)]);
        app.invite("acme", "a@b.co");
        soon(|| endpoint.received().len(), |count| *count == 1);
        let waits = || {
            app.db_rows(
                "select state from webhook_delivery where lane is not null and attempts = 1",
            )
            .len()
        };
        soon(waits, |count| *count == 1);
        app.clock.set(app.clock.now().plus_seconds(-jump / 1000));
        soon(|| endpoint.received().len(), |count| *count == 2);
    }
}

#[test]
fn what_waits_no_longer_than_its_plan_keeps_waiting_when_the_clock_is_set_back_a_little() {
    let (app, endpoint) = (dev(), Endpoint::that_does(Act::Status(500)));
    webhook(&app, &endpoint);
    app.invite("acme", "a@b.co");
    for tries in 1..=2 {
        soon(|| endpoint.received().len(), |count| *count == tries);
        let waits = format!(
            "select id from webhook_delivery where lane is not null and attempts = {tries}"
        );
        soon(|| app.db_rows(&waits).len(), |count| *count == 1);
        if tries == 1 {
            app.advance_to(10_000);
        }
    }
    // The third try comes five minutes later, give or take one.
    app.clock.set(app.clock.now().plus_seconds(-2));
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(endpoint.received().len(), 2);
}

#[test]
fn what_was_lost_comes_again_two_minutes_after_the_clock_is_set_back() {
    for jump in JUMPS {
        let (app, endpoint) = (dev(), Endpoint::that_does(Act::Status(204)));
        webhook(&app, &endpoint);
        fail(&app, 1);
        let made = app.invite("acme", "a@b.co");
        soon(|| look(&app, &made), |found| found["deliveryAttempts"] == 1);
        let waits = || {
            app.db_rows("select id from webhook_delivery where lane is not null and attempts = 1")
                .len()
        };
        soon(waits, |count| *count == 1);
        // As deliveries whose threads broke off.
        let now = app.clock.now();
        let lose = |tx: &invited::db::WriteTx<'_>| {
            let until = now.plus_seconds(120).as_millis();
            let set = "set lane = null, lease = 7, due_at = ?1";
            Ok(tx.execute(&format!("update mail {set}"), [until])?
                + tx.execute(
                    &format!("update webhook_delivery {set} where state = 0"),
                    [until],
                )?)
        };
        assert_eq!(invited::db::write_file(&app.database, lose), Ok(2));
        let back = now.plus_seconds(-jump / 1000);
        app.clock.set(back);
        let leased_until = format!(
            "select 1 from mail, webhook_delivery
            where mail.due_at = webhook_delivery.due_at and mail.due_at = {}",
            back.plus_seconds(120).as_millis()
        );
        soon(|| app.db_rows(&leased_until).len(), |count| *count == 1);
        assert_eq!(endpoint.received().len(), 0);
        app.clock.set(back.plus_seconds(120));
        soon(|| look(&app, &made), |found| found["delivery"] == "sent");
        soon(|| endpoint.received().len(), |count| *count == 1);
    }
}

#[test]
fn what_a_clock_put_off_for_too_long_goes_out_at_the_next_start() {
    for jump in JUMPS {
        let (mut app, endpoint) = (dev(), Endpoint::that_does(Act::Status(204)));
        webhook(&app, &endpoint);
        fail(&app, 1);
        let made = app.invite("acme", "a@b.co");
        soon(|| look(&app, &made), |found| found["deliveryAttempts"] == 1);
        let waits = || {
            app.db_rows("select id from webhook_delivery where lane is not null and attempts = 1")
                .len()
        };
        soon(waits, |count| *count == 1);
        let conn = rusqlite::Connection::open(&app.database).expect("it opens");
        // As a process whose clock was ahead by so much has left them.
        for table in ["mail", "webhook_delivery where state = 0"] {
            let (table, condition) = table.split_once(" where ").unwrap_or((table, "true"));
            let sql = format!("update {table} set due_at = due_at + {jump} where {condition}");
            assert_eq!(conn.execute(&sql, []).expect("it is changed"), 1);
        }
        drop(conn);
        app.restart();
        soon(|| look(&app, &made), |found| found["delivery"] == "sent");
        soon(|| endpoint.received().len(), |count| *count == 1);
    }
}

#[test]
fn a_reminder_comes_no_earlier_for_a_clock_that_is_set_back() {
    for jump in JUMPS {
        let app = TestApp::start(Mode::Dev, &["--remind-before", "1h"]);
        app.invite_by_mail("acme", "a@b.co");
        let reminder = "select due_at from mail where kind = 2 and attempts = 0";
        soon(|| app.db_rows(reminder).len(), |count| *count == 1);
        let due = app.contents()["mail"].clone();
        app.clock.set(app.clock.now().plus_seconds(-jump / 1000));
        std::thread::sleep(Duration::from_millis(1_200));
        assert_eq!(app.contents()["mail"], due);
        assert_eq!(
            app.get("/dev/mailbox").json().as_array().map(Vec::len),
            Some(1),
            "the invitation alone"
        );
    }
}

#[test]
fn an_invitation_can_be_sent_again_at_once_when_the_clock_was_ahead() {
    for jump in JUMPS {
        let app = TestApp::start(Mode::Dev, &["--resend-cooldown", "60s"]);
        let made = app.invite_by_mail("acme", "a@b.co");
        assert_eq!(app.change(&made, "resend", &json!({})).status, 429);
        app.clock.set(app.clock.now().plus_seconds(-jump / 1000));
        assert_eq!(
            app.change(&made, "resend", &json!({})).status,
            200,
            "{jump}"
        );
        assert_eq!(
            app.change(&made, "resend", &json!({})).status,
            429,
            "{jump}"
        );
    }
}

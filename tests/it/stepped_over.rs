//! A damaged row holds up nothing else of what goes on behind requests.

use std::path::Path;
use std::time::{Duration, Instant};

use invited::base::clock::{Clock, Timestamp};
use invited::base::ids::Ids;
use invited::base::mode::Mode;
use invited::db::{Db, Options, Synchronous};
use invited::retention::{self, Retention};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::damage::{damage, damage_rows};
use crate::support::endpoint::{Act, Endpoint};
use crate::support::{START, TestApp, invitation};

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Waits until `is_so`, for ten seconds.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Puts accepted invitations that were closed long ago into `database`, which are in the table in
/// the order of `organizations`, so many in each.
fn fill(database: &Path, organizations: &[(&str, usize)]) {
    let conn = Connection::open(database).expect("it opens");
    for (organization, count) in organizations {
        let sql = format!(
            "begin immediate;
             insert into organization values ('{organization}', null, 0, 0);
             with recursive n (x) as (select 1 union all select x + 1 from n where x < {count})
             insert into invitation (organization_id, id, email, role, state, created_at,
             expires_at, updated_at, closed_at)
             select '{organization}', randomblob(16), 'p' || x || '@b.co', 'developer', 1, 0, 0, 0,
             0 from n;
             commit"
        );
        conn.execute_batch(&sql).expect("it fills");
    }
}

/// Changes a file in ways that no command of ours would.
fn change(database: &Path, sql: &str) {
    let conn = Connection::open(database).expect("it opens");
    conn.execute_batch(&format!(
        "pragma foreign_keys = off; pragma ignore_check_constraints = on; {sql}"
    ))
    .expect("good SQL");
}

#[test]
fn retention_deletes_what_is_due_before_and_behind_damaged_rows() {
    // More than one read looks at.
    let many = 1_005;
    for (change_of_b, stay) in [
        (
            "update invitation set id = randomblob(15) where organization_id = 'b'",
            many,
        ),
        (
            "update invitation set state = 300 where organization_id = 'b'",
            many,
        ),
        (
            "update invitation set organization_id = cast(x'62ff' as text) where organization_id = 'b'",
            many,
        ),
        // The history of the organization takes no event.
        (
            "update event set chain = x'00' where organization_id = 'b'",
            many,
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("invited.db");
        let options = Options {
            workers: 1,
            synchronous: Synchronous::Full,
            clock: Clock::manual(Timestamp::from_millis(START + 2 * DAY)),
            ids: Ids::Random,
        };
        let db = Db::open(&path, &options).expect("it opens");
        fill(&path, &[("a", 3), ("b", many), ("c", 3)]);
        change(
            &path,
            "insert into event (organization_id, id, position, chain, type, actor, request_id,
             created_at, seals) values ('b', randomblob(16), 1, randomblob(32), 'x', 'x', 'x', 0, x'')",
        );
        change(&path, change_of_b);
        invited::server::block_on(async {
            let keep = Retention { days: 1 };
            let deleted = retention::sweep(&db, keep).await.expect("a pass");
            assert_eq!(deleted, 6, "{change_of_b}");
        });
        let conn = Connection::open(&path).expect("it opens");
        let left = conn.query_row("select count(*) from invitation", [], |row| row.get(0));
        let left: i64 = left.expect("a count");
        assert_eq!(left, i64::try_from(stay).expect("a few"), "{change_of_b}");
    }
}

/// A server for development with three invitations, each of an organization of its own, whose mail
/// waits since nobody could be reached.
fn with_waiting_mail() -> (TestApp, [Value; 3]) {
    let app = TestApp::start(Mode::Dev, &[]);
    let faults = json!({ "mail": { "next": 1000, "do": "fail" } }).to_string();
    assert_eq!(app.post("/dev/faults", &faults).status, 200);
    let made = ["acme", "globex", "initech"].map(|name| app.invite(name, "a@b.co"));
    // Behind a mail server that cannot be reached the others need not be tried.
    let tried = "select 1 from mail where attempts > 0 and lease is null";
    until("one is tried", || !app.db_rows(tried).is_empty());
    (app, made)
}

/// How far the mail of an invitation is.
fn delivery(app: &TestApp, made: &Value) -> Value {
    let organization = made["organizationId"].as_str().expect("an id");
    app.get(&invitation(organization, &made["id"])).json()["delivery"].clone()
}

#[test]
fn a_mail_whose_end_cannot_be_recorded_holds_up_no_other_and_goes_out_once() {
    let (app, made) = with_waiting_mail();
    let last = "(select max(rowid) from event where organization_id = 'acme')";
    damage(
        &app.database,
        &format!("update event set chain = x'00' where rowid = {last}"),
    );
    let faults = json!({ "mail": { "next": 1000, "do": 550 } }).to_string();
    assert_eq!(app.post("/dev/faults", &faults).status, 200);
    app.clock.set(app.clock.now().plus_seconds(3_600));
    for one in &made[1..] {
        until("its history says so", || delivery(&app, one) == "failed");
    }
    until("all have left the queue", || {
        app.db_rows("select 1 from mail").is_empty()
    });
    assert_eq!(app.request("DELETE", "/dev/faults").send().status, 204);
    let more = app.invite("umbrella", "b@b.co");
    until("mail goes on", || delivery(&app, &more) == "sent");
}

#[test]
fn a_mail_of_no_known_kind_holds_up_no_other() {
    for kind in [9, 300, -1] {
        let (app, made) = with_waiting_mail();
        damage(
            &app.database,
            &format!("update mail set kind = {kind} where organization_id = 'acme'"),
        );
        assert_eq!(app.request("DELETE", "/dev/faults").send().status, 204);
        app.clock.set(app.clock.now().plus_seconds(3_600));
        for one in &made[1..] {
            until("it is sent", || delivery(&app, one) == "sent");
        }
        assert_eq!(app.db_rows("select 1 from mail").len(), 1);
    }
}

#[test]
fn a_damaged_delivery_holds_up_no_other() {
    let endpoint = Endpoint::that_does(Act::Status(204));
    let app = TestApp::start(Mode::Dev, &[]);
    let body = json!({ "url": endpoint.url() }).to_string();
    assert_eq!(app.post("/v1/webhooks", &body).status, 201);
    let faults = json!({ "webhooks": { "next": 3, "do": 503 } }).to_string();
    assert_eq!(app.post("/dev/faults", &faults).status, 200);
    for name in ["acme", "globex", "initech"] {
        app.invite(name, "a@b.co");
    }
    let tried = "select 1 from webhook_delivery where attempts > 0 and lease is null and state = 0";
    until("each is tried", || app.db_rows(tried).len() == 3);
    let change = "organization_id = cast(x'80' as text) where organization_id = 'acme'";
    assert_eq!(
        damage_rows(
            &app.database,
            &format!("update webhook_delivery set {change}")
        ),
        1
    );
    app.clock.set(app.clock.now().plus_seconds(3_600));
    until("the others are told", || endpoint.received().len() == 2);
}

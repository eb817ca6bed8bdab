//! Snapshots: what a restore puts back, what it leaves, and how many there are.

use std::time::Instant;

use invited::key::Scope;
use serde_json::{Value, json};

use super::dev;
use crate::sse::reader::{Reader, Said};
use crate::support::process::measured;
use crate::support::{TestApp, invitation, invitations};

/// Takes a snapshot. Returns its id.
fn take(app: &TestApp) -> String {
    let answer = app.post("/dev/snapshot", "{}");
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Goes back to the snapshot with this id.
fn restore(app: &TestApp, id: &str) {
    let answer = app.post("/dev/restore", &json!({ "id": id }).to_string());
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
}

/// All rows of all tables, and what is outside of the file.
fn everything(app: &TestApp) -> Vec<Value> {
    let tables = app.db_rows(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' \
         order by name",
    );
    let name = |row: &Vec<String>| {
        row[0]
            .trim_start_matches("Some(")
            .trim_matches([')', '"'])
            .to_owned()
    };
    let mut all: Vec<_> = tables
        .iter()
        .map(name)
        .map(|table| {
            let columns = app.db_rows(&format!("select name from pragma_table_xinfo('{table}')"));
            let quoted: Vec<_> = columns
                .iter()
                .map(|row| format!("quote({})", name(row)))
                .collect();
            let rows = format!("select {} from {table} order by 1", quoted.join("||','||"));
            json!([table, app.db_rows(&rows)])
        })
        .collect();
    all.extend(["/dev/clock", "/dev/faults"].map(|path| app.get(path).json()));
    all
}

#[test]
fn a_restore_puts_every_row_the_clock_and_the_faults_back() {
    let app = dev();
    app.fill_with_samples();
    let path = invitations("acme");
    let body = r#"{"email":"kept@b.co","role":"developer"}"#;
    let create = || {
        let request = app.anonymous("POST", &path).header("Idempotency-Key", "k");
        request.json(body).send()
    };
    let first = create();
    assert_eq!(first.status, 201);
    app.delivered(&invitation("acme", &first.json()["id"]));
    app.key(&[Scope::Read], &[], None);
    app.post("/dev/faults", r#"{"webhooks":{"next":3,"do":503}}"#);
    app.advance_to(5_000);
    let before = everything(&app);
    let filled = before.iter().filter(|table| table[1] != json!([])).count();
    assert!(filled >= 7, "{before:?}");
    let snapshot = take(&app);

    app.invite_by_mail("acme", "late@b.co");
    app.post("/dev/faults", r#"{"mail":{"next":1,"do":"fail"}}"#);
    app.post("/dev/clock", r#"{"advance":"8d"}"#);
    assert_eq!(app.post("/dev/seed", r#"{"organizations":[]}"#).status, 200);
    assert_ne!(everything(&app), before);

    restore(&app, &snapshot);
    assert_eq!(everything(&app), before);
    assert_eq!(app.db_rows("pragma foreign_key_check").len(), 0);
    assert_eq!(app.db_rows("pragma integrity_check").len(), 1);
    let again = create();
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (201, Some("true"))
    );
    assert_eq!(again.json(), first.json());
    app.post("/dev/reset", "{}");
    restore(&app, &snapshot);
    assert_eq!(
        everything(&app),
        before,
        "a snapshot is there after a reset"
    );
}

#[test]
fn a_clock_that_ran_runs_again() {
    let app = dev();
    app.post("/dev/clock", r#"{"free":true}"#);
    let snapshot = take(&app);
    app.post("/dev/clock", r#"{"set":"2030-01-01T00:00:00Z"}"#);
    restore(&app, &snapshot);
    assert_eq!(app.get("/dev/clock").json()["frozen"], false);
}

#[test]
fn ids_that_are_made_after_a_restore_are_greater_than_all_before() {
    let app = dev();
    let snapshot = take(&app);
    let before = app.invite("acme", "a@b.co");
    restore(&app, &snapshot);
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
    let after = app.invite("acme", "a@b.co");
    assert!(after["id"].as_str() > before["id"].as_str());
}

#[test]
fn mail_that_waited_in_a_snapshot_goes_out_after_its_restore() {
    let app = dev();
    app.post("/dev/faults", r#"{"mail":{"next":1,"do":"stall"}}"#);
    let invited = app.invite("acme", "a@b.co");
    let path = invitation("acme", &invited["id"]);
    while app.get(&path).json()["deliveryAttempts"] != 1 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let snapshot = take(&app);
    app.post("/dev/seed", r#"{"organizations":[]}"#);
    restore(&app, &snapshot);
    app.post("/dev/clock", r#"{"advance":"1h"}"#);
    assert_eq!(app.delivered(&path)["delivery"], "sent");
}

#[test]
fn a_restore_ends_streams_of_events() {
    let app = dev();
    app.invite("acme", "a@b.co");
    let snapshot = take(&app);
    let mut stream = Reader::of(&app);
    restore(&app, &snapshot);
    assert_eq!(stream.next(), Said::End);
}

#[test]
fn the_newest_twenty_snapshots_are_kept_newest_first() {
    let app = dev();
    let mut taken: Vec<_> = (0..21).map(|_| take(&app)).collect();
    let oldest = taken.remove(0);
    taken.reverse();
    let list = app.get("/dev/snapshots").json();
    let ids: Vec<_> = list.as_array().expect("an array").iter().collect();
    let ids: Vec<_> = ids
        .iter()
        .map(|one| one["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids, taken);
    assert_eq!(list[0]["createdAt"], "2026-11-23T02:43:00.123Z");
    let gone = app.post("/dev/restore", &json!({ "id": oldest }).to_string());
    assert_eq!(
        (gone.status, gone.json()["errors"][0]["code"].clone()),
        (422, json!("unknown_value"))
    );
}

#[test]
fn a_restore_of_no_snapshot_is_refused_and_changes_nothing() {
    let app = dev();
    app.invite_by_mail("acme", "a@b.co");
    take(&app);
    let before = everything(&app);
    for (body, status) in [
        ("{}", 422),
        (r#"{"id":null}"#, 422),
        (r#"{"id":""}"#, 422),
        (r#"{"id":"00000000-0000-4000-8000-000000000000"}"#, 422),
        (r#"{"id":1}"#, 400),
        (r#"{"name":"x"}"#, 400),
    ] {
        assert_eq!(app.post("/dev/restore", body).status, status, "{body}");
    }
    assert_eq!(everything(&app), before);
}

#[test]
fn a_snapshot_and_a_restore_of_a_small_file_take_no_time() {
    let app = dev();
    app.fill_with_samples();
    // Other tests run beside this one, so the best of ten counts.
    let best = |act: &mut dyn FnMut()| {
        let times = (0..10).map(|_| {
            let start = Instant::now();
            act();
            start.elapsed()
        });
        times.min().unwrap_or_default()
    };
    let mut id = String::new();
    let taken = best(&mut || id = take(&app));
    let restored = best(&mut || restore(&app, &id));
    measured(format!("a snapshot {taken:?}, a restore {restored:?}"));
    for took in [taken, restored] {
        assert!(took.as_millis() < 100, "{took:?}");
    }
}

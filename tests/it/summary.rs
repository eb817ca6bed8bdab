//! The figures of an organization's invitations.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{START, TestApp, invitation, invitations};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// The figures of `organization`.
fn summary(app: &TestApp, organization: &str) -> Value {
    let answer = app.get(&format!("{}/summary", invitations(organization)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The days on which anything happened, each with what.
fn busy_days(summary: &Value) -> Vec<(String, u64, u64)> {
    let days = summary["days"].as_array().expect("days");
    let counts = |day: &Value| {
        (
            day["day"].as_str().expect("a day").to_owned(),
            day["invited"].as_u64().expect("a count"),
            day["accepted"].as_u64().expect("a count"),
        )
    };
    let is_busy = |(_, invited, accepted): &(String, u64, u64)| invited + accepted > 0;
    days.iter().map(counts).filter(is_busy).collect()
}

/// Changes the file of `app` beside it.
fn set(app: &TestApp, sql: &'static str) {
    invited::db::write_file(&app.database, move |tx| Ok(tx.execute(sql, [])?)).expect("it writes");
}

/// Inserts `count` invitations to acme, all accepted a second after they were made.
fn insert_many(app: &TestApp, count: u128) {
    invited::db::write_file(&app.database, |tx| {
        tx.execute(
            "insert or ignore into organization values ('acme', null, 0, 0)",
            [],
        )?;
        let mut insert = tx.prepare(
            "insert into invitation (organization_id, id, email, role, state, created_at,
               expires_at, updated_at, closed_at)
             values ('acme', ?1, ?2, 'member', 1, ?3, 9e15, 0, ?3 + 1000)",
        )?;
        for number in 0..count {
            let id = Uuid::from_u128((7 << 76) | (2 << 62) | number << 80);
            insert.execute((id.as_bytes(), format!("p{number}@b.co"), START))?;
        }
        Ok(())
    })
    .expect("it writes");
}

/// Joins acme as who is invited by `made`.
fn accept(app: &TestApp, made: &Value) {
    let joined = app.change(made, "accept", &json!({ "email": made["email"] }));
    assert_eq!(joined.status, 200, "{}", joined.text());
}

#[test]
fn every_invitation_is_counted_where_it_stands_and_pending_ones_by_their_mail() {
    let app = TestApp::serve();
    let body = json!({ "email": "lapsed@b.co", "role": "r", "expiresIn": 60 });
    assert_eq!(
        app.post(&invitations("acme"), &body.to_string()).status,
        201
    );
    let made: Vec<_> = (0..9)
        .map(|place| app.invite("acme", &format!("p{place}@b.co")))
        .collect();
    app.advance_to(60_000);
    accept(&app, &made[0]);
    app.change(&made[1], "revoke", &json!({}));
    app.change(&made[2], "revoke", &json!({}));
    let gone = app.request("DELETE", &invitation("acme", &made[3]["id"]));
    assert_eq!(gone.send().status, 204);
    let token = json!({ "token": app.mailed_token_of(&made[4]) });
    assert_eq!(app.person("decline", &token).status, 200);
    app.invite("globex", "p0@b.co");
    // Of those that are not pending it does not count.
    set(&app, "update invitation set delivery = 4 where state > 0");
    set(
        &app,
        "update invitation set delivery = 2 where email in ('p5@b.co', 'p6@b.co')",
    );
    set(
        &app,
        "update invitation set delivery = 3 where email = 'p7@b.co'",
    );
    let found = summary(&app, "acme");
    assert_eq!(found["isExact"], true);
    assert_eq!(
        found["statuses"],
        json!({ "pending": 4, "accepted": 1, "declined": 1, "revoked": 2, "expired": 1 })
    );
    assert_eq!(
        found["pendingDeliveries"],
        json!({ "none": 1, "queued": 0, "sent": 2, "failed": 1, "bounced": 0 })
    );
    assert_eq!(found["medianAcceptanceMs"], 60_000);
    assert_eq!(summary(&app, "globex")["statuses"]["pending"], 1);
}

#[test]
fn an_organization_that_is_not_known_has_zeros_for_ninety_days_and_no_median() {
    let app = TestApp::serve();
    let found = summary(&app, "nobody");
    assert_eq!(found["isExact"], true);
    for counts in ["statuses", "pendingDeliveries"] {
        let counts = found[counts].as_object().expect("counts");
        assert!(counts.values().all(|count| count == 0), "{counts:?}");
    }
    assert_eq!(found.get("medianAcceptanceMs"), None);
    assert_eq!(busy_days(&found), []);
    let days = found["days"].as_array().expect("days");
    // The tests begin on 2026-11-23 at 02:43.
    let day = |place: usize| days[place]["day"].as_str().expect("a day");
    assert_eq!(
        (days.len(), day(0), day(88), day(89)),
        (90, "2026-08-26", "2026-11-22", "2026-11-23")
    );
}

#[test]
fn what_happened_is_counted_on_its_day_in_utc_and_forgotten_after_ninety() {
    let app = TestApp::serve();
    let midnight = DAY - START.rem_euclid(DAY);
    app.advance_to(midnight - 1);
    let early = app.invite("acme", "early@b.co");
    app.advance_to(midnight);
    let late = app.invite("acme", "late@b.co");
    accept(&app, &late);
    app.advance_to(midnight + DAY);
    accept(&app, &early);
    let first = ("2026-11-23".to_owned(), 1, 0);
    let second = ("2026-11-24".to_owned(), 1, 1);
    let third = ("2026-11-25".to_owned(), 0, 1);
    let days = || busy_days(&summary(&app, "acme"));
    assert_eq!(days(), [first.clone(), second.clone(), third.clone()]);
    app.advance_to(midnight + 89 * DAY - 1);
    assert_eq!(days(), [first, second.clone(), third.clone()]);
    app.advance_to(midnight + 89 * DAY);
    assert_eq!(days(), [second, third.clone()]);
    app.advance_to(midnight + 90 * DAY);
    assert_eq!(days(), [third]);
    let found = summary(&app, "acme");
    assert_eq!(found["statuses"]["accepted"], 2, "they are still there");
    // Less than a millisecond, and a day and a millisecond.
    assert_eq!(found["medianAcceptanceMs"], (DAY + 1) / 2);
}

#[test]
fn the_median_is_in_the_middle_of_few_and_many_and_not_moved_by_one_that_took_long() {
    let app = TestApp::serve();
    let made: Vec<_> = (0..4)
        .map(|place| app.invite("acme", &format!("p{place}@b.co")))
        .collect();
    for (place, (millis, median)) in [(3, 3), (10, 6), (11, 10), (6 * DAY, 10)]
        .into_iter()
        .enumerate()
    {
        app.advance_to(millis);
        accept(&app, &made[place]);
        assert_eq!(summary(&app, "acme")["medianAcceptanceMs"], median);
    }
    app.advance_to(-HOUR);
    let back = app.invite("acme", "back@b.co");
    app.advance_to(-2 * HOUR);
    accept(&app, &back);
    assert_eq!(summary(&app, "acme")["medianAcceptanceMs"], 10);
}

#[test]
fn ten_thousand_are_counted_to_the_last_and_of_more_the_newest() {
    let app = TestApp::serve();
    insert_many(&app, 9_999);
    app.invite("acme", "newest@b.co");
    let all = summary(&app, "acme");
    assert_eq!(
        (&all["isExact"], &all["statuses"]["accepted"]),
        (&json!(true), &json!(9_999))
    );
    app.invite("acme", "another@b.co");
    let newest = summary(&app, "acme");
    assert_eq!(newest["isExact"], false);
    assert_eq!(
        newest["statuses"],
        json!({ "pending": 2, "accepted": 9_998, "declined": 0, "revoked": 0, "expired": 0 })
    );
    assert_eq!(newest["medianAcceptanceMs"], 1_000);
}

#[test]
fn a_damaged_invitation_is_left_out_and_its_neighbours_are_counted() {
    let app = TestApp::serve();
    for place in 0..3 {
        app.invite("acme", &format!("p{place}@b.co"));
    }
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    let damage = "pragma ignore_check_constraints = on;
                  update invitation set state = 9 where email = 'p1@b.co'";
    conn.execute_batch(damage).expect("it is damaged");
    assert_eq!(summary(&app, "acme")["statuses"]["pending"], 2);
}

#[test]
fn figures_are_read_in_the_order_of_the_table_without_a_sort() {
    let app = TestApp::serve();
    let source = include_str!("../../src/invitation/store/outline.rs");
    let is_list = |text: &&str| text.starts_with("select") && text.contains("order by id");
    let sql = source.split('"').find(is_list);
    let sql = sql.expect("the statement");
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    let mut plan = conn
        .prepare(&format!("explain query plan {sql}"))
        .expect(sql);
    let steps: Vec<String> = plan
        .query_map(("acme", 1), |row| row.get(3))
        .expect(sql)
        .flatten()
        .collect();
    assert_eq!(
        steps[0],
        "SEARCH invitation USING PRIMARY KEY (organization_id=?)"
    );
    assert!(
        steps.iter().all(|step| !step.contains("TEMP B-TREE")),
        "{steps:?}"
    );
}

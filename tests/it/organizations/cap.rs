//! The cap: how many invitations of an organization may be pending.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::put;
use super::rules::invite;
use crate::support::process::measured;
use crate::support::{Answer, TestApp, invitation, invitations};

#[test]
fn of_sixty_four_parallel_creates_with_room_for_ten_exactly_ten_are_made() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "maxPending": 10 }));
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let create =
            |number: usize| invite(&app, &format!("p{number}@b.co"), "developer", &json!({}));
        let threads: Vec<_> = (0..64)
            .map(|number| scope.spawn(move || create(number)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect()
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (10, 54));
    assert!(
        refused
            .iter()
            .all(|answer| (answer.status, &*answer.code()) == (409, "pending_limit_reached"))
    );
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(10)
    );
}

#[test]
fn the_cap_counts_what_is_pending_now_and_what_takes_a_pending_place_is_not_one_more() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "maxPending": 2 }));
    let create = |email: &str, more: Value| invite(&app, email, "developer", &more);
    let first = create("a@b.co", json!({ "expiresIn": 60 })).json();
    let second = create("b@b.co", json!({})).json();
    let full = |email: &str, more: Value| {
        let answer = create(email, more);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (409, "pending_limit_reached"),
            "{email}"
        );
    };
    full("c@b.co", json!({}));
    for (rule, status) in [("replace", 201), ("return", 200), ("error", 409)] {
        let answer = create("b@b.co", json!({ "onConflict": rule }));
        assert_eq!(answer.status, status, "{rule}: {}", answer.text());
        assert_ne!(answer.code(), "pending_limit_reached", "{rule}");
    }
    full("c@b.co", json!({}));
    app.advance_to(60_000);
    assert_eq!(
        create("c@b.co", json!({})).status,
        201,
        "the first one has lapsed"
    );
    full("a@b.co", json!({}));
    assert_eq!(
        app.get(&invitation("acme", &first["id"])).json()["status"],
        "expired"
    );
    let resent = create("b@b.co", json!({ "onConflict": "resend" }));
    assert_eq!(resent.status, 200, "{}", resent.text());
    assert_ne!(resent.json()["id"], second["id"]);
    assert_eq!(
        app.request("DELETE", &invitation("acme", &resent.json()["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(
        create("a@b.co", json!({})).status,
        201,
        "a lapsed one makes room for its address, if there is some"
    );
    full("d@b.co", json!({}));
}

#[test]
fn a_cap_counts_what_was_pending_before_it_was_set() {
    let app = TestApp::serve();
    for number in 0..3 {
        app.invite("acme", &format!("p{number}@b.co"));
    }
    let status = |email: &str, more: Value| invite(&app, email, "developer", &more).status;
    put(&app, "acme", &json!({ "maxPending": 2 }));
    assert_eq!(
        status("new@b.co", json!({})),
        409,
        "there are more than that already"
    );
    assert_eq!(status("p0@b.co", json!({ "onConflict": "replace" })), 201);
    put(&app, "acme", &json!({ "maxPending": 4 }));
    assert_eq!(
        (status("q0@b.co", json!({})), status("q1@b.co", json!({}))),
        (201, 409)
    );
    put(&app, "acme", &json!({}));
    assert_eq!(status("q1@b.co", json!({})), 201);
    put(&app, "acme", &json!({ "maxPending": 5 }));
    assert_eq!(status("q2@b.co", json!({})), 409);
}

/// Invites `count` people to acme.
fn invite_many(app: &TestApp, count: usize) {
    let row = |number| json!({ "email": format!("p{number}@b.co"), "role": "developer" });
    let rows: Vec<_> = (0..count).map(row).collect();
    for rows in rows.chunks(1_000) {
        let batch = json!({ "invitations": rows }).to_string();
        let answer = app.post(&(invitations("acme") + "/batch"), &batch);
        assert_eq!(answer.json()["failed"], 0, "{}", answer.text());
    }
}

/// How many invitations are under the count for a cap.
fn counted(app: &TestApp) -> usize {
    app.db_rows("select id from invitation where capped = 1")
        .len()
}

#[test]
fn a_first_cap_over_many_invitations_lets_the_writes_of_others_go_between() {
    let app = TestApp::serve();
    invite_many(&app, 20_000);
    app.while_others_write(20, || {
        put(&app, "acme", &json!({ "maxPending": 20_001 }));
    });
    let status = |email: &str| invite(&app, email, "developer", &json!({})).status;
    assert_eq!((status("last@b.co"), status("more@b.co")), (201, 409));
}

#[test]
fn a_first_cap_counts_whatever_is_made_while_it_counts() {
    let app = TestApp::serve();
    invite_many(&app, 3_000);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let app = &app;
            scope.spawn(move || {
                for number in 0..50 {
                    let email = format!("q{thread}x{number}@b.co");
                    let status = invite(app, &email, "developer", &json!({})).status;
                    assert_eq!(status, 201, "{email}");
                }
            });
        }
        put(&app, "acme", &json!({ "maxPending": 3_201 }));
    });
    assert_eq!(counted(&app), 3_200);
    let status = |email: &str| invite(&app, email, "developer", &json!({})).status;
    assert_eq!((status("last@b.co"), status("more@b.co")), (201, 409));
}

#[test]
fn a_first_cap_that_is_refused_counts_nothing() {
    let app = TestApp::serve();
    invite_many(&app, 300);
    let cap = || {
        app.request("PUT", "/v1/organizations/acme")
            .json(r#"{"maxPending":1}"#)
    };
    let stale = "\"0123456789abcdef0123456789abcdef\"";
    assert_eq!(cap().header("If-Match", stale).send().status, 412);
    assert_eq!(cap().header("If-None-Match", "*").send().status, 412);
    assert_eq!(counted(&app), 0);
}

#[test]
fn a_cap_counts_one_that_had_expired_before_it_was_set_and_was_sent_again_since() {
    let app = TestApp::serve();
    let create = |email: &str| invite(&app, email, "developer", &json!({ "expiresIn": 60 }));
    let first = create("a@b.co").json();
    app.advance_to(60_000);
    let second = create("a@b.co").json();
    put(&app, "acme", &json!({ "maxPending": 1 }));
    assert_eq!(
        app.request("DELETE", &invitation("acme", &second["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(
        app.post(&(invitation("acme", &first["id"]) + "/resend"), "{}")
            .status,
        200
    );
    let answer = create("b@b.co");
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (409, "pending_limit_reached")
    );
}

/// Sends a batch of 200 people to an organization, whose names begin with `who`. Returns how many
/// of them could be invited, and how long it took.
fn batch(app: &TestApp, organization: &str, who: &str, more: &Value) -> (u64, Duration) {
    let row = |number| json!({ "email": format!("{who}{number}@b.co"), "role": "developer" });
    let mut body = more.clone();
    body["invitations"] = (0..200).map(row).collect();
    let begun = Instant::now();
    let answer = app.post(&(invitations(organization) + "/batch"), &body.to_string());
    let took = begun.elapsed();
    let answer = answer.json();
    (answer["succeeded"].as_u64().expect("a count"), took)
}

/// Puts `count` pending invitations into the file, under the count for a cap.
fn fill(app: &mut TestApp, organization: &str, count: usize) {
    app.restart_after(|database| {
        let conn = rusqlite::Connection::open(database).expect("the file opens");
        let sql = format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < {count})
             insert into invitation (organization_id, id, email, role, state, created_at,
                                     expires_at, updated_at, capped)
             select '{organization}', unhex(printf('%032x', i)), i || '@b.co', 'r', 0, 0, 1e14, 0, 1
             from n"
        );
        conn.execute_batch(&sql).expect("good SQL");
    });
}

#[test]
fn a_create_under_a_cap_costs_the_same_however_many_are_pending() {
    let mut app = TestApp::serve();
    for organization in ["acme", "globex"] {
        put(&app, organization, &json!({ "maxPending": 1_000_000 }));
    }
    fill(&mut app, "acme", 100_000);
    for (kind, more) in [("real", json!({})), ("dry", json!({ "dryRun": true }))] {
        // What else the machine does makes a batch longer, never shorter.
        let [mut many, mut few] = [Duration::MAX; 2];
        for round in 0..7 {
            let who = format!("{kind}{round}x");
            let (made, took) = batch(&app, "acme", &who, &more);
            let (made_few, took_few) = batch(&app, "globex", &who, &more);
            assert_eq!((made, made_few), (200, 200));
            many = many.min(took);
            few = few.min(took_few);
        }
        measured(format!("{kind}: {many:?} among many, {few:?} among few"));
        // Counted each time, it was forty times as long, which no other load is.
        assert!(many < few * 6, "{kind}: {many:?}, {few:?}");
    }
}

#[test]
fn what_was_undone_takes_no_place() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "maxPending": 250 }));
    let (one, two) = (json!({}), json!({ "atomic": true }));
    assert_eq!(batch(&app, "acme", "a", &one).0, 200);
    for _ in 0..2 {
        assert_eq!(batch(&app, "acme", "b", &two).0, 0, "50 of 200 have room");
        assert_eq!(
            batch(&app, "acme", "b", &json!({ "dryRun": true })).0,
            50,
            "a dry run takes no place"
        );
    }
    assert_eq!(batch(&app, "acme", "c", &one).0, 50);
    assert_eq!(batch(&app, "acme", "d", &one).0, 0);
    // Refused in a savepoint, and as the first of its transaction.
    for number in 0..3 {
        let email = format!("e{number}@b.co");
        assert_eq!(invite(&app, &email, "developer", &json!({})).status, 409);
    }
    let list = app.get(&invitations("acme")).json();
    assert_eq!(
        app.request("DELETE", &invitation("acme", &list[0]["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(batch(&app, "acme", "f", &one).0, 1);
}

#[test]
fn what_lapses_makes_room_once_and_takes_it_again_where_the_clock_goes_back() {
    let app = TestApp::serve();
    put(&app, "acme", &json!({ "maxPending": 3 }));
    let create = |email: &str, seconds: u32| {
        let more = json!({ "expiresIn": seconds });
        invite(&app, email, "developer", &more).status
    };
    assert_eq!(
        [60, 120, 180].map(|end| create(&format!("p{end}@b.co"), end)),
        [201; 3]
    );
    assert_eq!(create("q@b.co", 600), 409);
    app.advance_to(60_000);
    assert_eq!((create("q@b.co", 600), create("r@b.co", 600)), (201, 409));
    app.advance_to(180_000);
    assert_eq!(create("r@b.co", 60), 201);
    assert_eq!((create("s@b.co", 60), create("t@b.co", 60)), (201, 409));
    app.advance_to(1_000);
    assert_eq!(create("t@b.co", 60), 409, "six are pending at that time");
    app.advance_to(240_000);
    assert_eq!((create("t@b.co", 60), create("u@b.co", 60)), (201, 201));
    assert_eq!(create("v@b.co", 60), 409);
}

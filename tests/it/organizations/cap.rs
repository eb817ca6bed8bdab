//! The cap: how many invitations of an organization may be pending.

use std::sync::atomic::{AtomicBool, Ordering};
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
    let is_over = AtomicBool::new(false);
    let (took, waits) = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            let (mut waits, start) = (Vec::new(), Instant::now());
            while !is_over.load(Ordering::Relaxed) && start.elapsed() < Duration::from_secs(60) {
                let begun = Instant::now();
                app.invite("globex", &format!("q{}@b.co", waits.len()));
                waits.push(begun.elapsed());
            }
            waits
        });
        let begun = Instant::now();
        put(&app, "acme", &json!({ "maxPending": 20_001 }));
        let took = begun.elapsed();
        is_over.store(true, Ordering::Relaxed);
        (took, others.join().expect("the others"))
    });
    let longest = waits.iter().max().copied().unwrap_or_default();
    let others = waits.len();
    measured(format!(
        "the cap {took:?}, {others} others, at most {longest:?}"
    ));
    assert!(others >= 20, "{others} in {took:?}");
    assert!(longest < took / 2, "{longest:?} of {took:?}");
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

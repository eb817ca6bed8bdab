//! Ends are told once, whatever the clock does.

use serde_json::{Value, json};

use super::{MINUTE, ends, invite, let_it_look, wait_for, whose};
use crate::support::{TestApp, invitation};

#[test]
fn a_clock_that_was_ahead_ends_nothing_for_good_and_no_end_is_told_twice() {
    let app = TestApp::serve().with_lapses();
    let (kept, joins) = (invite(&app, "a@b.co"), invite(&app, "b@b.co"));
    for ahead in [30 * 24 * 60 * MINUTE, 366 * 24 * 60 * MINUTE] {
        app.advance_to(ahead);
        wait_for(&app, 2);
        app.advance_to(0);
        for made in [&kept, &joins] {
            let found = app.get(&invitation("acme", &made["id"])).json();
            assert_eq!(found["status"], "pending");
        }
    }
    let accept = format!("{}/accept", invitation("acme", &joins["id"]));
    assert_eq!(app.post(&accept, r#"{"email":"b@b.co"}"#).status, 200);
    app.advance_to(MINUTE);
    let_it_look();
    assert_eq!(whose(&ends(&app)), [&kept["id"], &joins["id"]]);
    assert_eq!(
        app.get(&invitation("acme", &kept["id"])).json()["status"],
        "expired"
    );
}

#[test]
fn the_end_of_an_invitation_of_the_default_lifetime_is_told_whatever_the_clock_does() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let is_near = |app: &TestApp| {
        app.db_rows("select email from invitation where lapse = 0")
            .concat()
    };
    for jumps in [
        // Day by day, at once, and with a clock that was ahead when it was made.
        &[DAY, 2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY, 6 * DAY, 7 * DAY][..],
        &[7 * DAY],
        &[5 * DAY + 1, 7 * DAY],
        &[40 * DAY, 0, 6 * DAY, 7 * DAY],
    ] {
        let app = TestApp::serve();
        // A create pays nothing for it.
        let first = app.invite("acme", "a@b.co");
        assert_eq!(is_near(&app), [] as [String; 0]);
        let app = app.with_lapses();
        let_it_look();
        assert_eq!(is_near(&app), [] as [String; 0], "seven days are not near");
        let mut told = 0;
        for jump in jumps {
            app.advance_to(*jump);
            told = told.max(usize::from(*jump >= 7 * DAY));
            wait_for(&app, told);
            let_it_look();
            assert_eq!(ends(&app).len(), told, "{jumps:?} {jump}");
        }
        assert_eq!(whose(&ends(&app)), [&first["id"]]);
        // One that is made then has an end of its own.
        let second = app.invite("acme", "c@b.co");
        let_it_look();
        app.advance_to(14 * DAY - 1);
        let_it_look();
        assert_eq!(ends(&app).len(), 1);
        app.advance_to(14 * DAY);
        assert_eq!(whose(&wait_for(&app, 2)), [&first["id"], &second["id"]]);
    }
}

#[test]
fn an_end_that_moves_is_told_where_it_has_moved_to() {
    const DAY: i64 = 24 * 60 * MINUTE;
    let app = TestApp::serve().with_lapses();
    let patch = |made: &Value, seconds: i64| {
        let body = json!({ "expiresIn": seconds }).to_string();
        let path = invitation("acme", &made["id"]);
        assert_eq!(app.request("PATCH", &path).json(body).send().status, 200);
    };
    let (later, sooner) = (invite(&app, "a@b.co"), app.invite("acme", "c@b.co"));
    let_it_look();
    patch(&later, 10 * DAY / 1000);
    patch(&sooner, 120);
    app.advance_to(2 * MINUTE);
    assert_eq!(whose(&wait_for(&app, 1)), [&sooner["id"]]);
    app.advance_to(10 * DAY - 1);
    let_it_look();
    assert_eq!(ends(&app).len(), 1);
    app.advance_to(10 * DAY);
    assert_eq!(whose(&wait_for(&app, 2)), [&sooner["id"], &later["id"]]);
}

//! Retention: what is deleted when it has been closed for long enough, and what never is.

use std::time::{Duration, Instant};

use invited::base::clock::{Clock, Timestamp};
use invited::base::ids::Ids;
use invited::base::mode::Mode;
use invited::base::origin::Origin;
use invited::db::{Db, Options, Synchronous};
use invited::retention::{self, Retention};
use serde_json::json;

use crate::support::process::{Server, invited, run};
use crate::support::{START, TestApp, invitation, invitations};

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Sets the clock to `millis` after the start, with the pass that follows.
fn set(app: &TestApp, millis: i64) {
    let time = Timestamp::from_millis(START + millis).to_string();
    assert_eq!(
        app.post("/dev/clock", &json!({ "set": time }).to_string())
            .status,
        200
    );
}

/// The addresses of acme's invitations, sorted.
fn emails(app: &TestApp) -> Vec<String> {
    let list = app.get(&invitations("acme")).json();
    let rows = list.as_array().expect("an array");
    let mut emails: Vec<_> = rows
        .iter()
        .filter_map(|row| row["email"].as_str().map(str::to_owned))
        .collect();
    emails.sort();
    emails
}

/// Fills `database` with acme, and so many accepted invitations that were closed at `closed_at`.
fn fill(database: &std::path::Path, count: usize, closed_at: i64) {
    let conn = rusqlite::Connection::open(database).expect("it opens");
    conn.busy_timeout(Duration::from_secs(10))
        .expect("a timeout");
    conn.execute_batch(&format!(
        "begin immediate;
         insert or ignore into organization values ('acme', null, 0, 0);
         with recursive n (x) as (select 1 union all select x + 1 from n where x < {count})
         insert into invitation (organization_id, id, email, role, state, created_at,
         expires_at, updated_at, closed_at)
         select 'acme', randomblob(16), 'old' || x || '@b.co', 'developer', 1, 0, {closed_at},
         {closed_at}, {closed_at} from n;
         commit"
    ))
    .expect("it fills");
}

#[test]
fn a_closed_invitation_goes_a_millisecond_after_its_days_and_a_pending_one_never() {
    let app = TestApp::start(Mode::Dev, &["--keep-closed", "30"]);
    let one = |status: &str| {
        json!({ "email": format!("{status}@b.co"), "role": "developer",
        "status": status })
    };
    // Both end at the very start of the clock.
    let lapsed = |name: &str| {
        json!({ "email": format!("{name}@b.co"), "role": "developer",
        "status": "expired", "age": 60, "expiresIn": 60 })
    };
    let pending = json!({ "email": "pending@b.co", "role": "developer", "expiresIn": 31_536_000 });
    let seed = json!({ "organizations": [{ "id": "acme", "invitations":
        [one("accepted"), one("declined"), one("revoked"), lapsed("lapsed"), lapsed("flipped"),
            lapsed("revived"), pending] }] });
    assert_eq!(app.post("/dev/seed", &seed.to_string()).status, 200);
    let again = json!({ "email": "flipped@b.co", "role": "developer", "expiresIn": 31_536_000 });
    assert_eq!(
        app.post(&invitations("acme"), &again.to_string()).status,
        201
    );
    let all = emails(&app);
    assert_eq!(all.len(), 8, "{all:?}");
    for millis in [30 * DAY - 1, 30 * DAY] {
        set(&app, millis);
        assert_eq!(emails(&app), all, "{millis}");
    }
    let list = app
        .get(&format!("{}?email=revived@b.co", invitations("acme")))
        .json();
    let resend = format!("{}/resend", invitation("acme", &list[0]["id"]));
    assert_eq!(app.post(&resend, r#"{"expiresIn":31536000}"#).status, 200);
    set(&app, -300 * DAY);
    assert_eq!(
        emails(&app),
        all,
        "a clock that is set back makes nothing due"
    );
    set(&app, 30 * DAY + 1);
    assert_eq!(
        emails(&app),
        ["flipped@b.co", "pending@b.co", "revived@b.co"]
    );
    let statuses = "select before from event where type = 'invitation.deleted' and actor = \
        'retention' and after is null order by before";
    let before = |status| {
        vec![format!(
            "{:?}",
            Some(json!({ "status": status }).to_string())
        )]
    };
    assert_eq!(
        app.db_rows(statuses),
        ["accepted", "declined", "expired", "expired", "revoked"].map(before)
    );
    let created = app.db_rows(
        "select id from event where type = 'invitation.created' and after like '%accepted@b.co%'",
    );
    assert_eq!(created.len(), 1, "the history stays");
    app.invite("acme", "accepted@b.co");
}

#[test]
fn nothing_is_deleted_without_the_setting() {
    let app = TestApp::start(Mode::Dev, &[]);
    fill(&app.database, 3, 0);
    set(&app, 3650 * DAY);
    assert_eq!(emails(&app).len(), 3);
}

#[test]
fn five_thousand_go_in_small_jobs_while_creates_go_on() {
    let app = TestApp::start(Mode::Dev, &["--keep-closed", "1"]);
    fill(&app.database, 5_000, START);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (made, slowest) = std::thread::scope(|scope| {
        let creating = scope.spawn(|| {
            let (mut made, mut slowest) = (Vec::new(), Duration::ZERO);
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                let start = Instant::now();
                made.push(
                    app.invite("acme", &format!("new{}@b.co", made.len()))["email"].to_string(),
                );
                slowest = slowest.max(start.elapsed());
            }
            (made, slowest)
        });
        set(&app, DAY + 1);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        creating.join().expect("creates work")
    });
    assert!(
        made.len() >= 10 && slowest < Duration::from_secs(1),
        "{} {slowest:?}",
        made.len()
    );
    let mut made: Vec<_> = made
        .iter()
        .map(|email| email.trim_matches('"').to_owned())
        .collect();
    made.sort();
    assert_eq!(emails(&app), made);
    assert_eq!(
        app.db_rows("select id from event where actor = 'retention'")
            .len(),
        5_000
    );
}

#[test]
fn one_that_was_sent_again_between_the_look_and_the_delete_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("invited.db");
    let clock = Clock::manual(Timestamp::from_millis(START + 2 * DAY));
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: clock.clone(),
        ids: Ids::Random,
    };
    let db = Db::open(&path, &options).expect("it opens");
    fill(&path, 3, START);
    rusqlite::Connection::open(&path)
        .and_then(|conn| conn.execute("update invitation set state = 4", []))
        .expect("rows");
    let keep = Retention { days: 1 };
    let first = retention::store::Mark::default();
    let due = db
        .read(|reader| retention::store::find_due(reader, keep, &first, 2))
        .expect("it reads");
    assert_eq!((due.due.len(), due.last.is_some()), (2, true));
    let origin = Origin {
        actor: "retention".to_owned(),
        request_id: "pass".to_owned(),
    };
    invited::server::block_on(async {
        let places = due.due.clone();
        let revive = "update invitation set state = 0, expires_at = ?1 where id = ?2";
        let later = (START + 9 * DAY, places[0].1.into_bytes());
        db.write(move |tx| Ok(tx.execute(revive, later)?))
            .await
            .expect("it commits");
        let gone = db
            .write(move |tx| retention::store::delete_due(tx, keep, &places, &origin))
            .await;
        assert_eq!(gone.expect("it commits"), 1);
        clock.set(Timestamp::from_millis(START + DAY));
        assert_eq!(
            retention::sweep(&db, keep).await.expect("a pass"),
            0,
            "the time of the pass decides"
        );
        clock.set(Timestamp::from_millis(START + DAY + 1));
        assert_eq!(retention::sweep(&db, keep).await.expect("a pass"), 1);
    });
}

#[test]
fn a_start_makes_a_pass_at_once_and_a_stop_does_not_wait_for_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let without = Server::serve(&database);
    fill(&database, 300, 0);
    without.signal("TERM");
    assert_eq!(without.wait().0.code(), Some(0));
    let count = || {
        let conn = rusqlite::Connection::open(&database).expect("it opens");
        conn.query_row("select count(*) from invitation", [], |row| {
            row.get::<_, i64>(0)
        })
        .expect("a count")
    };
    assert_eq!(count(), 300);
    let path = database.to_string_lossy();
    let with = Server::spawn(
        invited()
            .args(["serve", "--listen", "127.0.0.1:0", "--database", &path])
            .args(["--keep-closed", "1"]),
    );
    let start = Instant::now();
    while count() > 0 {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{} are left",
            count()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    with.signal("TERM");
    let (status, took, _) = with.wait();
    assert!(
        status.code() == Some(0) && took < Duration::from_secs(5),
        "{status} {took:?}"
    );
}

#[test]
fn days_that_are_not_from_1_to_3650_are_refused() {
    for days in ["0", "-1", "3651", "1.5", "30d", ""] {
        let output = run(&["serve", &format!("--keep-closed={days}")]);
        assert_eq!(output.status.code(), Some(2), "{days}");
    }
}

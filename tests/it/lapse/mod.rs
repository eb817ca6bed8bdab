//! What is told of an invitation whose time has passed: once, whatever happens at that time.
//!
//! * [`clock`]: whatever the clock does.

mod clock;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::sse::reader::{Reader, Said};
use crate::support::endpoint::{Act, Endpoint};
use crate::support::process::Server;
use crate::support::{TestApp, invitation, invitations};

const MINUTE: i64 = 60_000;

/// Invites `email` to acme for a minute.
fn invite(app: &TestApp, email: &str) -> Value {
    let body = json!({ "email": email, "role": "developer", "expiresIn": 60 });
    let answer = app.post(&invitations("acme"), &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// The events of acme that tell of an end, oldest first.
fn ends(app: &TestApp) -> Vec<Value> {
    let path = "/v1/organizations/acme/events?type=invitation.expired&order=asc&limit=1000";
    app.get(path).json().as_array().expect("a list").clone()
}

/// Which invitations they are about.
fn whose(ends: &[Value]) -> Vec<&Value> {
    ends.iter().map(|end| &end["invitationId"]).collect()
}

/// Waits until acme has `count` ends, for ten seconds.
fn wait_for(app: &TestApp, count: usize) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let found = ends(app);
        if found.len() >= count {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{found:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for as long as the server looks many times.
fn let_it_look() {
    std::thread::sleep(Duration::from_millis(150));
}

#[test]
fn the_end_is_told_at_its_very_millisecond_once_to_the_history_webhooks_and_streams() {
    let (app, endpoint) = (
        TestApp::start(Mode::Dev, &[]).with_lapses(),
        Endpoint::that_does(Act::Status(204)),
    );
    let body = json!({ "url": endpoint.url(), "types": ["invitation.expired"] });
    assert_eq!(app.post("/v1/webhooks", &body.to_string()).status, 201);
    let made = invite(&app, "a@b.co");
    let mut stream = Reader::open(&app, "", "?type=invitation.expired", None);
    app.advance_to(MINUTE - 1);
    let_it_look();
    assert_eq!(ends(&app), [] as [Value; 0]);
    app.advance_to(MINUTE);
    let told = wait_for(&app, 1);
    let end = &told[0];
    assert_eq!(
        (&end["invitationId"], &end["actor"], &end["createdAt"]),
        (&made["id"], &json!("clock"), &made["expiresAt"])
    );
    assert_eq!(
        (&end["before"], &end["after"]),
        (
            &json!({ "status": "pending" }),
            &json!({ "status": "expired" })
        )
    );
    let said = std::iter::repeat_with(|| stream.next())
        .take(20)
        .find(|said| matches!(said, Said::Event(..)));
    let Some(Said::Event(_, _, streamed)) = said else {
        panic!("the stream tells nothing: {said:?}");
    };
    assert_eq!(&streamed, end);
    let start = Instant::now();
    while endpoint.received().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(5), "no webhook");
        std::thread::sleep(Duration::from_millis(5));
    }
    app.advance_to(30 * MINUTE);
    let_it_look();
    assert_eq!((ends(&app).len(), endpoint.received().len()), (1, 1));
}

#[test]
fn what_was_answered_revoked_or_deleted_before_its_end_is_not_told_and_what_was_resent_later() {
    let app = TestApp::serve().with_lapses();
    let [accepted, revoked, deleted, resent, moved] =
        ["a", "b", "c", "d", "e"].map(|name| invite(&app, &format!("{name}@b.co")));
    let path = |made: &Value| invitation("acme", &made["id"]);
    let accept = app.post(
        &format!("{}/accept", path(&accepted)),
        r#"{"email":"a@b.co"}"#,
    );
    let revoke = app.post(&format!("{}/revoke", path(&revoked)), "{}");
    let delete = app.request("DELETE", &path(&deleted)).send();
    let patch = app
        .request("PATCH", &path(&moved))
        .json(r#"{"expiresIn":180}"#)
        .send();
    assert_eq!(
        [accept.status, revoke.status, delete.status, patch.status],
        [200, 200, 204, 200]
    );
    app.advance_to(MINUTE);
    assert_eq!(whose(&wait_for(&app, 1)), [&resent["id"]]);
    // It lives again, so it ends again.
    let resend = app.post(&format!("{}/resend", path(&resent)), r#"{"expiresIn":60}"#);
    assert_eq!(resend.status, 200, "{}", resend.text());
    app.advance_to(2 * MINUTE);
    assert_eq!(whose(&wait_for(&app, 2)), [&resent["id"], &resent["id"]]);
    app.advance_to(60 * MINUTE);
    wait_for(&app, 3);
    let_it_look();
    assert_eq!(
        whose(&ends(&app)),
        [&resent["id"], &resent["id"], &moved["id"]]
    );
}

#[test]
fn what_ended_while_no_server_ran_is_told_at_the_next_start_and_what_retention_deletes_too() {
    let mut app = TestApp::start(Mode::Serve, &["--keep-closed", "1"]);
    let made: Vec<_> = (0..250)
        .map(|number| invite(&app, &format!("p{number}@b.co"))["id"].clone())
        .collect();
    app.advance_to(MINUTE);
    let_it_look();
    assert_eq!(
        ends(&app),
        [] as [Value; 0],
        "this server looks once an hour"
    );
    app = app.with_lapses();
    let told = wait_for(&app, made.len());
    let_it_look();
    assert_eq!(whose(&told), made.iter().collect::<Vec<_>>());
    assert_eq!(ends(&app).len(), made.len());

    let late = TestApp::start(Mode::Serve, &["--keep-closed", "1"]);
    let gone = invite(&late, "late@b.co");
    late.advance_to(3 * 24 * 60 * MINUTE);
    let mut late = late;
    late.restart();
    let told = wait_for(&late, 1);
    assert_eq!(whose(&told), [&gone["id"]]);
    assert_eq!(told[0]["actor"], "clock");
    let all = late.get("/v1/organizations/acme/events?order=asc").json();
    let types: Vec<_> = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| event["type"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        types,
        [
            "invitation.created",
            "invitation.expired",
            "invitation.deleted"
        ]
    );
}

#[test]
fn a_damaged_row_keeps_no_other_end_from_being_told() {
    for damage in ["id = x'0102'", "organization_id = cast(x'ff41' as text)"] {
        let mut app = TestApp::serve();
        let made = [1, 2].map(|number| invite(&app, &format!("u{number}@b.co")));
        app.post(
            &invitations("zzz"),
            r#"{"email":"far@b.co","role":"developer","expiresIn":2592000}"#,
        );
        let conn = rusqlite::Connection::open(&app.database).expect("it opens");
        conn.execute_batch(&format!(
            "pragma ignore_check_constraints = 1;
             pragma foreign_keys = 0;
             update invitation set {damage} where email = 'u1@b.co'"
        ))
        .expect("good SQL");
        drop(conn);
        app = app.with_lapses();
        app.advance_to(MINUTE);
        assert_eq!(whose(&wait_for(&app, 1)), [&made[1]["id"]], "{damage}");
    }
}

#[test]
fn an_end_is_told_once_when_another_invitation_takes_the_place() {
    let app = TestApp::serve().with_lapses();
    let first = invite(&app, "a@b.co");
    app.advance_to(MINUTE);
    wait_for(&app, 1);
    let second = invite(&app, "a@b.co");
    // And when the first one comes back in place of the second.
    app.advance_to(2 * MINUTE);
    wait_for(&app, 2);
    let resend = app.post(
        &format!("{}/resend", invitation("acme", &first["id"])),
        "{}",
    );
    assert_eq!(resend.status, 200, "{}", resend.text());
    let_it_look();
    assert_eq!(whose(&ends(&app)), [&first["id"], &second["id"]]);
    assert_eq!(
        app.get(&invitation("acme", &second["id"])).json()["status"],
        "expired"
    );
}

#[test]
fn what_ends_changes_neither_the_invitation_nor_its_version_but_for_what_the_clock_does() {
    let app = TestApp::serve();
    let made = invite(&app, "a@b.co");
    let path = invitation("acme", &made["id"]);
    app.advance_to(MINUTE);
    let before = app.get(&path);
    let app = app.with_lapses();
    wait_for(&app, 1);
    let after = app.get(&path);
    assert_eq!(before.text(), after.text());
    assert_eq!(before.header("etag"), after.header("etag"));
    // Nor does another one that takes its place.
    app.advance_to(2 * MINUTE);
    invite(&app, "a@b.co");
    let after = app.get(&path);
    assert_eq!(before.text(), after.text());
    assert_eq!(before.header("etag"), after.header("etag"));
}

#[test]
fn an_organization_that_is_deleted_holds_up_nobody_elses_ends() {
    let app = TestApp::serve();
    invite(&app, "a@b.co");
    let body = json!({ "email": "c@b.co", "role": "developer", "expiresIn": 60 });
    let other = app.post(&invitations("other"), &body.to_string());
    assert_eq!(other.status, 201);
    // As a deletion that has just begun.
    let mark = "insert into purge (id, stage, organization_id)
                values (x'0198c0de000070008000000000000001', 0, 'acme')";
    assert!(invited::db::write_file(&app.database, |tx| Ok(tx.execute(mark, [])?)).is_ok());
    app.advance_to(MINUTE);
    let app = app.with_lapses();
    let start = Instant::now();
    let told =
        || app.db_rows("select organization_id from event where type = 'invitation.expired'");
    while told().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(5), "nothing is told");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(told(), [["Some(\"other\")"]]);
}

#[test]
fn thousands_that_end_together_go_in_small_jobs_while_creates_go_on() {
    let app = TestApp::start(Mode::Dev, &[]);
    for batch in 0..3 {
        let row = |number| {
            let email = format!("p{batch}x{number}@b.co");
            json!({ "email": email, "role": "r", "expiresIn": 60, "notify": false })
        };
        let rows: Vec<_> = (0..1_000).map(row).collect();
        let path = format!("{}/batch", invitations("acme"));
        let made = app.post(&path, &json!({ "invitations": rows }).to_string());
        assert_eq!(made.json()["succeeded"], 1_000, "{}", made.text());
    }
    app.advance_to(MINUTE);
    let app = app.with_lapses();
    let told = || {
        let count = "select cast(count(*) as text) from event where type = 'invitation.expired'";
        app.db_rows(count).concat().concat()
    };
    let (start, mut made, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    while told() != "Some(\"3000\")" {
        assert!(start.elapsed() < Duration::from_secs(30), "{}", told());
        let began = Instant::now();
        app.invite("other", &format!("new{made}@b.co"));
        (made, slowest) = (made + 1, slowest.max(began.elapsed()));
    }
    assert!(
        made >= 10 && slowest < Duration::from_secs(1),
        "{made} {slowest:?}"
    );
}

#[test]
fn a_server_that_is_killed_while_it_tells_tells_each_end_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("invited.db");
    let file = file.to_string_lossy();
    let words = ["dev", "--listen", "127.0.0.1:0", "--database", &file];
    let row = |number| json!({ "email": format!("p{number}@b.co"), "role": "r", "expiresIn": 60 });
    let rows: Vec<_> = (0..1_000).map(row).collect();
    let server = Server::start(&words);
    let made = server
        .request("POST", "/v1/organizations/kill/invitations/batch")
        .json(json!({ "invitations": rows }).to_string())
        .send();
    assert_eq!(made.json()["succeeded"], 1_000, "{}", made.text());
    drop(server);
    // It is answered when all is told, or cut off by the kill.
    let advance = |server: &Server| {
        let request = server.request("POST", "/dev/clock");
        std::thread::spawn(|| request.json(r#"{"advance":"2h"}"#).send().status)
    };
    let told = || -> Vec<String> {
        let conn = rusqlite::Connection::open(&*file).expect("it opens");
        let sql = "select hex(invitation_id) from event
                   where organization_id = 'kill' and type = 'invitation.expired'";
        let mut statement = conn.prepare(sql).expect("good SQL");
        let ids = statement.query_map([], |row| row.get(0)).expect("it runs");
        ids.collect::<Result<_, _>>().expect("it reads")
    };
    let mut cut = 0;
    for _ in 0..20 {
        let server = Server::start(&words);
        let before = told().len();
        let (advanced, start) = (advance(&server), Instant::now());
        while told().len() == before && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(1));
        }
        server.signal("KILL");
        drop(server);
        let status = advanced.join().expect("it was sent");
        assert!([0, 200].contains(&status), "{status}");
        let now = told().len();
        cut += usize::from((1..1_000).contains(&now));
        if now == 1_000 {
            break;
        }
    }
    assert!(cut > 0, "no kill came in between");
    let all = told();
    assert_eq!(
        (all.len(), all.iter().collect::<HashSet<_>>().len()),
        (1_000, 1_000)
    );
}

//! How rows, text and log leave the file, what is pending meanwhile, and what a start goes on with.

use std::time::{Duration, Instant};

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use invited::db::WriteTx;
use invited::event;
use invited::event::chain::EventRow;
use invited::purge;
use serde_json::json;

use super::{ACME, begin, stages, wait_until_purged};
use crate::erasure::{bytes, count};
use crate::support::process::Server;
use crate::support::{Answer, TestApp, invitation, invitations};

/// Fills `organization` with so many invitations, each with an event, in one job.
pub fn fill(tx: &WriteTx<'_>, organization: &str, rows: u32) -> invited::base::error::Result<()> {
    tx.execute(
        "insert or ignore into organization values (?1, null, 0, 0)",
        [organization],
    )?;
    for number in 0..rows {
        let (id, event_id) = (tx.new_id(), tx.new_id());
        let email = format!("{organization}.{number}@latex.example");
        tx.execute(
            "insert into invitation (organization_id, id, email, role, state, created_at,
             expires_at, updated_at)
             values (?1, ?2, ?3, 'developer', 0, 0, 9999999999999, 0)",
            (organization, id.as_bytes(), email),
        )?;
        event::store::row::insert(
            tx,
            &EventRow {
                organization,
                id: event_id,
                kind: "invitation.created",
                invitation: Some(id),
                actor: "dev",
                request_id: "r",
                created_at: Timestamp::from_millis(0),
                before: None,
                after: None,
            },
        )?;
    }
    Ok(())
}

/// Another program that reads the file, and does not stop.
fn foreign_reader(app: &TestApp) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(&app.database).expect("it opens");
    other
        .execute_batch("begin; select count(*) from invitation;")
        .expect("it reads");
    other
}

/// Erases `email`.
pub fn erase(app: &TestApp, email: &str) -> Answer {
    app.request("DELETE", &format!("/v1/invitations?email={email}"))
        .send()
}

#[test]
fn while_another_program_reads_a_deletion_is_200_and_ends_by_itself_when_that_ends() {
    let app = TestApp::serve();
    app.invite("acme", "varnsen@latex.example");
    let other = foreign_reader(&app);
    let answer = app.request("DELETE", ACME).send();
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "pending": ["log"] }))
    );
    assert_eq!(app.get(ACME).status, 404);
    assert_eq!(
        app.request("PUT", ACME).json("{}").send().status,
        201,
        "its rows are gone, so the id is free"
    );
    assert!(
        count(&bytes(&app), "varnsen") > 0,
        "the reader sees it still"
    );
    let row: i64 = other
        .query_row("select count(*) from invitation", [], |row| row.get(0))
        .expect("it reads");
    assert_eq!(row, 1);
    drop(other);
    wait_until_purged(&app);
    assert_eq!(count(&bytes(&app), "varnsen"), 0);
}

#[test]
fn while_another_program_reads_an_erasure_is_200_and_ends_by_itself_when_that_ends() {
    let app = TestApp::serve();
    let email = "erika.mustermann@example.com";
    app.invite("acme", email);
    let other = foreign_reader(&app);
    let answer = erase(&app, email);
    let expected = json!({ "invitations": 1, "events": 1, "answers": 0, "pending": ["log"] });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
    assert!(count(&bytes(&app), "mustermann") > 0);
    drop(other);
    wait_until_purged(&app);
    assert_eq!(count(&bytes(&app), "mustermann"), 0);
}

#[test]
fn a_start_goes_on_with_a_deletion_whatever_was_done_of_it() {
    let mut app = TestApp::serve();
    for (rounds, rows) in [(1, 0), (2, 1), (3, 450)] {
        let job = move |tx: &WriteTx<'_>| fill(tx, "vandelay", rows);
        invited::db::write_file(&app.database, job).expect("it fills");
        begin(&app, "vandelay");
        // A part of it, as if the process had died between two jobs.
        let part = |tx: &WriteTx<'_>| {
            Ok(tx.execute(
                "delete from invitation where id < (select max(id) from event)",
                [],
            )?)
        };
        invited::db::write_file(&app.database, part).expect("it goes on");
        app.restart();
        wait_until_purged(&app);
        for table in ["organization", "invitation", "event"] {
            assert_eq!(
                app.db_rows(&format!("select 'a row' from {table}")).len(),
                0,
                "{rows} rows: {table}"
            );
        }
        let bytes = bytes(&app);
        // The history of the server names it twice in the row of each deletion: as its subject, and
        // as what it concerns.
        for (text, times) in [("vandelay", 2 * rounds), ("latex.example", 0)] {
            assert_eq!(count(&bytes, text), times, "{rows} rows: {text}");
        }
    }
    assert_eq!(app.db_rows("pragma integrity_check"), [[r#"Some("ok")"#]]);
}

#[test]
fn the_text_of_an_erasure_that_was_cut_off_leaves_with_the_next_start() {
    let mut app = TestApp::serve();
    for number in 0..400 {
        app.invite("acme", &format!("{number}.mustermann@example.com"));
    }
    // An erasure deletes a row, and then the process dies.
    let job = |tx: &WriteTx<'_>| {
        purge::store::insert_begun(tx)?;
        tx.execute("delete from event", [])?;
        Ok(tx.execute("delete from invitation", [])?)
    };
    assert_eq!(invited::db::write_file(&app.database, job), Ok(400));
    assert_eq!(stages(&app), [r#"Some("1")"#]);
    assert!(
        count(&bytes(&app), "mustermann") > 0,
        "text stays in pages, or in the log"
    );
    app.restart();
    wait_until_purged(&app);
    assert_eq!(count(&bytes(&app), "mustermann"), 0);
}

#[test]
fn what_retention_deletes_leaves_no_text_but_that_of_its_history() {
    let app = TestApp::start(Mode::Dev, &["--keep-closed", "30"]);
    for number in 0..300 {
        let body = json!({ "email": format!("{number}.mustermann@example.com"), "role": "developer",
            "metadata": { "note": "Kramerica" } });
        let made = app.post(&invitations("acme"), &body.to_string()).json();
        assert_eq!(
            app.post(&format!("{}/revoke", invitation("acme", &made["id"])), "{}")
                .status,
            200
        );
    }
    assert!(count(&bytes(&app), "kramerica") >= 300);
    let advance = json!({ "advance": 31 * 24 * 60 * 60 }).to_string();
    assert_eq!(app.post("/dev/clock", &advance).status, 200);
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
    wait_until_purged(&app);
    assert_eq!(count(&bytes(&app), "kramerica"), 0);
    assert_eq!(
        app.db_rows("select 'an event' from event where type = 'invitation.deleted'")
            .len(),
        300
    );
}

#[test]
fn the_log_names_another_program_that_reads_once_and_a_stop_leaves_the_rest_to_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    let create = |organization: &str| {
        let body =
            json!({ "email": format!("varnsen@{organization}.example"), "role": "developer" });
        let request = server
            .request("POST", &invitations(organization))
            .bearer(&key);
        assert_eq!(request.json(body.to_string()).send().status, 201);
    };
    ["acme", "globex"]
        .iter()
        .for_each(|organization| create(organization));
    let other = rusqlite::Connection::open(&database).expect("it opens");
    other
        .execute_batch("begin; select count(*) from invitation;")
        .expect("it reads");
    let delete = |organization: &str| {
        let path = format!("/v1/organizations/{organization}");
        let answer = server.request("DELETE", &path).bearer(&key).send();
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "pending": ["log"] }))
        );
    };
    // Each waits for three seconds, and the line comes with the eighth try, after four.
    ["acme", "globex"]
        .iter()
        .for_each(|organization| delete(organization));
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert!(status.success(), "{printed}");
    assert_eq!(
        printed.matches("another program reads the log").count(),
        1,
        "{printed}"
    );
    drop(other);
    let left = || {
        let conn = rusqlite::Connection::open(&database).expect("it opens");
        conn.query_row("select count(*) from purge", [], |row| row.get::<_, u32>(0))
            .expect("it reads")
    };
    assert_eq!(left(), 2);
    let server = Server::serve(&database);
    let deadline = Instant::now() + Duration::from_secs(20);
    while left() > 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
    server.signal("TERM");
    assert!(server.wait().0.success());
    let bytes = std::fs::read(&database).expect("the file");
    assert_eq!(count(&bytes, "varnsen"), 0);
}

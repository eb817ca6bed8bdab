//! How rows, text and log leave the file, what is pending meanwhile, and what a start goes on with.

use std::time::{Duration, Instant};

use invited::audit::By;
use invited::base::clock::Clock;
use invited::base::mode::Mode;
use invited::db::{Db, Options, Synchronous, Topic, WriteTx};
use invited::deletion;
use invited::purge;
use serde_json::{Value, json};

use super::{ACME, begin, id_of, stages, wait_until_purged};
use crate::erasure::{bytes, count};
use crate::support::process::Server;
use crate::support::{Answer, TestApp, invitation, invitations};

/// Fills `organization` with so many invitations, each with an event, in one job.
fn fill(tx: &WriteTx<'_>, organization: &str, rows: u32) -> invited::base::error::Result<()> {
    tx.execute(
        "insert or ignore into organization values (?1, null, 0, 0)",
        [organization],
    )?;
    for number in 0..rows {
        let (id, event) = (tx.new_id(), tx.new_id());
        let email = format!("{organization}.{number}@latex.example");
        tx.execute(
            "insert into invitation (organization_id, id, email, role, state, created_at,
             expires_at, updated_at)
             values (?1, ?2, ?3, 'developer', 0, 0, 9999999999999, 0)",
            (organization, id.as_bytes(), email),
        )?;
        tx.execute(
            "insert into event (organization_id, id, type, invitation_id, actor, request_id,
             created_at)
             values (?1, ?2, 'invitation.created', ?3, 'dev', 'r', 0)",
            (organization, event.as_bytes(), id.as_bytes()),
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
fn erase(app: &TestApp, email: &str) -> Answer {
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

/// A file of its own, open in this process.
fn open() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        workers: 2,
        synchronous: Synchronous::Full,
        clock: Clock::System,
    };
    let db = Db::open(&folder.path().join("invited.db"), &options).expect("it opens");
    (folder, db)
}

/// Waits until nothing is to leave the file any more.
async fn purged(db: &Db) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let left = || {
        db.read(|reader| {
            Ok(reader.query_row("select count(*) from purge", [], |row| row.get::<_, u32>(0))?)
        })
    };
    while left().expect("it reads") > 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[test]
fn twenty_deletions_that_wait_are_scrubbed_once() {
    let (_folder, db) = open();
    invited::server::block_on(async {
        let job = |tx: &WriteTx<'_>| {
            fill(tx, "other", 2_000)?;
            for number in 0..20 {
                let name = format!("org{number}");
                fill(tx, &name, 5)?;
                deletion::begin(tx, &id_of(&name), By::SERVER, |_| Ok(()))?;
            }
            Ok(())
        };
        db.write(job).await.expect("it fills");
        let told = db.follow(Topic::Purge);
        let before = *told.borrow();
        let worker = tokio::task::spawn_local(deletion::run(db.clone()));
        purged(&db).await;
        worker.abort();
        // The last rows of each, then all of them together after the scrub, and once more after the
        // log.
        let stages = *told.borrow() - before;
        assert!(
            (21..=24).contains(&stages),
            "{stages} commits moved a deletion to its next stage"
        );
        let left = |sql: &'static str| {
            db.read(move |reader| Ok(reader.query_row(sql, [], |row| row.get::<_, u32>(0))?))
        };
        assert_eq!(
            left("select count(*) from organization").expect("it reads"),
            1
        );
        assert_eq!(
            left("select count(*) from invitation").expect("it reads"),
            2_000
        );
    });
    db.close();
}

#[test]
fn the_rows_of_an_organization_go_in_small_jobs_and_other_writes_go_between() {
    let (_folder, db) = open();
    invited::server::block_on(async {
        let rows = 3_000;
        db.write(move |tx| fill(tx, "acme", rows))
            .await
            .expect("it fills");
        db.write(|tx| deletion::begin(tx, &id_of("acme"), By::SERVER, |_| Ok(())))
            .await
            .expect("it begins");
        let worker = tokio::task::spawn_local(deletion::run(db.clone()));
        let (mut left, mut largest, mut between) = (rows, 0, 0);
        while left > 0 {
            let job = |tx: &WriteTx<'_>| {
                let sql = "select count(*) from invitation";
                Ok(tx.query_row(sql, [], |row| row.get::<_, u32>(0))?)
            };
            let now = db.write(job).await.expect("it commits");
            largest = largest.max(left - now);
            between += u32::from(now < left && now > 0);
            left = now;
        }
        purged(&db).await;
        worker.abort();
        assert!(
            largest <= 600,
            "{largest} rows went between two writes of somebody else"
        );
        assert!(
            between >= 4,
            "{between} writes of somebody else were between"
        );
    });
    db.close();
}

#[test]
fn a_large_deletion_does_not_hold_up_a_small_one_that_began_later() {
    let (_folder, db) = open();
    invited::server::block_on(async {
        let job = |tx: &WriteTx<'_>| {
            for (name, rows) in [("large", 6_000), ("small", 5)] {
                fill(tx, name, rows)?;
                deletion::begin(tx, &id_of(name), By::SERVER, |_| Ok(()))?;
            }
            Ok(())
        };
        db.write(job).await.expect("it fills");
        let worker = tokio::task::spawn_local(deletion::run(db.clone()));
        let left = |name: &'static str| {
            let sql = "select count(*) from invitation where organization_id = ?1";
            db.read(move |reader| Ok(reader.query_row(sql, [name], |row| row.get::<_, u32>(0))?))
                .expect("it reads")
        };
        while left("small") > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(
            left("large") > 3_000,
            "{} of the large one are left",
            left("large")
        );
        purged(&db).await;
        worker.abort();
    });
    db.close();
}

#[test]
fn a_deletion_that_a_reset_ended_touches_nothing_of_the_next_organization_of_that_name() {
    let (_folder, db) = open();
    invited::server::block_on(async {
        db.write(|tx| fill(tx, "acme", 3)).await.expect("it fills");
        let id = db
            .write(|tx| deletion::begin(tx, &id_of("acme"), By::SERVER, |_| Ok(())))
            .await
            .expect("it begins");
        db.write(invited::dev::store::empty)
            .await
            .expect("it resets");
        db.write(|tx| fill(tx, "acme", 3))
            .await
            .expect("it fills again");
        for _ in 0..3 {
            db.write(move |tx| deletion::store::delete_some(tx, id, &id_of("acme"), 100))
                .await
                .expect("it runs");
        }
        let sql = "select count(*) from invitation join organization on organization.id = \
            organization_id";
        let left = db.read(|reader| Ok(reader.query_row(sql, [], |row| row.get::<_, u32>(0))?));
        assert_eq!(left.expect("it reads"), 3);
    });
    db.close();
}

#[test]
fn parallel_deletions_and_an_erasure_all_end_well() {
    let app = TestApp::start(Mode::Serve, &["--limit-recipient", "0"]);
    let email = "erika.mustermann@example.com";
    let organizations: Vec<String> = (0..12).map(|number| format!("org-{number}")).collect();
    for organization in organizations.iter().map(String::as_str).chain(["other"]) {
        app.invite(organization, email);
        app.invite(organization, "max@latex.example");
    }
    std::thread::scope(|scope| {
        let delete = |organization: &String| {
            app.request("DELETE", &format!("/v1/organizations/{organization}"))
                .send()
        };
        let deleting: Vec<_> = organizations
            .iter()
            .map(|id| scope.spawn(move || delete(id)))
            .collect();
        let erased = erase(&app, email);
        assert_eq!(erased.status, 200, "{}", erased.text());
        for one in deleting {
            let answer = one.join().expect("an answer");
            assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
        }
    });
    wait_until_purged(&app);
    let left: Vec<Value> = app
        .get(&invitations("other"))
        .json()
        .as_array()
        .expect("an array")
        .clone();
    assert_eq!(
        (left.len(), &left[0]["email"]),
        (1, &json!("max@latex.example"))
    );
    let bytes = bytes(&app);
    assert_eq!(count(&bytes, "mustermann"), 0);
    assert_eq!(app.db_rows("select id from organization").len(), 1);
}

#[test]
fn the_log_names_another_program_that_reads_once_and_a_stop_leaves_the_rest_to_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.banner_value("admin key").expect("an admin key");
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

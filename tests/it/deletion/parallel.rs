//! Several deletions, and other writes beside them.

use std::time::{Duration, Instant};

use invited::audit::By;
use invited::base::clock::Clock;
use invited::base::ids::Ids;
use invited::base::mode::Mode;
use invited::db::{Db, Options, Synchronous, Topic, WriteTx};
use invited::deletion;
use serde_json::{Value, json};

use super::steps::{erase, fill};
use super::{id_of, wait_until_purged};
use crate::erasure::{bytes, count};
use crate::support::{TestApp, invitations};

/// A file of its own, open in this process.
fn open() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        workers: 2,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
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

//! What a request may cost: figures that do not vary from machine to machine.

use std::sync::mpsc::channel;
use std::time::Duration;

use invited::base::clock::Clock;
use invited::base::error::Code;
use invited::base::ids::Ids;
use invited::db::{Db, Load, Options, Synchronous};
use rusqlite::StatementStatus;

use crate::support::{TestApp, rules};

/// A new file in a folder of its own.
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

#[test]
fn sixty_four_creates_that_wait_together_share_one_commit() {
    let (_folder, db) = open();
    invited::server::block_on(async {
        let (release, released) = channel::<()>();
        let gate = tokio::task::spawn_local({
            let db = db.clone();
            async move {
                db.write(move |_| Ok(released.recv_timeout(Duration::from_secs(10)).is_err()))
                    .await
            }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let creates: Vec<_> = (0..64)
            .map(|number| {
                let db = db.clone();
                tokio::task::spawn_local(async move { create(&db, number).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let before = db.commits();
        drop(release);
        gate.await.expect("it ran").expect("it commits");
        for create in creates {
            create.await.expect("it ran");
        }
        assert_eq!(
            db.commits() - before,
            2,
            "the gate's commit, and one for all creates"
        );
    });
}

/// Creates an invitation.
async fn create(db: &Db, number: usize) {
    let organization =
        invited::base::organization_id::OrganizationId::parse("acme").expect("an id");
    let body = invited::invitation::new::CreateBody {
        email: Some(format!("p{number}@b.co")),
        role: Some("developer".to_owned()),
        ..Default::default()
    };
    let by = crate::support::anybody();
    let new =
        invited::invitation::new::NewInvitation::parse(organization, body, &rules(), db.now())
            .expect("fine");
    db.write(move |tx| invited::invitation::create::create(tx, &new, &by, |_, _| Ok(())))
        .await
        .expect("it commits");
}

#[test]
fn the_queries_of_the_hot_path_use_their_index_and_sort_nothing() {
    let app = TestApp::serve();
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    let queries = [
        "select * from invitation not indexed where organization_id = 'a' and id = x'00'",
        "select * from invitation where organization_id = 'a' and id < x'00' order by id desc \
         limit 20",
        "select * from invitation where organization_id = 'a' and id > x'00' order by id limit 20",
        "select id from invitation where email = 'a' and organization_id = 'a' and state in (0, 1)",
        "select * from api_key where id = 'a'",
        "select * from idempotency where actor = 'a' and operation = 'b' and key = 'c'",
        "select * from event where organization_id = 'a' and id > x'00' and id < x'ff' order by \
         id limit 20",
        "select * from event where organization_id = 'a' and id > x'00' and id < x'ff' order by \
         id desc limit 20",
        "select id from event where organization_id = 'a' order by id desc limit 1",
        "select organization_id from mail where lane = 1 and organization_id > 'a' order by \
         organization_id limit 1",
        "select domain from mail where lane = 1 and organization_id = 'a' and domain > 'b' order \
         by domain limit 1",
        "select * from mail where lane = 1 and organization_id = 'a' and domain = 'b' order by \
         due_at limit 1",
        "select 1 from mail where lane is null and due_at <= 1 limit 1",
        "select * from webhook_delivery where webhook_id = x'00' and state = 0 and lane = 1 and
         due_at <= 1
         order by due_at, id limit 8",
        "select min(due_at) from webhook_delivery where webhook_id = x'00' and state = 0 and \
         lane = 1",
        "select min(due_at) from webhook_delivery where webhook_id = x'00' and state = 0 and \
         lane is null",
        "select organization_id, id, expires_at from invitation indexed by invitation_lapse where \
         state = 0 and lapse = 0 and expires_at <= 1 order by expires_at limit 100",
        "select settings from organization where id = 'a'",
        "select 1 from purge where organization_id = 'a'",
        "select id, settings from organization where id > 'a' order by id limit 20",
    ];
    for query in queries {
        let mut statement = conn.prepare(query).expect(query);
        let rows = statement
            .query([])
            .and_then(|mut rows| rows.next().map(|row| row.is_some()));
        rows.expect(query);
        assert_eq!(
            statement.get_status(StatementStatus::FullscanStep),
            0,
            "{query}"
        );
        assert_eq!(statement.get_status(StatementStatus::Sort), 0, "{query}");
        let mut plan = conn
            .prepare(&format!("explain query plan {query}"))
            .expect(query);
        let plan: Vec<String> = plan
            .query_map([], |row| row.get(3))
            .expect(query)
            .flatten()
            .collect();
        assert!(
            plan.iter().all(|step| step.starts_with("SEARCH")),
            "{query}: {plan:?}"
        );
    }
}

#[test]
fn one_invitation_is_found_by_the_primary_key_alone() {
    let source = include_str!("../../src/invitation/store/mod.rs");
    let app = TestApp::serve();
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    let by_key = "SEARCH invitation USING PRIMARY KEY (organization_id=? AND id=?)";
    let texts = source.split('"').skip(1).step_by(2);
    let single = texts.filter(|text| {
        text.contains("from invitation not indexed")
            || text.contains("update invitation not indexed")
    });
    let mut count = 0;
    for sql in single {
        let sql = sql.replace("{COLUMNS}", "role");
        let mut plan = conn
            .prepare(&format!("explain query plan {sql}"))
            .expect(&sql);
        let none = vec![None::<i64>; plan.parameter_count()];
        let steps: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(none), |row| row.get(3))
            .expect(&sql)
            .flatten()
            .collect();
        assert_eq!(steps[0], by_key, "{sql}");
        count += 1;
    }
    assert_eq!(count, 5, "find, close, renew, update, delete");
    // The control: without the words SQLite takes the index of ids, and then the primary key.
    let sql =
        "explain query plan select role from invitation where organization_id = 'a' and id = x'00'";
    let taken: String = conn.query_row(sql, [], |row| row.get(3)).expect("a plan");
    assert_eq!(taken, "SEARCH invitation USING INDEX invitation_id (id=?)");
}

#[test]
fn the_count_for_a_cap_steps_over_nothing_but_invitations_that_count() {
    let app = TestApp::serve();
    let count = "explain query plan select count(*) from (
                   select 1 from invitation
                   where organization_id = 'a' and state = 0 and capped = 1 and expires_at > 0
                   limit 20)";
    let plan: Vec<String> = app
        .db_rows(count)
        .into_iter()
        .map(|row| row.concat())
        .collect();
    let search = "INDEX invitation_capped (organization_id=? AND expires_at>?)";
    assert!(plan.iter().any(|step| step.contains(search)), "{plan:?}");
}

#[test]
fn one_actor_has_1536_writes_waiting_at_most_others_find_room_and_all_that_wait_are_made() {
    let (_folder, db) = open();
    invited::server::block_on(async {
        let (release, released) = channel::<()>();
        let gate = tokio::task::spawn_local({
            let db = db.clone();
            async move {
                db.write(move |_| Ok(released.recv_timeout(Duration::from_secs(20)).is_err()))
                    .await
            }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let write = |db: &Db| {
            tokio::task::spawn_local({
                let db = db.clone();
                async move { db.write(|_| Ok(())).await }
            })
        };
        let mut waiting: Vec<_> = (0..1536).map(|_| write(&db)).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let refused = write(&db)
            .await
            .expect("it ran")
            .expect_err("it has enough waiting");
        assert_eq!(
            (refused.code, refused.retry_after_seconds),
            (Code::Overloaded, Some(1))
        );
        waiting.push(tokio::task::spawn_local({
            let db = db.clone();
            async move { db.write_as("another", Load::ONE, |_| Ok(())).await }
        }));
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(release);
        gate.await.expect("it ran").expect("it commits");
        for waiting in waiting {
            waiting.await.expect("it ran").expect("it commits");
        }
    });
}

#[test]
fn a_read_without_a_bound_is_stopped_after_five_seconds_and_leaves_its_connection_usable() {
    let (_folder, db) = open();
    invited::server::block_on(async {
        let endless = "with recursive n (x) as (select 1 union all select x + 1 from n) select \
            count(*) from n";
        let start = std::time::Instant::now();
        let read = db.read_long("test", move |reader| {
            Ok(reader.query_row(endless, [], |row| row.get::<_, i64>(0))?)
        });
        let stopped = read.await.expect_err("it never ends");
        assert_eq!(stopped.code, Code::ReadTimeout);
        assert!(
            (4..8).contains(&start.elapsed().as_secs()),
            "{:?}",
            start.elapsed()
        );
        db.read(|reader| reader.check())
            .expect("the connection is fine");
    });
}

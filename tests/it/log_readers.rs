//! Whoever reads for long in the server itself gives way to the write-ahead log; only another
//! process's reader lets it grow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use invited::base::clock::Clock;
use invited::base::error::{Code, Result};
use invited::base::ids::Ids;
use invited::db::{Db, Options, Reader, Synchronous, WriteTx};

use crate::support::process::Server;

/// How long a log gets under load: 64 MiB.
const MOST: u64 = 64 << 20;
/// Bytes that take up a quarter of a thousand pages.
const TEXT: u32 = 1_000_000;

/// The length of the log beside `database`.
fn log_length(database: &Path) -> u64 {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(PathBuf::from(log)).map_or(0, |log| log.len())
}

/// A new file with one organization.
async fn open(folder: &Path) -> Db {
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let db = Db::open(&folder.join("invited.db"), &options).expect("it opens");
    let sql = "insert into organization (id, created_at, updated_at) values ('acme', 0, 0)";
    db.write(|tx: &WriteTx<'_>| Ok(tx.execute(sql, [])?))
        .await
        .expect("it commits");
    db
}

/// Counts to `most` while it reads a table; none: without an end.
fn count(reader: &Reader<'_>, most: Option<u32>) -> Result<u32> {
    let sql = "with recursive n (x) as (select 1 union all select x + 1 from n where x < ?1)
        select count(*) from organization, n";
    let most = most.map_or(i64::MAX, i64::from);
    Ok(reader.query_row(sql, [most], |row| row.get(0))?)
}

/// Commits a text of this length.
async fn write(db: &Db, length: u32) {
    // Random, for SQLite does not write pages that stay as they are.
    let sql = "update organization set settings = hex(randomblob(?1 / 2))";
    let job = move |tx: &WriteTx<'_>| Ok(tx.execute(sql, [length])?);
    db.write(job).await.expect("it commits");
}

#[test]
fn long_reads_do_not_let_the_log_grow() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    invited::server::block_on(async {
        let db = open(folder.path()).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let reads: Vec<_> = (0..4)
            .map(|number| {
                let (db, is_over) = (db.clone(), Arc::clone(&is_over));
                let actor = number.to_string();
                tokio::task::spawn_local(async move {
                    // One begins after the other, so that there is never a moment without one.
                    tokio::time::sleep(Duration::from_millis(150 * number)).await;
                    while !is_over.load(Ordering::Relaxed) {
                        let read = db.read_long(&actor, |reader| count(reader, None));
                        let stopped = read.await.expect_err("it has no end");
                        assert_eq!(stopped.code, Code::ReadTimeout);
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut longest = 0;
        for _ in 0..150 {
            write(&db, TEXT).await;
            longest = longest.max(log_length(&database));
        }
        assert!((16 << 20..=MOST).contains(&longest), "{longest} bytes");
        is_over.store(true, Ordering::Relaxed);
        for read in reads {
            read.await.expect("it ran");
        }
        db.close();
    });
}

#[test]
fn a_long_read_that_gave_way_begins_again_and_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    invited::server::block_on(async {
        let db = open(folder.path()).await;
        let far = countable(&db);
        for _ in 0..10 {
            let begun = Arc::new(AtomicU32::new(0));
            let read = {
                let (db, begun) = (db.clone(), Arc::clone(&begun));
                tokio::task::spawn_local(async move {
                    let read = move |reader: &Reader<'_>| {
                        begun.fetch_add(1, Ordering::Relaxed);
                        count(reader, Some(far))
                    };
                    db.read_long("one", read).await
                })
            };
            while begun.load(Ordering::Relaxed) < 2 && !read.is_finished() {
                write(&db, 8 * TEXT).await;
            }
            assert_eq!(read.await.expect("it ran").expect("it ends"), far);
            if begun.load(Ordering::Relaxed) >= 2 {
                return db.close();
            }
        }
        panic!("none of them had to give way");
    });
}

/// How far this machine counts in about half a second.
fn countable(db: &Db) -> u32 {
    let mut far = 50_000;
    loop {
        let start = Instant::now();
        db.read(|reader| count(reader, Some(far)))
            .expect("it reads");
        if start.elapsed() > Duration::from_millis(400) {
            return far;
        }
        far *= 2;
    }
}

#[test]
fn a_reader_of_another_process_lets_the_log_grow_until_it_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    // One that could write would empty the log when it goes as the last.
    let reader = rusqlite::Connection::open_with_flags(
        &database,
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .expect("the file opens");
    reader
        .execute_batch("begin; select count(*) from sqlite_schema")
        .expect("it reads");
    let mut round = 0;
    while log_length(&database) <= MOST {
        let row = |number| {
            let email = format!("p{round}-{number}@b.co");
            serde_json::json!({"email": email, "role": "developer",
                "metadata": {"x": "y".repeat(3_000)}})
        };
        let rows: Vec<_> = (0..200).map(row).collect();
        let answer = server
            .request("POST", "/v1/organizations/acme/invitations/batch")
            .bearer(&key)
            .json(serde_json::json!({ "invitations": rows }).to_string())
            .send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        round += 1;
        assert!(round < 200, "the log does not grow");
    }
    drop(reader);
    let start = Instant::now();
    while log_length(&database) > 4 << 20 {
        assert!(start.elapsed() < Duration::from_secs(15), "it stays long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

//! The write-ahead log stays small, and leaves the disk of an idle server alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::snapshot::is_traced;
use crate::support::process::{Server, skipped};
use crate::support::{TestApp, invitations};

/// What a log may hold on to when there is nothing to do: 4 MiB.
const LITTLE: u64 = 4 << 20;

/// The length of the log beside `database`.
fn log_length(database: &Path) -> u64 {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(PathBuf::from(log)).map_or(0, |log| log.len())
}

/// A reader that keeps the log from being started over, as a program does that copies the file.
fn reader(database: &Path) -> Connection {
    // One that could write would empty the log when it goes as the last.
    let conn = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the file opens");
    conn.execute_batch("begin; select count(*) from sqlite_schema")
        .expect("it reads");
    conn
}

/// Writes a batch of invitations with large metadata to `send`, again and again, until the log is
/// `length` long.
fn grow(database: &Path, length: u64, send: &dyn Fn(String) -> u16) {
    let mut round = 0;
    while log_length(database) < length {
        let tag = fastrand::u64(..);
        let row = |number| {
            let email = format!("p{number}-{tag}@b.co");
            json!({"email": email, "role": "developer", "metadata": {"x": "y".repeat(3_000)}})
        };
        let rows: Vec<_> = (0..200).map(row).collect();
        assert_eq!(send(json!({ "invitations": rows }).to_string()), 200);
        round += 1;
        assert!(
            round < 200,
            "the log does not grow: {}",
            log_length(database)
        );
    }
}

/// What is promised for a log after some quiet.
const PROMISED: Duration = Duration::from_secs(10);

/// Waits until the log is at most `length` long: a minute. Returns how long that took.
fn wait_until_at_most(length: u64, database: &Path) -> Duration {
    let start = Instant::now();
    while log_length(database) > length {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{} bytes",
            log_length(database)
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    start.elapsed()
}

/// Checks that `quiet` takes no longer than is promised: where the machine was busy with something
/// else, most of three.
fn assert_promised(quiet: impl Fn() -> Duration) {
    let first = quiet();
    if first >= PROMISED {
        let others = [quiet(), quiet()];
        let is_kept = others.iter().all(|took| *took < PROMISED);
        assert!(is_kept, "{first:?} {others:?}");
    }
}

#[test]
fn a_log_that_load_left_long_is_cut_within_ten_seconds_of_quiet() {
    let app = TestApp::serve();
    for length in [6 << 20, 34 << 20, 52 << 20] {
        assert_promised(|| {
            let reader = reader(&app.database);
            grow(&app.database, length, &|body| {
                app.post("/v1/organizations/acme/invitations/batch", &body)
                    .status
            });
            drop(reader);
            wait_until_at_most(LITTLE, &app.database)
        });
    }
}

#[test]
fn a_log_that_load_left_long_is_cut_although_a_write_comes_now_and_then() {
    let app = TestApp::serve();
    assert_promised(|| {
        let reader = reader(&app.database);
        grow(&app.database, 6 << 20, &|body| {
            app.post("/v1/organizations/acme/invitations/batch", &body)
                .status
        });
        drop(reader);
        let start = Instant::now();
        while log_length(&app.database) > LITTLE {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "{} bytes",
                log_length(&app.database)
            );
            app.invite("globex", &format!("p{}@b.co", fastrand::u64(..)));
            std::thread::sleep(Duration::from_millis(40));
        }
        start.elapsed()
    });
}

#[test]
fn every_start_cuts_what_the_lives_before_it_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let mut server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    for length in [5 << 20, 9 << 20, 14 << 20] {
        let reader = reader(&database);
        let path = format!("{}/batch", invitations("acme"));
        grow(&database, length, &|body| {
            server
                .request("POST", &path)
                .bearer(&key)
                .json(body)
                .send()
                .status
        });
        server.signal("KILL");
        server.wait();
        drop(reader);
        assert!(log_length(&database) >= length);
        server = Server::serve(&database);
        assert!(
            log_length(&database) <= LITTLE,
            "{} bytes at the start",
            log_length(&database)
        );
    }
}

#[test]
fn an_idle_server_neither_writes_nor_syncs() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let (server, started) = (Server::serve(&database), Instant::now());
    let key = server.admin_key().expect("an admin key");
    let send = |body| {
        server
            .request("POST", &format!("{}/batch", invitations("acme")))
            .bearer(&key)
            .json(body)
            .send()
            .status
    };
    for length in [1, 100 << 10, 52 << 20] {
        let reader = reader(&database);
        grow(&database, length, &send);
        drop(reader);
        wait_until_at_most(0, &database);
        // When the key was last used is written every minute; what follows takes some seconds.
        let of_minute = started.elapsed().as_secs() % 60;
        if of_minute >= 35 {
            std::thread::sleep(Duration::from_secs(65 - of_minute));
            wait_until_at_most(0, &database);
        }
        let Some(trace) = trace(&server, &database, (length, &send)) else {
            return;
        };
        assert_eq!(trace, "", "after a log of {length} bytes");
    }
}

/// The writes and syncs of `server` within three seconds; none where that cannot be seen here.
fn trace(
    server: &Server,
    database: &Path,
    (round, send): (u64, &dyn Fn(String) -> u16),
) -> Option<String> {
    let calls = "trace=fdatasync,fsync,sync_file_range,pwrite64,pwritev,ftruncate,fallocate,\
                 unlink,rename,openat";
    let file = database.with_file_name("trace");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", "signal=none", "-e", calls, "-o"])
        .arg(&file)
        .args(["-p", &server.child.id().to_string()]);
    let Ok(mut strace) = strace.stderr(Stdio::null()).spawn() else {
        skipped("an idle server neither writes nor syncs: strace is not there");
        return None;
    };
    let start = Instant::now();
    while !is_traced(server.child.id()) {
        let is_over = strace.try_wait().is_ok_and(|ended| ended.is_some());
        if is_over || start.elapsed() > Duration::from_secs(20) {
            skipped("an idle server neither writes nor syncs: strace may not attach");
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // That it sees what there is.
    let body = json!({ "invitations": [{"email": format!("{round}@b.co"), "role": "developer"}] })
        .to_string();
    assert_eq!(send(body), 200);
    wait_until_at_most(0, database);
    std::thread::sleep(Duration::from_secs(2));
    let before = std::fs::read_to_string(&file).expect("a trace");
    assert!(
        before.contains("fdatasync") && before.contains("pwrite64"),
        "{before}"
    );
    std::thread::sleep(Duration::from_secs(3));
    let after = std::fs::read_to_string(&file).expect("a trace");
    strace.kill().expect("it is there");
    strace.wait().expect("it ends");
    Some(after[before.len()..].to_owned())
}

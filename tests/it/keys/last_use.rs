//! When keys were last used: what counts, when it is written, and that nothing waits or fails for
//! it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use invited::audit::By;
use invited::base::clock::{Clock, Timestamp};
use invited::base::error::Error;
use invited::base::ids::Ids;
use invited::base::mode::Mode;
use invited::db::{Db, Options, Synchronous, WriteTx};
use invited::key::last_use::LastUses;
use invited::key::token::KeyId;
use invited::key::{NewKey, Rights, Scope, manage, store};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::process::{Server, run};
use crate::support::{START, TestApp, forged, invitations};

/// So often tests have it written.
const EVERY: Duration = Duration::from_millis(30);

/// The time `millis` after the start, as it is shown.
fn at(millis: i64) -> Value {
    Timestamp::from_millis(START + millis).to_string().into()
}

/// When each key was last used as the file has it, by the start of the key.
fn written(app: &TestApp, key: &str) -> String {
    let sql = format!(
        "select cast(last_used_at as text) from api_key where id = '{}'",
        &key[4..20]
    );
    app.db_rows(&sql).concat().concat()
}

/// Waits until `is_so`.
fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never is");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The `lastUsedAt` that the admin key is shown of `key`.
fn shown(app: &TestApp, key: &str) -> Value {
    app.get(&format!("/v1/keys/{}", &key[4..20])).json()["lastUsedAt"].clone()
}

/// Uses a key for a read.
fn use_key(app: &TestApp, key: &str) -> u16 {
    app.anonymous("GET", &invitations("acme"))
        .bearer(key)
        .send()
        .status
}

#[test]
fn a_key_shows_when_it_was_last_used_and_one_that_never_was_shows_nothing() {
    let app = TestApp::serve().with_last_use_every(EVERY);
    let (used, unused) = (
        app.key(&[Scope::Read], &[], None),
        app.key(&[Scope::Read], &[], None),
    );
    assert_eq!(shown(&app, &used), Value::Null);
    for millis in [1_000, 90_000] {
        app.advance_to(millis);
        assert_eq!(use_key(&app, &used), 200);
        wait_until(|| shown(&app, &used) == at(millis));
    }
    let list = app.get("/v1/keys").json();
    let of_list = list
        .as_array()
        .expect("an array")
        .iter()
        .find(|key| key["id"] == used[4..20])
        .expect("the key");
    assert_eq!(of_list["lastUsedAt"], at(90_000));
    assert_eq!(shown(&app, &unused), Value::Null);
}

#[test]
fn only_accepted_requests_count_and_those_that_are_refused_for_less_than_the_key_do() {
    let app = TestApp::start(Mode::Serve, &["--limit-key", "1"]).with_last_use_every(EVERY);
    let limited = app.key(&[Scope::Read], &[], None);
    assert_eq!(
        (use_key(&app, &limited), use_key(&app, &limited)),
        (200, 429)
    );
    let ended = app.key(&[Scope::Read], &[], Some(Timestamp::from_millis(START)));
    assert_eq!(use_key(&app, &ended), 401);
    let foreign = app.key(&[Scope::Read], &["globex"], None);
    assert_eq!(use_key(&app, &foreign), 404);
    let linker = app.key(&[Scope::Link], &[], None);
    assert_eq!(use_key(&app, &forged(&app.key[4..20])), 401);
    wait_until(|| written(&app, &foreign) == format!("Some(\"{START}\")"));
    assert_eq!(
        (written(&app, &ended), written(&app, &linker)),
        ("None".to_owned(), "None".to_owned())
    );
    app.advance_to(1_000);
    assert_eq!(use_key(&app, &limited), 429);
    assert_eq!(use_key(&app, &linker), 403);
    wait_until(|| written(&app, &linker) == format!("Some(\"{}\")", START + 1_000));
    assert_eq!(
        written(&app, &limited),
        format!("Some(\"{START}\")"),
        "what a limit refuses is no use"
    );
}

#[test]
fn the_start_of_a_stream_counts() {
    let app = TestApp::serve().with_last_use_every(EVERY);
    let key = app.key(&[Scope::Read], &[], None);
    let mut stream = TcpStream::connect(app.address).expect("it connects");
    let head =
        "GET /v1/organizations/acme/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer";
    stream
        .write_all(format!("{head} {key}\r\n\r\n").as_bytes())
        .expect("it is sent");
    stream.read_exact(&mut [0; 12]).expect("it begins");
    wait_until(|| written(&app, &key) == format!("Some(\"{START}\")"));
}

#[test]
fn the_uses_of_all_keys_are_one_commit_and_no_use_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let db = Db::open(&folder.path().join("invited.db"), &options).expect("it opens");
    invited::server::block_on(async {
        let make = |tx: &WriteTx<'_>| {
            let new = NewKey {
                name: "n".to_owned(),
                rights: Rights::ALL,
                expires_at: None,
            };
            (0..300)
                .map(|_| Ok(manage::create_as(tx, &new, By::CLI)?.id))
                .collect::<Result<Vec<_>, Error>>()
        };
        let keys = db.write(make).await.expect("they are made");
        let uses = LastUses::default();
        for millis in 0..1_000 {
            keys.iter()
                .for_each(|key| uses.record(key, Timestamp::from_millis(START + millis)));
        }
        let before = db.commits();
        for commits in [1, 1, 1] {
            uses.write(&db).await;
            assert_eq!(
                db.commits() - before,
                commits,
                "what was written once is not written again"
            );
        }
        let last = |key: &KeyId| {
            db.read(|reader| store::find(reader, key))
                .expect("it reads")
                .expect("a key")
                .last_used_at
        };
        assert!(
            keys.iter()
                .all(|key| last(key) == Some(Timestamp::from_millis(START + 999)))
        );
    });
    db.close();
}

#[test]
fn what_cannot_be_written_fails_no_request_and_is_written_later() {
    let app = TestApp::serve().with_last_use_every(EVERY);
    let key = app.key(&[Scope::Read], &[], None);
    let conn = Connection::open(&app.database).expect("it opens");
    let refuse =
        "create trigger refuse before update on api_key begin select raise(abort, 'refused'); end";
    conn.execute_batch(refuse).expect("it is made");
    for _ in 0..20 {
        assert_eq!(use_key(&app, &key), 200);
        std::thread::sleep(EVERY / 3);
    }
    assert_eq!(written(&app, &key), "None");
    app.advance_to(5_000);
    conn.execute_batch("drop trigger refuse").expect("it goes");
    wait_until(|| written(&app, &key) == format!("Some(\"{START}\")"));
}

#[test]
fn a_stop_writes_what_a_kill_would_lose_and_the_command_shows_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let cell = |database: &Path| {
        let list = run(&["key", "list", "--database", &database.to_string_lossy()]).stdout;
        let list = String::from_utf8(list).expect("text");
        assert!(
            list.lines().next().expect("a header").contains("LAST USED"),
            "{list}"
        );
        list.lines()
            .nth(1)
            .expect("a key")
            .split_whitespace()
            .nth(4)
            .expect("a cell")
            .to_owned()
    };
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    let ask = |server: &Server| {
        server
            .request("GET", &invitations("acme"))
            .bearer(&key)
            .send()
            .status
    };
    assert_eq!(ask(&server), 200);
    server.signal("KILL");
    server.wait();
    assert_eq!(cell(&database), "never");
    let server = Server::serve(&database);
    assert_eq!(ask(&server), 200);
    assert_eq!(cell(&database), "never", "it is written once a minute");
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    assert!(
        Timestamp::parse(&cell(&database)).is_some(),
        "{}",
        cell(&database)
    );
}

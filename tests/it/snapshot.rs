//! What worker threads keep between requests never hides what was acknowledged, and holds up
//! nobody.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use invited::audit::By;
use invited::key::token::KeyId;
use invited::key::{self, NewKey, Rights};
use uuid::Uuid;

use crate::support::client::{Request, answer_kept};
use crate::support::process::{Server, skipped};
use crate::support::{TestApp, invitations};

/// A connection to `server` over which one request follows the other.
struct Connection(TcpStream);

impl Connection {
    /// Connects.
    fn to(server: &Server) -> Self {
        Self(TcpStream::connect(server.address).expect("it connects"))
    }

    /// The status of a list of one invitation with `key`.
    fn list(&mut self, server: &Server, key: &str) -> u16 {
        let path = format!("{}?limit=1", invitations("acme"));
        let request = Request::kept(server.address, "GET", &path).bearer(key);
        answer_kept(&mut self.0, &request.bytes()).status
    }
}

#[test]
fn a_key_that_is_revoked_beside_the_server_is_refused_at_the_next_request_a_thousand_times() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let path = database.to_string_lossy();
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--limit-address",
        "0",
        "--database",
        &path,
    ];
    let server = Server::start(&words);
    let new = NewKey {
        name: "beside".to_owned(),
        rights: Rights::ALL,
        expires_at: None,
    };
    let keys = invited::db::write_file(&database, |tx| {
        (0..1_000)
            .map(|_| key::manage::create_as(tx, &new, By::CLI))
            .collect::<invited::base::error::Result<Vec<_>>>()
    });
    let mut connections: Vec<_> = (0..4).map(|_| Connection::to(&server)).collect();
    for (number, plain) in keys.expect("keys").iter().enumerate() {
        let (key, id) = (
            plain.reveal(),
            KeyId::parse(plain.id.as_str()).expect("an id"),
        );
        let connection = &mut connections[number % 4];
        // The second time it is known.
        assert_eq!(connection.list(&server, &key), 200, "{number}");
        assert_eq!(connection.list(&server, &key), 200, "{number}");
        let revoked = invited::db::write_file(&database, |tx| key::store::revoke(tx, &id))
            .expect("it writes");
        assert!(revoked);
        assert_eq!(connection.list(&server, &key), 401, "{number}");
    }
}

#[test]
fn what_one_connection_was_told_is_seen_by_the_next_read_of_every_other() {
    let app = TestApp::serve();
    let (address, key) = (app.address, app.key.clone());
    let mut readers: Vec<_> = (0..6)
        .map(|_| TcpStream::connect(address).expect("it connects"))
        .collect();
    for number in 0..100 {
        let made = app.invite("acme", &format!("p{number}@b.co"));
        let path = format!(
            "{}/{}",
            invitations("acme"),
            made["id"].as_str().expect("an id")
        );
        for reader in &mut readers {
            let request = Request::kept(address, "GET", &path).bearer(&key);
            assert_eq!(
                answer_kept(reader, &request.bytes()).status,
                200,
                "{number}"
            );
        }
        let deleted = app.request("DELETE", &path).send();
        assert_eq!(deleted.status, 204);
        for reader in &mut readers {
            let request = Request::kept(address, "GET", &path).bearer(&key);
            assert_eq!(
                answer_kept(reader, &request.bytes()).status,
                404,
                "{number}"
            );
        }
    }
}

#[test]
fn reads_without_an_end_do_not_keep_the_log_from_being_emptied() {
    let app = TestApp::serve();
    let mut log = app.database.clone().into_os_string();
    log.push("-wal");
    let length = || std::fs::metadata(&log).map_or(0, |log| log.len());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(app.address).expect("it connects");
                let request = Request::kept(app.address, "GET", &invitations("acme"))
                    .bearer(&app.key)
                    .bytes();
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(answer_kept(&mut stream, &request).status, 200);
                }
            });
        }
        for round in 0..5 {
            app.invite("acme", &format!("p{round}@b.co"));
            let start = Instant::now();
            while length() > 0 {
                if start.elapsed() > Duration::from_secs(5) {
                    is_over.store(true, Ordering::Relaxed);
                    panic!("the log has {} bytes in round {round}", length());
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

/// The system calls of a server, as they are traced.
struct Trace {
    /// What traces.
    strace: Child,
    /// What it writes to.
    file: tempfile::NamedTempFile,
}

/// Whether every thread of a process is traced.
pub fn is_traced(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return false;
    };
    threads.flatten().all(|thread| {
        let status = std::fs::read_to_string(thread.path().join("status"));
        status.is_ok_and(|status| !status.contains("TracerPid:\t0\n"))
    })
}

impl Trace {
    /// Traces the calls of `server` that `which` chooses; none: this machine does not let us.
    fn start(server: &Server, which: &[&str]) -> Option<Self> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-e", "signal=none"])
            .args(which)
            .arg("-o")
            .arg(file.path())
            .args(["-p", &server.child.id().to_string()])
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut strace) = strace else {
            skipped("system calls of a get: strace is not there");
            return None;
        };
        let start = Instant::now();
        while !is_traced(server.child.id()) {
            let is_over = strace.try_wait().is_ok_and(|ended| ended.is_some());
            if is_over || start.elapsed() > Duration::from_secs(20) {
                skipped("system calls of a get: strace may not attach");
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        }
        Some(Self { strace, file })
    }

    /// Stops, and returns a line for each call.
    fn end(mut self) -> String {
        // What it holds back is written when it ends by itself.
        let process = self.strace.id().to_string();
        let asked = Command::new("kill").args(["-INT", &process]).status();
        assert!(asked.is_ok_and(|status| status.success()), "it is there");
        self.strace.wait().expect("it ends");
        std::fs::read_to_string(self.file.path()).expect("a trace")
    }
}

#[test]
fn a_get_of_one_of_many_reads_one_page_of_the_file() {
    const ROWS: usize = 20_000;
    const GETS: usize = 200;
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    let id = |number: usize| Uuid::from_u128((7 << 76) | (2 << 62) | (number as u128) << 80);
    invited::db::write_file(&database, |tx| {
        tx.execute("insert into organization values ('acme', null, 0, 0)", [])?;
        let sql = "insert into invitation (organization_id, id, email, role, state, created_at,
                     expires_at, updated_at, lapse)
                   values ('acme', ?1, ?2, 'member', 0, 0, 9e15, 0, 1)";
        let mut insert = tx.prepare(sql)?;
        for number in 0..ROWS {
            insert.execute((id(number).as_bytes(), format!("p{number}@b.co")))?;
        }
        Ok(())
    })
    .expect("it writes");
    wait_for_look_for_damage(&server);
    // The server walks through its invitations once, and may have their pages in memory. A commit of
    // another process has it forget them. What still lies in the log is read from there.
    thread::sleep(Duration::from_secs(1));
    let touch = "update organization set updated_at = 1";
    invited::db::write_file(&database, |tx| Ok(tx.execute(touch, [])?)).expect("it writes");
    let log = database.with_file_name("invited.db-wal");
    while std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        thread::sleep(Duration::from_millis(50));
    }
    let path = database.to_string_lossy();
    let Some(trace) = Trace::start(&server, &["-e", "trace=pread64", "-P", &path]) else {
        return;
    };
    let mut connection = TcpStream::connect(server.address).expect("it connects");
    for get in 0..GETS {
        // Far enough apart that none is on the page of another.
        let path = format!("{}/{}", invitations("acme"), id(get * ROWS / GETS));
        let request = Request::kept(server.address, "GET", &path).bearer(&key);
        assert_eq!(
            answer_kept(&mut connection, &request.bytes()).status,
            200,
            "{path}"
        );
    }
    let reads = trace.end().matches("pread64(").count();
    // The pages above the leaves are read once, and those of the schema and of the key.
    assert!((GETS..GETS + 80).contains(&reads), "{reads} reads");
}

/// Waits until the first look for damage is over: it reads the file and takes locks, once.
fn wait_for_look_for_damage(server: &Server) {
    let is_unchecked = || {
        let ready = server.request("GET", "/health/ready").send();
        ready.json()["integrity"] == "unchecked"
    };
    while is_unchecked() {
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_get_takes_no_locks_and_reads_no_page_but_looks_once_whether_anything_was_committed() {
    const GETS: usize = 1_000;
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("an admin key");
    wait_for_look_for_damage(&server);
    let Some(trace) = Trace::start(&server, &["-e", "trace=fcntl,pread64"]) else {
        return;
    };
    let mut connection = Connection::to(&server);
    let began = Instant::now();
    for _ in 0..GETS {
        assert_eq!(connection.list(&server, &key), 200);
    }
    let looks = usize::try_from(began.elapsed().as_millis() / 20).expect("few") + 1;
    let trace = trace.end();
    let heads = trace.matches("pread64(").count();
    let locks = trace.matches("fcntl(").count();
    // Each snapshot that is begun and ended takes some locks; so do the checkpointer's looks.
    let most = 12 * looks;
    assert!(locks <= most, "{locks} locks in {:?}", began.elapsed());
    assert!(
        (GETS..GETS + most).contains(&heads),
        "{heads} reads in {:?}",
        began.elapsed()
    );
}

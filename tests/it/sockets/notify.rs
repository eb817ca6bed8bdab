//! What systemd is told: by a datagram socket of our own in its place.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::process::{Server, wrapped};

/// What the service manager hears.
struct Manager {
    /// The folder of the data file and of the socket.
    folder: tempfile::TempDir,
    /// The socket.
    socket: UnixDatagram,
}

impl Manager {
    /// Listens.
    fn listen() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        Self { folder, socket }
    }

    /// Starts a server as a service with `variables`, in pairs.
    fn start(&self, variables: &[(&str, &str)]) -> Server {
        let mut command = wrapped("env", &["--default-signal=HUP"]);
        command
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .envs(variables.iter().copied())
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(self.database());
        Server::spawn(&mut command)
    }

    /// The data file.
    fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("invited.db")
    }

    /// The next message within `patience`, if there is one.
    fn hear(&self, patience: Duration) -> Option<String> {
        self.socket
            .set_read_timeout(Some(patience))
            .expect("a timeout can be set");
        let mut bytes = [0; 4096];
        let count = self.socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
    }

    /// The next message, which comes.
    fn next(&self) -> String {
        self.hear(Duration::from_secs(20)).expect("a message")
    }
}

/// Whether a message has a line.
fn says(message: &str, line: &str) -> bool {
    message.lines().any(|own| own == line)
}

#[test]
fn systemd_is_told_when_the_server_is_ready_reads_again_and_stops() {
    let manager = Manager::listen();
    let server = manager.start(&[]);
    let ready = manager.next();
    assert!(
        says(&ready, "READY=1") && says(&ready, "STATUS=serving"),
        "{ready}"
    );
    assert_eq!(server.request("GET", "/health/ready").send().status, 200);
    for _ in 0..2 {
        server.signal("HUP");
        let reloading = manager.next();
        assert!(says(&reloading, "RELOADING=1"), "{reloading}");
        let when = reloading
            .lines()
            .find_map(|line| line.strip_prefix("MONOTONIC_USEC=")?.parse::<u64>().ok());
        let uptime = std::fs::read_to_string("/proc/uptime").expect("text");
        let uptime: f64 = uptime
            .split(' ')
            .next()
            .expect("seconds")
            .parse()
            .expect("a number");
        let age = Duration::from_secs_f64(uptime)
            .as_micros()
            .abs_diff(when.expect("a time").into());
        assert!(age < 60_000_000, "{age}");
        assert!(says(&manager.next(), "READY=1"));
    }
    server.signal("TERM");
    let stopping = manager.next();
    assert!(says(&stopping, "STOPPING=1"), "{stopping}");
    assert_eq!(server.wait().0.code(), Some(0));
    assert_eq!(
        manager.hear(Duration::from_millis(100)),
        None,
        "no watchdog was asked for"
    );
}

#[test]
fn the_watchdog_hears_of_a_server_that_works() {
    let manager = Manager::listen();
    let server = manager.start(&[("WATCHDOG_USEC", "4000000")]);
    assert!(says(&manager.next(), "READY=1"));
    let mut last = Instant::now();
    for _ in 0..3 {
        let message = manager.next();
        assert!(says(&message, "WATCHDOG=1"), "{message}");
        let gap = last.elapsed();
        assert!(gap < Duration::from_secs(4), "{gap:?}");
        last = Instant::now();
    }
    drop(server);
}

#[test]
fn the_watchdog_of_another_process_is_left_alone() {
    for variables in [
        &[("WATCHDOG_USEC", "200000"), ("WATCHDOG_PID", "1")][..],
        &[("WATCHDOG_USEC", "0")],
        &[("WATCHDOG_USEC", "soon")],
    ] {
        let manager = Manager::listen();
        let _server = manager.start(variables);
        assert!(says(&manager.next(), "READY=1"));
        assert_eq!(manager.hear(Duration::from_secs(1)), None, "{variables:?}");
    }
}

/// Holds the data file's lock for writers, as a program that hangs does.
fn hold(database: &Path) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(database).expect("a data file");
    other
        .execute_batch("begin immediate")
        .expect("the lock is free");
    other
}

#[test]
fn the_watchdog_hears_nothing_of_a_server_whose_writer_hangs() {
    let manager = Manager::listen();
    let server = manager.start(&[("WATCHDOG_USEC", "1000000")]);
    assert!(says(&manager.next(), "READY=1"));
    assert!(says(&manager.next(), "WATCHDOG=1"));
    let other = hold(&manager.database());
    // What had begun before may still end.
    std::thread::sleep(Duration::from_millis(500));
    while manager.hear(Duration::from_millis(1)).is_some() {}
    assert_eq!(
        server.request("GET", "/health/live").send().status,
        200,
        "its threads turn"
    );
    assert_eq!(manager.hear(Duration::from_secs(3)), None);
    drop(other);
    assert!(says(&manager.next(), "WATCHDOG=1"), "it works again");
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(printed.contains("does not answer itself"), "{printed}");
}

#[test]
fn a_server_is_not_ready_before_its_writer_is() {
    let manager = Manager::listen();
    let first = manager.start(&[]);
    assert!(says(&manager.next(), "READY=1"));
    drop(first);
    let other = hold(&manager.database());
    let server = manager.start(&[]);
    assert_eq!(manager.hear(Duration::from_secs(2)), None);
    drop(other);
    assert!(says(&manager.next(), "READY=1"));
    drop(server);
}

#[test]
fn a_service_manager_that_is_gone_stops_nobody() {
    let manager = Manager::listen();
    let server = manager.start(&[("NOTIFY_SOCKET", "/nonexistent/notify")]);
    assert_eq!(server.request("GET", "/health/ready").send().status, 200);
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(printed.contains("systemd cannot be told"), "{printed}");
}

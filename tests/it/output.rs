//! What a server says on stderr never holds up a request, a start or a stop, whoever reads it.

use std::io::{PipeReader, Read, Write, pipe};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Request;
use crate::support::endpoint::Endpoint;
use crate::support::process::{Server, invited, signal, wait_unread};

/// What a pipe takes before its writer waits.
const PIPE: usize = 64 * 1024;

/// A pipe that takes `room` bytes more, and its end that nobody reads.
fn nearly_full(room: usize) -> (PipeReader, Stdio) {
    let (reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&vec![b'.'; PIPE - room]).expect("it fits");
    (reader, writer.into())
}

/// A port that is free at this moment.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
}

/// Waits until a server listens on `address`.
fn wait_listening(address: SocketAddr) {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "it does not listen"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn requests_and_a_stop_go_on_while_nobody_reads_the_log_and_what_was_dropped_is_counted() {
    for (level, lines_of_request) in [("debug", 2), ("trace", 3)] {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("invited.db");
        let words = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log",
            level,
            "--database",
            &database.to_string_lossy(),
        ];
        let mut server = Server::start(&words);
        // Each line has more than 64 bytes: so many fill the pipe and the queue, and more.
        let requests = (PIPE / 64 + 1_024) / lines_of_request + 500;
        let mut slowest = Duration::ZERO;
        for _ in 0..requests {
            let start = Instant::now();
            assert_eq!(server.request("GET", "/health/live").send().status, 200);
            slowest = slowest.max(start.elapsed());
        }
        assert!(slowest < Duration::from_secs(2), "{level}: {slowest:?}");
        server.signal("TERM");
        let (status, took) = server.wait_unread();
        assert!(
            status.code() == Some(0) && took < Duration::from_secs(5),
            "{level}: {status} after {took:?}"
        );
    }
}

#[test]
fn whoever_reads_again_is_told_how_much_was_dropped() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "debug",
        "--database",
        &database.to_string_lossy(),
    ];
    let server = Server::start(&words);
    for _ in 0..2_000 {
        assert_eq!(server.request("GET", "/health/live").send().status, 200);
    }
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0));
    let told: Vec<_> = printed
        .lines()
        .filter(|line| line.contains("lines were dropped"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let dropped: u64 = told[0]
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .next()
        .expect("a number");
    assert!((500..4_000).contains(&dropped), "{dropped}");
}

#[test]
fn a_start_and_a_stop_do_not_wait_for_room_in_a_pipe() {
    for room in [0, 10, 200] {
        let folder = tempfile::tempdir().expect("a folder");
        let (_reader, stderr) = nearly_full(room);
        let address = free_port();
        let mut command = invited();
        command
            .args(["serve", "--listen", &address.to_string(), "--database"])
            .arg(folder.path().join("invited.db"));
        let mut child = command
            .stdin(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("it starts");
        wait_listening(address);
        assert_eq!(
            Request::new(address, "GET", "/health/ready").send().status,
            200,
            "room for {room}"
        );
        signal(&child, "TERM");
        let (status, took) = wait_unread(&mut child);
        assert!(
            status.code() == Some(0) && took < Duration::from_secs(5),
            "room for {room}: {status} after {took:?}"
        );
    }
}

#[test]
fn a_start_that_fails_ends_although_nobody_reads_why() {
    for words in [
        &["serve", "--listen", "192.0.2.1:0"][..],
        &["dev", "--listen", "0.0.0.0:0"],
        &["key", "list"],
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (_reader, stderr) = nearly_full(0);
        let mut command = invited();
        command
            .args(words)
            .arg("--database")
            .arg(folder.path().join("invited.db"));
        let mut child = command
            .stdin(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("it starts");
        let (status, took) = wait_unread(&mut child);
        assert!(
            status.code().is_some_and(|code| code > 0),
            "{words:?}: {status}"
        );
        assert!(took < Duration::from_secs(5), "{words:?}: {took:?}");
    }
}

#[test]
fn a_reader_of_the_log_that_goes_away_takes_nothing_along() {
    for level in ["info", "debug", "trace"] {
        let folder = tempfile::tempdir().expect("a folder");
        let (reader, stderr) = nearly_full(100);
        let address = free_port();
        let mut command = invited();
        command.args([
            "serve",
            "--log",
            level,
            "--listen",
            &address.to_string(),
            "--database",
        ]);
        command.arg(folder.path().join("invited.db"));
        let mut child = command
            .stdin(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("it starts");
        wait_listening(address);
        drop(reader);
        for _ in 0..50 {
            assert_eq!(
                Request::new(address, "GET", "/health/ready").send().status,
                200,
                "{level}"
            );
        }
        signal(&child, "TERM");
        assert_eq!(wait_unread(&mut child).0.code(), Some(0), "{level}");
    }
}

#[test]
fn the_log_tells_no_url_of_a_webhook_and_nothing_of_what_is_no_http_whatever_it_may_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "trace",
        "--webhook-allow",
        "127.0.0.1/32",
        "--database",
        &database.to_string_lossy(),
    ];
    let server = Server::start(&words);
    let key = server.admin_key().expect("an admin key");
    let endpoint = Endpoint::start();
    let url = format!("{}/hidden-path?token=hidden", endpoint.url());
    let post = |path: &str, body: serde_json::Value| {
        let answer = server.request("POST", path).bearer(&key);
        let answer = answer.json(body.to_string()).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    post("/v1/webhooks", json!({ "url": url }));
    post(
        "/v1/organizations/acme/invitations",
        json!({"email": "a@b.co", "role": "developer"}),
    );
    endpoint.wait(1);
    for nonsense in ["GET /\u{1} HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address).expect("it connects");
        stream.write_all(nonsense.as_bytes()).expect("it takes it");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
    }
    server.signal("TERM");
    let (_, _, log) = server.wait();
    assert!(log.contains("TRACE"), "the control: {log}");
    for told in ["hidden", "stream error"] {
        assert!(!log.contains(told), "{log}");
    }
}

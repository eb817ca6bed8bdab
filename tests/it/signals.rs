//! What ends a server, what does not, and what becomes of the requests that it has.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::process::{Server, after, raise_descriptors, wrapped};
use crate::support::{Answer, Request, client, invitations, terminal};

/// A server on a new file, which ignores no signal even if the tests do.
fn serve(folder: &Path) -> Server {
    let mut command = wrapped("env", &["--default-signal"]);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database"])
        .arg(folder.join("invited.db"));
    Server::spawn(&mut command)
}

/// A server at a terminal of its own, which goes away with what is returned besides.
fn serve_at_terminal(folder: &Path) -> (Server, File) {
    let (terminal, end) = terminal::open();
    let mut command = wrapped("setsid", &["--ctty", "env", "--default-signal=HUP"]);
    command
        .stdin(end)
        .args(["serve", "--listen", "127.0.0.1:0", "--database"])
        .arg(folder.join("invited.db"));
    (Server::spawn_kept(&mut command), terminal)
}

/// Sends a signal without a program between.
fn send(server: &Server, signal: Signal) {
    let pid = i32::try_from(server.child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process");
    kill_process(pid, signal).expect("it is there");
}

/// A whole request for an invitation, after which the connection is kept.
fn create(address: SocketAddr, key: &str, email: &str) -> Vec<u8> {
    let body = json!({ "email": email, "role": "developer" }).to_string();
    Request::kept(address, "POST", &invitations("acme"))
        .bearer(key)
        .json(body)
        .bytes()
}

/// What comes until the server closes.
fn rest_of(mut stream: TcpStream) -> Answer {
    stream
        .set_read_timeout(Some(Duration::from_secs(15)))
        .expect("a timeout can be set");
    let mut read = Vec::new();
    // A connection that is reset has no answer.
    let _ = stream.read_to_end(&mut read);
    Answer::parse(&read)
}

#[test]
fn a_terminal_that_goes_away_ends_a_server_as_sigterm_does() {
    for in_flight in [0, 1, 20] {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, terminal) = serve_at_terminal(folder.path());
        let key = server.admin_key().expect("an admin key");
        let path = "/v1/organizations/acme/events/stream";
        server
            .request("PUT", "/v1/organizations/acme")
            .bearer(&key)
            .json("{}")
            .send();
        let begun: Vec<_> = (0..in_flight)
            .map(|_| {
                let mut stream = TcpStream::connect(server.address).expect("it accepts");
                stream
                    .write_all(
                        &Request::new(server.address, "GET", path)
                            .bearer(&key)
                            .bytes(),
                    )
                    .expect("it is sent");
                let mut first = [0; 15];
                stream.read_exact(&mut first).expect("it begins");
                stream
            })
            .collect();
        drop(terminal);
        // Shells say so once more: that is no second signal.
        std::thread::sleep(Duration::from_millis(in_flight));
        send(&server, Signal::HUP);
        for mut stream in begun {
            let mut rest = String::new();
            stream.read_to_string(&mut rest).expect("it ends well");
            assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
        }
        let (status, took, _) = server.wait();
        assert!(
            status.code() == Some(0) && took < Duration::from_secs(5),
            "{status} after {took:?}"
        );
        let log =
            std::fs::metadata(folder.path().join("invited.db-wal")).map_or(0, |log| log.len());
        assert_eq!(log, 0);
    }
}

#[test]
fn a_server_that_was_started_to_outlive_its_terminal_does() {
    for (program, words) in [
        ("nohup", &[][..]),
        ("env", &["--ignore-signal=HUP"]),
        ("sh", &["-c", "trap '' HUP; exec \"$0\" \"$@\""]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = wrapped(program, words);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(folder.path().join("invited.db"));
        let server = Server::spawn(&mut command);
        for _ in 0..3 {
            send(&server, Signal::HUP);
            std::thread::sleep(Duration::from_millis(150));
            assert_eq!(
                server.request("GET", "/health/ready").send().status,
                200,
                "{program}"
            );
        }
        send(&server, Signal::TERM);
        assert_eq!(server.wait().0.code(), Some(0), "{program}");
    }
}

#[test]
fn a_hangup_while_the_terminal_is_there_or_never_was_stops_nobody() {
    for has_terminal in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, terminal) = if has_terminal {
            let (server, terminal) = serve_at_terminal(folder.path());
            (server, Some(terminal))
        } else {
            let mut command = wrapped("setsid", &["env", "--default-signal=HUP"]);
            command
                .args(["serve", "--listen", "127.0.0.1:0", "--database"])
                .arg(folder.path().join("invited.db"));
            (Server::spawn(&mut command), None)
        };
        for _ in 0..3 {
            send(&server, Signal::HUP);
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(server.request("GET", "/health/ready").send().status, 200);
        }
        send(&server, Signal::TERM);
        let (status, _, printed) = server.wait();
        assert_eq!(status.code(), Some(0), "{printed}");
        assert!(printed.contains("nothing to read again"), "{printed}");
        drop(terminal);
    }
}

#[test]
fn whole_requests_that_lie_in_the_socket_when_a_stop_is_asked_for_are_answered() {
    raise_descriptors();
    for (is_used, pause_ms) in [
        (false, 0),
        (false, 1),
        (false, 2),
        (true, 0),
        (true, 1),
        (true, 5),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve(folder.path());
        let key = server.admin_key().expect("an admin key");
        let mut streams: Vec<_> = (0..200)
            .map(|_| TcpStream::connect(server.address).expect("it accepts"))
            .collect();
        if is_used {
            let live = Request::kept(server.address, "GET", "/health/live").bytes();
            streams
                .iter_mut()
                .for_each(|stream| assert_eq!(client::answer_kept(stream, &live).status, 200));
        }
        let requests: Vec<_> = (0..200)
            .map(|n| create(server.address, &key, &format!("p{n}@b.co")))
            .collect();
        for (stream, request) in streams.iter_mut().zip(&requests) {
            stream.write_all(request).expect("it is sent");
        }
        std::thread::sleep(Duration::from_millis(pause_ms));
        send(&server, Signal::TERM);
        let statuses: Vec<_> = streams
            .into_iter()
            .map(|stream| rest_of(stream).status)
            .collect();
        let unanswered = statuses.iter().filter(|&&status| status != 201).count();
        assert_eq!(
            unanswered, 0,
            "used before: {is_used}, {pause_ms} ms: {statuses:?}"
        );
        let (status, _, printed) = server.wait();
        assert_eq!(status.code(), Some(0));
        assert!(!printed.contains("ERROR"), "{printed}");
    }
}

#[test]
fn from_a_stop_on_answers_close_their_connections_and_soon_nobody_else_gets_one() {
    let mut refused_after = Vec::new();
    let soon = Duration::from_millis(100);
    // On a busy machine one may take longer: the quickest counts.
    for signal in [Some(Signal::TERM), Some(Signal::INT), None].repeat(4) {
        if refused_after.len() >= 3 && refused_after.iter().min() < Some(&soon) {
            break;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (server, terminal) = serve_at_terminal(folder.path());
        let live = Request::kept(server.address, "GET", "/health/live").bytes();
        let mut kept = TcpStream::connect(server.address).expect("it accepts");
        assert_eq!(
            client::answer_kept(&mut kept, &live).header("connection"),
            None
        );
        let _terminal = match signal {
            Some(signal) => {
                send(&server, signal);
                Some(terminal)
            }
            None => {
                drop(terminal);
                None
            }
        };
        let start = Instant::now();
        let mut answer = client::answer_kept(&mut kept, &live);
        // On a busy machine a signal takes a while.
        while answer.header("connection").is_none() && start.elapsed() < Duration::from_secs(10) {
            answer = client::answer_kept(&mut kept, &live);
        }
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, Some("close")),
            "{signal:?}"
        );
        while TcpStream::connect(server.address).is_ok() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "it goes on to accept"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        refused_after.push(start.elapsed());
        assert_eq!(server.wait().0.code(), Some(0));
    }
    assert!(
        refused_after.iter().min() < Some(&soon),
        "{refused_after:?}"
    );
}

#[test]
fn a_limit_of_the_size_of_files_fails_writes_and_ends_nobody() {
    // In blocks of 512 or 1,024 bytes: the shell decides.
    for blocks in [1_000, 1_500, 2_500] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = after(&format!("ulimit -f {blocks}"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(folder.path().join("invited.db"));
        let server = Server::spawn(&mut command);
        let key = server.admin_key().expect("an admin key");
        let (mut made, mut refused) = (0, 0);
        while refused < 3 {
            let rows: Vec<_> = (0..100)
                .map(|n| {
                    json!({ "email": format!("p{made}-{n}@b.co"), "role": "r",
                    "metadata": {"x": "y".repeat(2_000)} })
                })
                .collect();
            let body = json!({ "invitations": rows }).to_string();
            let path = format!("{}/batch", invitations("acme"));
            match server
                .request("POST", &path)
                .bearer(&key)
                .json(body)
                .send()
                .status
            {
                200 => made += 1,
                status => {
                    assert!(status >= 500, "{status}");
                    refused += 1;
                }
            }
            assert!(made < 100, "it has no limit");
        }
        assert_eq!(
            server
                .request("GET", &invitations("acme"))
                .bearer(&key)
                .send()
                .status,
            200,
            "{blocks}"
        );
        send(&server, Signal::TERM);
        assert_eq!(server.wait().0.code(), Some(0), "{blocks}");
    }
}

#[test]
fn any_other_signal_ends_a_server_at_once_and_loses_nothing() {
    for signal in [Signal::QUIT, Signal::USR1, Signal::USR2, Signal::ALARM] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve(folder.path());
        let key = server.admin_key().expect("an admin key");
        let mut kept = TcpStream::connect(server.address).expect("it accepts");
        let created = client::answer_kept(&mut kept, &create(server.address, &key, "a@b.co"));
        assert_eq!(created.status, 201);
        send(&server, signal);
        let (status, took, _) = server.wait();
        assert!(
            status.code().is_none() && took < Duration::from_secs(1),
            "{signal:?}: {status} after {took:?}"
        );
        let again = serve(folder.path());
        let list = again
            .request("GET", &invitations("acme"))
            .bearer(&key)
            .send()
            .json();
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{signal:?}");
    }
}

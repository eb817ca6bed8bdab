//! Sockets of paths: who may connect, what stands in the way, what is left behind.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::http::connection::Deadlines;

use super::{by_unix, live, places, serve, stop_before_answers};
use crate::support::process::{Server, run};
use crate::support::{Answer, Request, TestApp, client, invitations};

/// A folder, and a path for a socket in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("invited.sock");
    (folder, socket)
}

/// The mode of a file.
fn mode(path: &Path) -> u32 {
    let file = fs::symlink_metadata(path).expect("it is there");
    file.permissions().mode() & 0o7777
}

/// Tries to start a server on `place` in vain.
fn refused(folder: &Path, place: &str) -> (Output, String) {
    let database = folder.join("other.db");
    let database = database.to_string_lossy();
    let output = run(&["serve", "--listen", place, "--database", &database]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    (output, printed)
}

#[test]
fn whoever_the_mode_lets_may_connect_whatever_the_umask() {
    for (query, wanted) in [("", 0o660), ("?mode=600", 0o600), ("?mode=0666", 0o666)] {
        for umask in ["000", "077", "027"] {
            let (folder, socket) = place();
            let mut command = crate::support::process::after(&format!("umask {umask}"));
            command
                .args(["serve", "--listen"])
                .arg(format!("unix:{}{query}", socket.display()))
                .arg("--database")
                .arg(folder.path().join("invited.db"));
            let server = Server::spawn(&mut command);
            assert_eq!(mode(&socket), wanted, "{query}, umask {umask}");
            assert_eq!(by_unix(&socket, &live()).status, 200);
            let curl = server.banner.last().expect("a call");
            let call = format!("--unix-socket {} http://localhost/v1/", socket.display());
            assert!(curl.contains(&call), "{curl}");
        }
    }
}

#[test]
fn the_first_call_names_the_socket_as_a_shell_reads_it() {
    for name in ["my sockets", "it's", "$HOME;x"] {
        let (folder, _) = place();
        let socket = folder.path().join(name);
        let mut command = crate::support::process::invited();
        command.args(["serve", "--listen"]);
        command.arg(format!("unix:{}", socket.display()));
        command
            .arg("--database")
            .arg(folder.path().join("invited.db"));
        let server = Server::spawn(&mut command);
        let call = server.banner.last().expect("a call");
        let words = call.trim().strip_prefix("curl ").expect("a call by curl");
        let mut shell = std::process::Command::new("sh");
        let output = shell
            .args(["-c", &format!("KEY=k; printf '%s\\n' {words}")])
            .output();
        let words = String::from_utf8(output.expect("a shell").stdout).expect("text");
        let word = words
            .lines()
            .skip_while(|word| *word != "--unix-socket")
            .nth(1);
        assert_eq!(word.map(Path::new), Some(&*socket), "{call}");
    }
}

#[test]
fn the_socket_of_a_server_that_was_killed_is_replaced_and_a_live_one_is_not() {
    let (folder, socket) = place();
    let unix = format!("unix:{}", socket.display());
    let mut server = serve(folder.path(), &[&unix]);
    for _ in 0..3 {
        let (_, printed) = refused(folder.path(), &unix);
        assert!(
            printed.contains("another program listens there"),
            "{printed}"
        );
        assert_eq!(by_unix(&socket, &live()).status, 200, "it lives on");
        server.signal("KILL");
        server.wait_unread();
        assert!(socket.exists(), "nobody could remove it");
        server = serve(folder.path(), &[&unix]);
        assert_eq!(by_unix(&socket, &live()).status, 200);
    }
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn nothing_but_a_dead_socket_is_ever_replaced() {
    let (folder, socket) = place();
    let unix = format!("unix:{}", socket.display());
    let target = folder.path().join("target");
    fs::write(&target, "text").expect("a file");
    let make: [(&str, &dyn Fn()); 4] = [
        ("a file", &|| fs::write(&socket, "text").expect("a file")),
        ("a folder", &|| fs::create_dir(&socket).expect("a folder")),
        ("a link", &|| {
            std::os::unix::fs::symlink(&target, &socket).expect("a link");
        }),
        ("a dangling link", &|| {
            std::os::unix::fs::symlink("nowhere", &socket).expect("a link");
        }),
    ];
    for (what, make) in make {
        make();
        let (_, printed) = refused(folder.path(), &unix);
        assert!(
            printed.contains("a file that is no socket"),
            "{what}: {printed}"
        );
        let _ = fs::remove_file(&socket).or_else(|_| fs::remove_dir(&socket));
    }
    assert_eq!(fs::read(&target).expect("it is there"), b"text");
    let full = UnixListener::bind(&socket).expect("a socket");
    rustix::net::listen(&full, 0).expect("a short queue");
    let waiting = UnixStream::connect(&socket).expect("the one place");
    let (_, printed) = refused(folder.path(), &unix);
    assert!(
        printed.contains("another program listens there"),
        "{printed}"
    );
    drop((full, waiting));
    fs::remove_file(&socket).expect("it was left");
    let other_kind = UnixDatagram::bind(&socket).expect("a socket");
    let (_, printed) = refused(folder.path(), &unix);
    assert!(
        printed.contains("another program listens there"),
        "{printed}"
    );
    assert!(
        fs::symlink_metadata(&socket)
            .expect("left")
            .file_type()
            .is_socket()
    );
    drop(other_kind);
}

#[test]
fn a_path_that_cannot_be_had_has_a_hint_of_its_own() {
    let (folder, socket) = place();
    let path = folder.path().join("no/s");
    let (_, printed) = refused(folder.path(), &format!("unix:{}", path.display()));
    assert!(printed.contains("cannot listen on unix:"), "{printed}");
    assert!(printed.contains("make its folder"), "{printed}");
    assert!(!socket.exists());
}

#[test]
fn a_stop_leaves_what_another_server_has_put_at_the_path() {
    let (folder, socket) = place();
    let server = serve(folder.path(), &[&format!("unix:{}", socket.display())]);
    fs::remove_file(&socket).expect("it is there");
    let other = UnixListener::bind(&socket).expect("the path is free");
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    assert!(UnixStream::connect(&socket).is_ok());
    drop(other);
}

#[test]
fn requests_that_lie_in_a_socket_are_answered_before_a_stop_and_then_nobody_connects() {
    let (folder, socket) = place();
    let server = serve(
        folder.path(),
        &[&format!("unix:{}", socket.display()), "127.0.0.1:0"],
    );
    let key = server.admin_key().expect("an admin key");
    let create = |n: usize| {
        let request = Request::kept(server.address, "POST", &invitations("acme"));
        let body = format!(r#"{{"email":"p{n}@b.co","role":"r"}}"#);
        request.bearer(&key).json(body).bytes()
    };
    let connect = |n| {
        let mut stream = UnixStream::connect(&socket).expect("it accepts");
        stream.write_all(&create(n)).expect("it is sent");
        stream
    };
    let live = Request::kept(server.address, "GET", "/health/live").bytes();
    let mut other = TcpStream::connect(server.address).expect("it accepts");
    let mut streams = Vec::new();
    stop_before_answers(
        &server,
        &folder.path().join("invited.db"),
        || streams.extend((0..100).map(connect)),
        || client::answer_kept(&mut other, &live).header("connection") == Some("close"),
    );
    for mut stream in streams {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it ends well");
        let answer = Answer::parse(&answer);
        assert_eq!(
            (answer.status, answer.header("connection")),
            (201, Some("close"))
        );
    }
    let start = Instant::now();
    while UnixStream::connect(&socket).is_ok() {
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "it goes on to accept"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    let (status, took, _) = server.wait();
    assert!(
        status.code() == Some(0) && took < Duration::from_secs(5),
        "{status}"
    );
}

/// A server in this process on TCP and on a socket, with these settings besides.
fn in_process(socket: &Path, settings: &[&str]) -> TestApp {
    let unix = format!("unix:{}", socket.display());
    let settings: Vec<_> = ["--listen", &unix]
        .iter()
        .chain(settings)
        .copied()
        .collect();
    TestApp::start(Mode::Serve, &settings)
}

#[test]
fn whoever_sends_half_a_head_or_reads_nothing_is_cut_off() {
    let (_folder, socket) = place();
    let app = in_process(&socket, &[]).with_deadlines(Deadlines {
        head: Duration::from_secs(1),
        write: Duration::from_secs(1),
        ..Deadlines::default()
    });
    let answer = by_unix(&socket, b"GET /health/live HTTP/1.1\r\nHost: x\r\n");
    assert_eq!(answer.status, 408);
    let rows: Vec<_> = (0..500)
        .map(|n| {
            format!(
                r#"{{"email":"p{n}@b.co","role":"r","metadata":{{"x":"{}"}}}}"#,
                "y".repeat(2_000)
            )
        })
        .collect();
    let batch = format!("{}/batch", invitations("acme"));
    let body = format!(r#"{{"invitations":[{}]}}"#, rows.join(","));
    assert_eq!(app.post(&batch, &body).status, 200);
    let mut unread = UnixStream::connect(&socket).expect("it accepts");
    let list = Request::new(app.address, "GET", &invitations("acme"));
    unread
        .write_all(&list.bearer(&app.key).bytes())
        .expect("it is sent");
    std::thread::sleep(Duration::from_secs(3));
    let mut bytes = Vec::new();
    let _ = unread.read_to_end(&mut bytes);
    assert!(bytes.len() < 512 * 1024, "{} bytes", bytes.len());
    assert!(!bytes.ends_with(b"0\r\n\r\n"), "it was cut off");
}

#[test]
fn a_proxy_on_a_socket_is_believed_only_where_it_is_named() {
    let ask = |socket: &Path, client: &str| {
        let request = Request::new(([127, 0, 0, 1], 1).into(), "GET", &invitations("acme"));
        by_unix(socket, &request.header("X-Forwarded-For", client).bytes()).status
    };
    let (_folder, socket) = place();
    let _app = in_process(&socket, &["--limit-address", "1"]);
    assert_eq!(ask(&socket, "1.1.1.1"), 401);
    assert_eq!(
        ask(&socket, "2.2.2.2"),
        429,
        "all who come by the socket are one"
    );
    let (_folder, socket) = place();
    let app = in_process(
        &socket,
        &[
            "--limit-address",
            "1",
            "--trusted-proxies",
            "10.0.0.0/8,unix",
        ],
    );
    assert_eq!(ask(&socket, "1.1.1.1"), 401);
    assert_eq!(ask(&socket, "2.2.2.2, 10.0.0.7"), 401);
    assert_eq!(ask(&socket, "1.1.1.1"), 429);
    let by_tcp = app.anonymous("GET", &invitations("acme"));
    let by_tcp = by_tcp.header("X-Forwarded-For", "3.3.3.3").send();
    assert_eq!(by_tcp.status, 401);
    let again = app.anonymous("GET", &invitations("acme"));
    let again = again.header("X-Forwarded-For", "4.4.4.4").send();
    assert_eq!(again.status, 429, "who comes by TCP is not believed");
}

#[test]
fn a_server_without_a_port_says_so_in_its_banner() {
    let (folder, socket) = place();
    let unix = format!("unix:{}", socket.display());
    let server = serve(folder.path(), &[&unix]);
    assert_eq!(places(&server), [unix]);
    let console = server.banner_value("console").expect("a console");
    assert!(console.starts_with("http://localhost/console"), "{console}");
}

#[test]
fn the_log_says_that_a_client_came_by_a_socket() {
    let (folder, socket) = place();
    let mut command = crate::support::process::invited();
    command
        .args(["serve", "--access-log", "on", "--listen"])
        .arg(format!("unix:{},127.0.0.1:0", socket.display()))
        .arg("--database")
        .arg(folder.path().join("invited.db"));
    let server = Server::spawn(&mut command);
    by_unix(
        &socket,
        &Request::new(server.address, "GET", "/v1/organizations").bytes(),
    );
    server.signal("TERM");
    let (_, _, printed) = server.wait();
    assert!(printed.contains(" client=unix"), "{printed}");
}

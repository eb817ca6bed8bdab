//! Sockets that systemd hands over.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{by_unix, live, places};
use crate::support::Request;
use crate::support::process::{Server, skipped, wrapped};

/// The binary as systemd starts it with the sockets `one` and `other`, and `names` for them.
fn activated(one: impl Into<OwnedFd>, other: impl Into<OwnedFd>, names: &str) -> Command {
    started_with(
        one,
        other,
        &format!("LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES={names}"),
    )
}

/// The binary with two descriptors and these variables.
fn started_with(one: impl Into<OwnedFd>, other: impl Into<OwnedFd>, variables: &str) -> Command {
    let script =
        format!("exec 3<&0 4>&1 </dev/null >/dev/null; export {variables}; exec \"$0\" \"$@\"");
    let mut command = wrapped("sh", &["-c", &script]);
    command.stdin(one.into()).stdout(other.into());
    command
}

/// Runs `command` as a server on a new file in `folder`.
fn serve(command: &mut Command, folder: &Path, words: &[&str]) -> Server {
    command
        .arg("serve")
        .args(words)
        .arg("--database")
        .arg(folder.join("invited.db"));
    command.stderr(Stdio::piped());
    Server::spawn_kept(command)
}

/// Runs `command` as a server that does not start.
fn refused(command: &mut Command, folder: &Path, words: &[&str]) -> (Output, String) {
    command
        .args(words)
        .arg("--database")
        .arg(folder.join("invited.db"));
    let output = command.output().expect("it runs");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, printed)
}

/// A port and a path, both of which listen.
fn sockets(folder: &Path) -> (TcpListener, UnixListener) {
    let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
    (tcp, UnixListener::bind(folder.join("s")).expect("a socket"))
}

/// A second handle to both.
fn again(sockets: &(TcpListener, UnixListener)) -> (TcpListener, UnixListener) {
    let tcp = sockets.0.try_clone().expect("a handle");
    (tcp, sockets.1.try_clone().expect("a handle"))
}

#[test]
fn the_sockets_of_systemd_are_served_and_outlive_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let sockets = sockets(folder.path());
    let address = sockets.0.local_addr().expect("an address");
    let path = folder.path().join("s");
    for words in [
        &[][..],
        &["--listen", "systemd:"],
        &["--listen", "systemd:api,systemd:local"],
    ] {
        let (tcp, unix) = again(&sockets);
        let server = serve(&mut activated(tcp, unix, "api:local"), folder.path(), words);
        let wanted = [
            format!("http://{address}"),
            format!("unix:{}", path.display()),
        ];
        assert_eq!(places(&server), wanted, "{words:?}");
        assert_eq!(server.request("GET", "/health/live").send().status, 200);
        assert_eq!(by_unix(&path, &live()).status, 200);
        server.signal("TERM");
        let waiting = std::thread::spawn(move || {
            // Whoever comes while there is no server waits for the next one.
            std::thread::sleep(std::time::Duration::from_millis(200));
            Request::new(address, "GET", "/health/live").send().status
        });
        assert_eq!(server.wait().0.code(), Some(0));
        assert!(path.exists(), "it is systemd's");
        let (tcp, unix) = again(&sockets);
        let next = serve(&mut activated(tcp, unix, "api:local"), folder.path(), words);
        assert_eq!(waiting.join().expect("an answer"), 200);
        drop(next);
    }
}

#[test]
fn sockets_and_places_go_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let sockets = sockets(folder.path());
    let (tcp, unix) = again(&sockets);
    let words = ["--listen", "systemd:,127.0.0.1:0"];
    let server = serve(
        &mut activated(tcp, unix, "api:local"),
        folder.path(),
        &words,
    );
    assert_eq!(places(&server).len(), 3);
}

#[test]
fn sockets_that_nobody_would_serve_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let sockets = sockets(folder.path());
    for (words, code, what) in [
        (
            &["serve", "--listen", "127.0.0.1:0"][..],
            2,
            "hands over the socket api",
        ),
        (
            &["serve", "--listen", "systemd:api"],
            2,
            "hands over the socket local",
        ),
        (
            &["serve", "--listen", "systemd:web"],
            1,
            "systemd:web: no such socket",
        ),
    ] {
        let (tcp, unix) = again(&sockets);
        let (output, printed) =
            refused(&mut activated(tcp, unix, "api:local"), folder.path(), words);
        assert_eq!(output.status.code(), Some(code), "{printed}");
        assert!(
            printed.contains(what) && printed.contains("hint: "),
            "{printed}"
        );
    }
    let output = crate::support::process::run(&["serve", "--listen", "systemd:"]);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("no such socket was handed over"),
        "{printed}"
    );
}

#[test]
fn what_is_no_listening_socket_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tcp, unix) = sockets(folder.path());
    let connected = TcpStream::connect(tcp.local_addr().expect("an address")).expect("it accepts");
    let (_, printed) = refused(
        &mut activated(connected, unix, "a:b"),
        folder.path(),
        &["serve"],
    );
    assert!(
        printed.contains("socket a of systemd") && printed.contains("Accept=yes"),
        "{printed}"
    );
    let file = std::fs::File::create(folder.path().join("f")).expect("a file");
    let (_, printed) = refused(&mut activated(tcp, file, "a"), folder.path(), &["serve"]);
    assert!(
        printed.contains("cannot listen on socket unknown of systemd"),
        "{printed}"
    );
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    for variables in [
        "LISTEN_PID=1 LISTEN_FDS=2",
        "LISTEN_FDS=2",
        "LISTEN_PID=$$ LISTEN_FDS=0",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let (tcp, unix) = sockets(folder.path());
        let own = tcp.local_addr().expect("an address");
        let words = ["--listen", "127.0.0.1:0"];
        let server = serve(
            &mut started_with(tcp, unix, variables),
            folder.path(),
            &words,
        );
        assert_ne!(server.address, own, "{variables}");
        assert_eq!(places(&server).len(), 1, "{variables}");
    }
}

#[test]
fn development_takes_no_socket_that_others_reach() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = TcpListener::bind("0.0.0.0:0").expect("a port");
    let (_, unix) = sockets(folder.path());
    let (output, printed) = refused(&mut activated(open, unix, "a:b"), folder.path(), &["dev"]);
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert!(printed.contains("loopback addresses only"), "{printed}");
}

#[test]
fn systemd_s_own_tool_starts_a_server_at_the_first_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let binary = crate::support::process::invited();
    let mut command = Command::new("systemd-socket-activate");
    command
        .args(["--fdname=api", "--listen", &address.to_string()])
        .arg(binary.get_program())
        .args(["serve", "--listen", "systemd:api", "--database"])
        .arg(folder.path().join("invited.db"))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut started) = command.spawn() else {
        skipped("systemd-socket-activate: it is not installed");
        return;
    };
    let start = std::time::Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed().as_secs() < 10, "it does not listen");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let status = Request::new(address, "GET", "/health/live").send().status;
    let _ = started.kill();
    let _ = started.wait();
    assert_eq!(status, 200);
}

//! Where a server listens: several places at once, names, all addresses.
//!
//! * [`unix`]: sockets of paths. [`passed`]: sockets that systemd hands over. [`notify`]: what
//!   systemd is told. [`tls`]: HTTPS, by what [`certificate`] has. [`tls_peers`]: peers that take
//!   their time. [`reload`]: what is read again.

mod certificate;
mod notify;
mod passed;
mod reload;
mod tls;
mod tls_peers;
mod unix;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::process::{Server, invited, run, skipped};
use crate::support::{Answer, Request, invitations};

/// A server on a new file in `folder` that listens on `places`.
fn serve(folder: &Path, places: &[&str]) -> Server {
    let mut command = invited();
    command
        .arg("serve")
        .arg("--database")
        .arg(folder.join("invited.db"));
    for place in places {
        command.arg("--listen").arg(place);
    }
    Server::spawn(&mut command)
}

/// The lines of the banner that say where `server` listens.
fn places(server: &Server) -> Vec<String> {
    let first = server
        .banner
        .iter()
        .position(|line| line.starts_with("  listening "));
    let lines = server.banner.iter().skip(first.expect("a place"));
    let lines = lines.take_while(|line| !line.starts_with("  data file "));
    lines
        .map(|line| line.trim_start_matches("  listening").trim().to_owned())
        .collect()
}

/// A request without a key, which closes its connection.
fn live() -> Vec<u8> {
    Request::new(SocketAddr::from(([127, 0, 0, 1], 1)), "GET", "/health/live").bytes()
}

/// Sends `bytes` by a unix socket, and reads until the server closes.
fn by_unix(path: &Path, bytes: &[u8]) -> Answer {
    let mut stream = UnixStream::connect(path).expect("it accepts");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout can be set");
    stream.write_all(bytes).expect("it is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it ends well");
    Answer::parse(&answer)
}

/// Has `server` find what `send` sends it in its sockets, together with a wish to stop. Nothing of it
/// that changes the file at `database` is answered before `is_stopping` holds.
fn stop_before_answers(
    server: &Server,
    database: &Path,
    send: impl FnOnce(),
    mut is_stopping: impl FnMut() -> bool,
) {
    let file = rusqlite::Connection::open(database).expect("it opens");
    file.busy_timeout(Duration::from_secs(5))
        .and_then(|()| file.execute_batch("begin immediate"))
        .expect("nobody writes");
    server.signal("STOP");
    let status = format!("/proc/{}/status", server.child.id());
    wait_until(|| std::fs::read_to_string(&status).is_ok_and(|text| text.contains("State:\tT")));
    send();
    server.signal("TERM");
    server.signal("CONT");
    wait_until(&mut is_stopping);
    file.execute_batch("rollback").expect("it lets go");
}

/// Waits until `is_so` holds, for half a minute.
fn wait_until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never is");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether this machine has IPv6 at all.
fn has_ipv6() -> bool {
    let has = TcpListener::bind("[::1]:0").is_ok();
    if !has {
        skipped("IPv6: this machine has none");
    }
    has
}

/// The address of a place of a banner.
fn address(place: &str) -> SocketAddr {
    let address = place.strip_prefix("http://").expect("an URL");
    address.parse().expect("an address")
}

#[test]
fn a_server_listens_at_several_places_and_the_first_port_makes_its_url() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("s");
    let unix = format!("unix:{}", socket.display());
    let server = serve(folder.path(), &[&unix, "127.0.0.1:0,127.0.0.2:0"]);
    let places = places(&server);
    assert_eq!(places.len(), 3, "{places:?}");
    assert_eq!(places[0], unix);
    let key = server.admin_key().expect("an admin key");
    let create = |address, email: &str| {
        let body = format!(r#"{{"email":"{email}","role":"r"}}"#);
        let request = Request::new(address, "POST", &invitations("acme"));
        request.bearer(&key).json(body)
    };
    let (first, second) = (address(&places[1]), address(&places[2]));
    assert_eq!(second.ip().to_string(), "127.0.0.2");
    for answer in [
        create(first, "a@b.co").send(),
        create(second, "c@d.co").send(),
        by_unix(&socket, &create(first, "e@f.co").bytes()),
    ] {
        assert_eq!(answer.status, 201);
        let location = answer.header("location").expect("a place");
        assert!(
            location.starts_with(&format!("http://{first}/")),
            "{location}"
        );
    }
    let list = server
        .request("GET", &invitations("acme"))
        .bearer(&key)
        .send();
    assert_eq!(list.json().as_array().map(Vec::len), Some(3));
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0), "{printed}");
    for gone in [first, second] {
        assert!(TcpStream::connect(gone).is_err(), "{gone}");
    }
    assert!(!socket.exists());
}

#[test]
fn a_name_is_all_of_its_addresses_with_one_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = serve(folder.path(), &["localhost:0"]);
    let places = places(&server);
    assert!(places[0].starts_with("http://127.0.0.1:"), "{places:?}");
    assert_eq!(server.request("GET", "/health/live").send().status, 200);
    if has_ipv6() {
        let port = server.address.port();
        assert_eq!(places[1..], [format!("http://[::1]:{port}")]);
        let v6 = Request::new(address(&places[1]), "GET", "/health/live");
        assert_eq!(v6.send().status, 200);
    }
}

#[test]
fn a_port_alone_is_all_addresses_of_the_machine() {
    for place in [":0", "*:0"] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve(folder.path(), &[place]);
        let port = server.address.port();
        let curl = server.banner.last().expect("a call");
        assert!(
            curl.contains(&format!(" http://localhost:{port}/v1/")),
            "{curl}"
        );
        let v4 = SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(Request::new(v4, "GET", "/health/live").send().status, 200);
        if has_ipv6() {
            let v6 = SocketAddr::new("::1".parse().expect("an address"), port);
            assert_eq!(Request::new(v6, "GET", "/health/live").send().status, 200);
        }
    }
}

#[test]
fn a_place_that_is_none_is_refused_with_the_right_forms() {
    for (place, word) in [
        (
            "8080",
            "127.0.0.1:8080 for this machine only, :8080 for all addresses",
        ),
        ("127.0.0.1", "127.0.0.1:8080"),
        ("127.0.0.1:0,localhost", "localhost:8080"),
        ("unix:", "unix:/run/invited.sock?mode=660"),
        ("unix:/run/s?mode=rw", "three octal digits"),
        ("http://127.0.0.1:8080", "unix:/run/invited.sock?mode=660"),
    ] {
        let output = run(&["serve", "--listen", place]);
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{place}: {printed}");
        assert!(printed.contains(word), "{place}: {printed}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let database = database.to_string_lossy();
    let unknown = [
        "serve",
        "--listen",
        "nowhere.invalid:0",
        "--database",
        &database,
    ];
    let output = run(&unknown);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("cannot listen on nowhere.invalid:0"),
        "{printed}"
    );
}

#[test]
fn one_place_that_cannot_be_had_keeps_a_server_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let socket = folder.path().join("s");
    let output = run(&[
        "serve",
        "--listen",
        &format!("127.0.0.1:0,unix:{},{taken}", socket.display()),
        "--database",
        &folder.path().join("invited.db").to_string_lossy(),
    ]);
    let printed = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains(&format!("cannot listen on {taken}")),
        "{printed}"
    );
    assert!(!socket.exists(), "what was made goes again");
}

#[test]
fn dev_listens_on_this_machine_only_and_answers_there() {
    for place in [
        ":0",
        "*:0",
        "0.0.0.0:0",
        "[::]:0",
        "example.com:0",
        "127.0.0.1:0,:0",
    ] {
        let output = run(&["dev", "--listen", place]);
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{place}: {printed}");
        assert!(
            printed.contains("loopback addresses only"),
            "{place}: {printed}"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("s");
    let places = format!("localhost:0,127.0.0.3:0,unix:{}", socket.display());
    let server = Server::start(&["dev", "--listen", &places]);
    for place in self::places(&server) {
        let host = place.strip_prefix("http://").unwrap_or("localhost");
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
            invitations("acme")
        );
        let status = match place.strip_prefix("http://") {
            Some(_) => crate::support::client::raw(address(&place), request.as_bytes()).status,
            None => by_unix(&socket, request.as_bytes()).status,
        };
        assert_eq!(status, 200, "{place}");
    }
    let foreign = "GET /health/live HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(by_unix(&socket, foreign.as_bytes()).status, 403);
}

#[test]
fn a_link_that_signs_in_names_the_place_that_this_machine_reaches() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let server = serve(folder.path(), &["127.0.0.1:0"]);
    for (places, url) in [
        ("localhost:8081", "http://localhost:8081/console/"),
        (":8082", "http://localhost:8082/console/"),
        ("unix:/run/s,[::1]:8083", "http://[::1]:8083/console/"),
        ("unix:/run/s", "http://localhost/console/"),
    ] {
        let database = database.to_string_lossy();
        let output = run(&["login", "--database", &database, "--listen", places]);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(printed.starts_with(url), "{places}: {printed}");
    }
    drop(server);
}

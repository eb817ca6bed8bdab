//! The port of a server: how many may wait for it, and what is said where it cannot be had.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::process::{Server, invited, raise_descriptors, skipped};
use crate::support::{Request, client};

#[test]
fn a_thousand_connections_wait_within_a_second_while_nobody_accepts_and_are_answered_then() {
    raise_descriptors();
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::serve(&folder.path().join("invited.db"));
    for count in [150, 400, 1_000] {
        server.signal("STOP");
        let start = Instant::now();
        let waiting: Vec<_> = (0..count)
            .map(|_| TcpStream::connect_timeout(&server.address, Duration::from_secs(3)))
            .collect();
        let took = start.elapsed();
        server.signal("CONT");
        assert!(waiting.iter().all(Result::is_ok), "{count}");
        assert!(
            took < Duration::from_secs(1),
            "{count} took {took:?}: some had to knock twice"
        );
        let last = waiting
            .into_iter()
            .next_back()
            .expect("one")
            .expect("it is connected");
        let request = Request::new(server.address, "GET", "/health/live");
        assert_eq!(
            client::answer_on(last, &request.bytes()).status,
            200,
            "{count}"
        );
    }
}

/// What `invited serve --listen address` prints, which must fail; started by a user without rights.
fn refused(address: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777))
        .expect("everybody may write there");
    let mut command = invited();
    command
        .args(["serve", "--listen", address, "--database"])
        .arg(folder.path().join("invited.db"));
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains(&format!("cannot listen on {address}")),
        "{printed}"
    );
    printed
}

#[test]
fn each_reason_why_a_port_cannot_be_had_has_a_hint_of_its_own() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    // These are for documentation (RFC 5737): no machine has them.
    let cases = [
        (taken.as_str(), "port 0 is any that is free"),
        ("192.0.2.1:0", "no address of this machine"),
        ("192.0.2.1:8080", "no address of this machine"),
        ("198.51.100.7:0", "no address of this machine"),
    ];
    for (address, hint) in cases {
        let printed = refused(address);
        assert!(
            printed.contains(hint) && printed.contains("--listen"),
            "{address}: {printed}"
        );
    }
}

#[test]
fn a_port_that_needs_more_rights_is_told_as_that() {
    let first_free = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first_free = first_free
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024);
    for port in [81, 1, 443] {
        if port >= first_free {
            skipped(&format!("port {port}: everybody may listen on it here"));
            continue;
        }
        let printed = refused(&format!("127.0.0.1:{port}"));
        assert!(
            printed.contains("above 1023") && !printed.contains("stop the program"),
            "{port}: {printed}"
        );
    }
}

#[test]
fn whoever_is_listened_for_beyond_this_machine_is_told_that_links_are_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let database = database.to_string_lossy();
    for (place, more, is_told) in [
        ("0.0.0.0:0", None, true),
        ("127.0.0.1:0", None, false),
        ("[::]:0", None, true),
        ("0.0.0.0:0", Some("https://invites.example.com"), false),
    ] {
        let mut words = vec!["serve", "--listen", place, "--database", &database];
        words.extend(more.map(|_| "--public-url"));
        words.extend(more);
        let server = Server::start(&words);
        server.signal("TERM");
        let says = server.banner.join("\n");
        let told = says.contains("without --public-url, links begin with http://localhost:");
        assert_eq!(told, is_told, "{place} {more:?}: {says}");
    }
}

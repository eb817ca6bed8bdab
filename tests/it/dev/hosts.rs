//! Who reaches a server for development by which name.

use crate::support::client::raw;
use crate::support::process::{Server, run};

/// The status of a request to `server` by the name `host`.
fn status(server: &Server, host: &str) -> u16 {
    let request = format!("GET /dev/clock HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    raw(server.address, request.as_bytes()).status
}

#[test]
fn names_that_are_allowed_lead_to_it_and_no_others() {
    let server = Server::start(&[
        "dev",
        "--port",
        "0",
        "--allow-host",
        "invited,App.Test",
        "--allow-host",
        "10.1.2.3",
    ]);
    for host in [
        "invited",
        "invited:8080",
        "INVITED:1",
        "app.test.",
        "APP.test:80",
        "10.1.2.3:8080",
        "localhost",
        "127.0.0.1",
    ] {
        assert_eq!(status(&server, host), 200, "{host}");
    }
    for host in [
        "evil.test",
        "invited.evil.test",
        "xinvited",
        "test",
        "10.1.2.4",
    ] {
        assert_eq!(status(&server, host), 403, "{host}");
    }
    let refused = server
        .request("GET", "/dev/clock")
        .header("Origin", "http://invited")
        .send();
    assert_eq!(
        refused.status, 403,
        "an origin is still compared with the host"
    );
}

#[test]
fn who_allows_a_name_may_listen_for_others() {
    let open = run(&["dev", "--listen", ":0"]);
    let told = String::from_utf8_lossy(&open.stderr);
    assert_eq!(open.status.code(), Some(2));
    assert!(told.contains("--allow-host"), "{told}");
    let server = Server::start(&["dev", "--listen", "0.0.0.0:0", "--allow-host", "invited"]);
    assert!(server.address.ip().is_unspecified());
}

#[test]
fn a_name_is_no_url_and_has_no_port() {
    for name in ["http://invited", "invited:8080", "", "a b", "invited/", "*"] {
        let output = run(&["dev", "--port", "0", "--allow-host", name]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
    }
    let serve = run(&["serve", "--allow-host", "invited"]);
    assert_eq!(serve.status.code(), Some(2), "it is for development");
}

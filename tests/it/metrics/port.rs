//! A port of its own for metrics.

use std::net::SocketAddr;

use crate::support::client::Request;
use crate::support::process::{Server, run};

/// `command` with metrics at a port of their own, and the address of that.
fn start(command: &str, folder: &tempfile::TempDir) -> (Server, SocketAddr) {
    let database = folder.path().join("invited.db");
    let any_port = "127.0.0.1:0";
    let server = Server::start(&[
        command,
        "--listen",
        any_port,
        "--metrics-listen",
        any_port,
        "--database",
        &database.to_string_lossy(),
    ]);
    let url = server.banner_value("metrics").expect("the banner names it");
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches("/metrics");
    let address = address.parse().expect("an address");
    (server, address)
}

#[test]
fn metrics_and_probes_need_no_key_there_and_nothing_else_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, address) = start("serve", &folder);
    let ask = |method: &str, path: &str| Request::new(address, method, path).send();
    for path in [
        "/metrics",
        "/livez",
        "/readyz",
        "/readyz/",
        "/health/ready?_=1",
        "/healthz",
    ] {
        assert_eq!(ask("GET", path).status, 200, "{path}");
        assert_eq!(ask("HEAD", path).status, 200, "{path}");
        assert_eq!(ask("DELETE", path).status, 405, "{path}");
    }
    for path in [
        "/",
        "/v1/keys",
        "/v1/organizations/acme/invitations",
        "/console",
        "/docs",
        "/accept",
    ] {
        assert_eq!(ask("GET", path).status, 404, "{path}");
    }
    let page = ask("GET", "/metrics").text();
    assert!(
        page.contains(r#"{method="GET",route="/metrics",status="200"} 1"#),
        "{page}"
    );
    assert!(page.contains(r#"{method="GET",route="unknown",status="404"} 6"#));
    // At the main port there are none, not even for the first key, and everything else is.
    let asked = server.request("GET", "/metrics");
    assert_eq!(asked.send().status, 401);
    let key = server.admin_key().expect("a key");
    let ask = |path: &str| server.request("GET", path).bearer(&key).send().status;
    assert_eq!(
        (ask("/metrics"), ask("/v1/keys"), ask("/livez")),
        (404, 200, 200)
    );
    let listed = Request::new(address, "GET", "/metrics").send().text();
    assert!(listed.contains(r#"{method="GET",route="/v1/keys",status="200"} 1"#));
    server.signal("TERM");
    let (status, ..) = server.wait();
    assert!(status.success());
    assert!(
        std::net::TcpStream::connect(address).is_err(),
        "it ends with the server"
    );
}

#[test]
fn a_port_that_cannot_be_had_is_named_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let database = database.to_string_lossy();
    let words = ["serve", "--listen", "127.0.0.1:0", "--database", &database];
    let output = run(&[&words[..], &["--metrics-listen", &address]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&address) && said.contains("--metrics-listen"),
        "{said}"
    );
    assert!(
        !folder.path().join("invited.db").exists(),
        "nothing was made"
    );
}

#[test]
fn development_shows_nothing_beyond_this_machine() {
    let words = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "0.0.0.0:0",
    ];
    let output = run(&words);
    assert_eq!(output.status.code(), Some(2));
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, address) = start("dev", &folder);
    assert_eq!(Request::new(address, "GET", "/metrics").send().status, 200);
}

#[test]
fn the_port_is_given_in_the_forms_of_listen_that_have_one() {
    let folder = tempfile::tempdir().expect("a folder");
    for place in [":0", "*:0", "localhost:0", "[::1]:0", "0.0.0.0:0"] {
        let database = folder.path().join("invited.db");
        let words = ["serve", "--listen=127.0.0.1:0", "--metrics-listen", place];
        let database = database.to_string_lossy();
        let server = Server::start(&[&words[..], &["--database", &database]].concat());
        let url = server.banner_value("metrics").expect("the banner names it");
        let port = url
            .rsplit(':')
            .next()
            .and_then(|rest| rest.split('/').next());
        let port: u16 = port.and_then(|port| port.parse().ok()).expect("a port");
        let ip: std::net::IpAddr = if place == "[::1]:0" {
            std::net::Ipv6Addr::LOCALHOST.into()
        } else {
            std::net::Ipv4Addr::LOCALHOST.into()
        };
        let address = SocketAddr::new(ip, port);
        assert_eq!(
            Request::new(address, "GET", "/livez").send().status,
            200,
            "{place}"
        );
    }
    for place in ["9187", "unix:/run/metrics.sock", "systemd:", "127.0.0.1"] {
        let output = run(&["serve", "--metrics-listen", place]);
        assert_eq!(output.status.code(), Some(2), "{place}");
    }
    for open in [":0", "192.0.2.1:0"] {
        let output = run(&["dev", "--listen=127.0.0.1:0", "--metrics-listen", open]);
        assert_eq!(output.status.code(), Some(2), "{open}");
    }
}

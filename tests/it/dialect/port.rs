//! A port of its own, for clients whose base URL can have no path.

use std::net::SocketAddr;

use crate::support::client::Request;
use crate::support::process::{Server, run};

/// A server with such a port, and its address.
fn start(folder: &tempfile::TempDir) -> (Server, SocketAddr) {
    let database = folder.path().join("invited.db");
    let any_port = "127.0.0.1:0";
    let server = Server::start(&[
        "dev",
        "--listen",
        any_port,
        "--clickhouse-listen",
        any_port,
        "--database",
        &database.to_string_lossy(),
    ]);
    let url = server
        .banner_value("clickhouse")
        .expect("the banner names it");
    let address = url
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    (server, address)
}

#[test]
fn the_dialect_is_at_the_root_of_its_own_port_and_nothing_else_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, address) = start(&folder);
    let made = Request::new(address, "POST", "/v1/organizations/acme/invitations?x=1")
        .json(r#"{"email":"a@b.co"}"#)
        .send();
    assert_eq!(made.status, 200, "{}", made.text());
    let id = made.json()["result"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for (path, status) in [
        (format!("/v1/organizations/acme/invitations/{id}"), 200),
        (
            format!("http://{address}/v1/organizations/acme/invitations/{id}"),
            200,
        ),
        ("/v1/whoami".to_owned(), 200),
        ("/".to_owned(), 404),
        ("/livez".to_owned(), 404),
        ("/console".to_owned(), 404),
        ("/v1/keys".to_owned(), 404),
        ("/clickhouse/v1/whoami".to_owned(), 404),
    ] {
        let there = Request::new(address, "GET", &path).send();
        assert_eq!(there.status, status, "{path}: {}", there.text());
        assert_eq!(
            there.json()["status"],
            status,
            "{path}: it speaks the dialect"
        );
    }
    let own =
        "NOT_FOUND: No such path; this port has only the ClickHouse Cloud dialect, from /v1 on.";
    for (path, meant) in [
        ("/", ""),
        ("/v1/keys", ""),
        ("/openapi.json", ""),
        ("/v1/whoamI", " Did you mean /v1/whoami?"),
        ("/clickhouse/v1/whoami", " Did you mean /v1/whoami?"),
        ("/organizations", " Did you mean /v1/organizations?"),
        (&*format!("http://{address}"), ""),
        (&*format!("http://{address}?x=1"), ""),
        (&*format!("http://{address}/?x=1"), ""),
    ] {
        let answer = Request::new(address, "GET", path).send();
        assert_eq!(answer.json()["error"], format!("{own}{meant}"), "{path}");
    }
    assert_eq!(Request::new(address, "OPTIONS", "*").send().status, 204);
    let long = Request::new(address, "GET", &format!("/v1/keys?{}", "k".repeat(65_520))).send();
    assert!(long.status >= 400, "{}", long.text());
    let main = |path: &str| server.request("GET", path).send();
    assert_eq!(
        main(&format!("/v1/organizations/acme/invitations/{id}")).json()["id"],
        *id
    );
    assert_eq!(main("/clickhouse/v1/whoami").status, 200);
    assert_eq!(
        server.banner_value("listening"),
        Some(format!("http://{}", server.address))
    );
}

#[test]
fn a_place_that_cannot_be_one_is_refused_and_the_flag_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    for (command, place, word) in [
        ("serve", &*address, "--clickhouse-listen"),
        ("serve", "8081", "127.0.0.1:8081"),
        ("serve", "unix:/tmp/x.sock", "127.0.0.1"),
        ("dev", "0.0.0.0:0", "loopback"),
    ] {
        let output = run(&[
            command,
            "--listen=127.0.0.1:0",
            "--clickhouse-listen",
            place,
            "--database",
            &database.to_string_lossy(),
        ]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(word),
            "{place}: {said}"
        );
    }
}

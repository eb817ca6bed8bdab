//! B40, B63-B75: what only a socket can send.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::{Expected, GOOD, Table, create_head, head};
use crate::support::client::raw;
use crate::support::{Answer, TestApp, invitation, invitations};

/// Refused before there is a request: 400, or a problem document with the same status.
const MALFORMED: Expected<'static> = Expected::Parser(&[400]);

/// Sends a request line and the headers of a good request, then `headers`, each with its line end,
/// and `body`.
fn send(app: &TestApp, line: &str, headers: &str, body: &str) -> Answer {
    raw(app.address, (head(app, line, headers) + body).as_bytes())
}

/// Sends a create with `headers` and the good body.
fn create(app: &TestApp, headers: &str) -> Answer {
    raw(app.address, (create_head(app, headers) + GOOD).as_bytes())
}

/// A connection that gives up after ten seconds.
fn connect(app: &TestApp) -> TcpStream {
    let stream = TcpStream::connect(app.address).expect("the server accepts");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout can be set");
    stream
}

#[test]
fn a_length_that_can_be_read_in_two_ways_is_refused() {
    let mut table = Table::new();
    let length = GOOD.len();
    let rows = [
        ("B63", "Content-Length: -1".to_owned()),
        ("B63", "Content-Length: +39".to_owned()),
        ("B63", "Content-Length: abc".to_owned()),
        ("B63", "Content-Length: 0x27".to_owned()),
        ("B63", "Content-Length:".to_owned()),
        ("B63", format!("Content-Length: {length}, {length}")),
        (
            "B63",
            format!("Content-Length: {length}\r\nContent-Length: 1"),
        ),
        (
            "B63",
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        ),
        (
            "B63",
            format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        ),
        ("B64", "Transfer-Encoding: xchunked".to_owned()),
        (
            "B64",
            "Transfer-Encoding: identity, chunked, identity".to_owned(),
        ),
        (
            "B64",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked".to_owned(),
        ),
        ("B64", "Transfer-Encoding: chunked, chunked".to_owned()),
        ("B64", "Transfer-Encoding: gzip, chunked".to_owned()),
    ];
    for (id, headers) in rows {
        let answer = create(&table.app, &format!("{headers}\r\n"));
        table.row(id, headers, &answer, MALFORMED);
    }
}

#[test]
fn a_chunk_without_a_true_size_is_refused() {
    let mut table = Table::new();
    let head = create_head(&table.app, "Transfer-Encoding: chunked\r\n");
    let bodies = [
        "zz\r\n",
        "-1\r\n",
        "ffffffffffffffffff\r\n",
        "0x27\r\n",
        "\r\n",
        " 27\r\n",
        "5\r\n{\"emaXX",
    ];
    for body in bodies {
        let answer = raw(
            table.app.address,
            format!("{head}{body}{GOOD}\r\n0\r\n\r\n").as_bytes(),
        );
        table.row("B64", body, &answer, MALFORMED);
    }
}

#[test]
fn a_request_names_one_host() {
    let mut table = Table::new();
    let key = table.app.key.clone();
    let rows = [
        ("none", String::new()),
        ("two", "Host: a.test\r\nHost: b.test\r\n".to_owned()),
        (
            "the same one twice",
            "Host: a.test\r\nHost: a.test\r\n".to_owned(),
        ),
        ("with a path", "Host: a.test/x\r\n".to_owned()),
        ("with a query", "Host: a.test?x\r\n".to_owned()),
        ("with a user", "Host: user@a.test\r\n".to_owned()),
        ("port 99999", "Host: a.test:99999\r\n".to_owned()),
        ("port x", "Host: a.test:x\r\n".to_owned()),
        ("a space", "Host: a b\r\n".to_owned()),
        ("two by comma", "Host: a.test, b.test\r\n".to_owned()),
        ("a folded line", "Host: a.test\r\n .b.test\r\n".to_owned()),
    ];
    for (what, host) in rows {
        let path = invitations("acme");
        let head = format!(
            "GET {path} HTTP/1.1\r\n{host}Authorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(table.app.address, head.as_bytes());
        table.row("B65", what, &answer, MALFORMED);
    }
}

#[test]
fn a_head_that_is_malformed_or_too_large_is_refused() {
    let mut table = Table::new();
    let path = invitations("acme");
    let get = format!("GET {path} HTTP/1.1");
    let many: String = (0..97).map(|index| format!("X-{index}: 1\r\n")).collect();
    let large = format!("X-Large: {}\r\n", "x".repeat(200_000));
    for (what, headers) in [("97 headers", many), ("200 KB", large)] {
        let answer = send(&table.app, &get, &headers, "");
        table.row("B66", what, &answer, Expected::Parser(&[431]));
    }
    for headers in [
        "X: a\0b\r\n",
        "X: a\r\n b\r\n",
        "X : a\r\n",
        "X Y: a\r\n",
        ": a\r\n",
        "X\r\n",
    ] {
        let answer = send(&table.app, &get, headers, "");
        table.row("B67", headers, &answer, MALFORMED);
    }
    for line in [
        format!("GET {path}/\u{fc} HTTP/1.1"),
        format!("GET {path}?email=\u{fc}@b.co HTTP/1.1"),
        format!("GET {path}/\0 HTTP/1.1"),
        format!("GET {path} x HTTP/1.1"),
        format!("GET {path}"),
        "GET HTTP/1.1".to_owned(),
        format!("G\u{cb}T {path} HTTP/1.1"),
    ] {
        let answer = send(&table.app, &line, "", "");
        table.row("B40", &line, &answer, MALFORMED);
    }
}

#[test]
fn what_is_not_http_1_is_refused_or_cut() {
    let mut table = Table::new();
    let path = invitations("acme");
    for line in [
        format!("GET {path} HTTP/9.9"),
        format!("GET {path} HTTP/2.0"),
        format!("GET {path} http/1.1"),
    ] {
        let answer = send(&table.app, &line, "", "");
        table.row("B72", line, &answer, Expected::Parser(&[0, 400, 505]));
    }
    let hello = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n\x00\x20";
    let rows: [(&str, &[u8]); 4] = [
        ("HTTP/0.9", b"GET /health/live\r\n\r\n"),
        (
            "HTTP/2 preface",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        ),
        ("TLS hello", hello),
        ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
    ];
    for (what, bytes) in rows {
        let answer = raw(table.app.address, bytes);
        table.row("B72", what, &answer, Expected::Parser(&[0, 400, 505]));
    }
}

#[test]
fn a_method_that_a_path_does_not_have_is_405_with_those_that_it_has() {
    let mut table = Table::new();
    let one = invitation("acme", &table.app.get(&invitations("acme")).json()[0]["id"]);
    let paths = [
        (
            invitations("acme"),
            "GET, POST, HEAD, OPTIONS",
            &["DELETE", "PUT", "PATCH", "TRACE", "FOO", "CONNECT", "get"],
        ),
        (
            one.clone(),
            "GET, PATCH, DELETE, HEAD, OPTIONS",
            &["POST", "PUT", "TRACE", "FOO", "CONNECT", "delete", "patch"],
        ),
    ];
    for (path, allow, methods) in paths {
        for method in methods {
            let answer = send(&table.app, &format!("{method} {path} HTTP/1.1"), "", "");
            table.row(
                "B69",
                (method, &path),
                &answer,
                Expected::Problem(405, "method_not_allowed"),
            );
            assert_eq!(answer.header("allow"), Some(allow), "B69 {method} {path}");
        }
    }
    let get = table.app.get(&format!("{one}?x"));
    let head = send(&table.app, &format!("HEAD {one}?x HTTP/1.1"), "", "");
    table.row("B70", "a HEAD that fails", &head, Expected::Unchanged(400));
    assert_eq!(
        (head.body.len(), head.header("content-type")),
        (0, get.header("content-type")),
        "B70"
    );
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let mut table = Table::new();
    let head = |table: &Table, expect: &str| {
        create_head(
            &table.app,
            &format!("Content-Length: {}\r\nExpect: {expect}\r\n", GOOD.len()),
        )
    };
    let mut stream = connect(&table.app);
    stream
        .write_all(head(&table, "100-continue").as_bytes())
        .expect("the head is sent");
    let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut interim = vec![0; expected.len()];
    stream.read_exact(&mut interim).expect("an interim answer");
    assert_eq!(
        String::from_utf8_lossy(&interim),
        String::from_utf8_lossy(expected)
    );
    stream.write_all(GOOD.as_bytes()).expect("the body is sent");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("an answer");
    table.row(
        "B74",
        "100-continue",
        &Answer::parse(&rest),
        Expected::Done(201),
    );
    let other = raw(table.app.address, (head(&table, "foo") + GOOD).as_bytes());
    assert!(
        [417, 409].contains(&other.status),
        "B74: refused, or ignored: {} {}",
        other.status,
        other.text()
    );
    table.row("B74", "foo", &other, Expected::Unchanged(other.status));
}

#[test]
fn a_hundred_requests_in_one_go_are_answered_in_their_order() {
    let app = TestApp::serve();
    let request = |index: usize| {
        let close = if index == 99 {
            "Connection: close\r\n"
        } else {
            ""
        };
        let path = if index.is_multiple_of(2) {
            "/health/live"
        } else {
            "/nowhere"
        };
        format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: nr-{index}.\r\n{close}\r\n")
    };
    let requests: String = (0..100).map(request).collect();
    let mut stream = connect(&app);
    stream
        .write_all(requests.as_bytes())
        .expect("the requests are sent");
    let mut answers = String::new();
    stream
        .read_to_string(&mut answers)
        .expect("the answers are text");
    let ids: Vec<_> = answers
        .lines()
        .filter_map(|line| line.strip_prefix("x-request-id: "))
        .collect();
    assert_eq!(
        ids,
        (0..100)
            .map(|index| format!("nr-{index}."))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_client_that_closes_its_side_still_gets_its_answer() {
    let mut table = Table::new();
    let request = create_head(&table.app, &format!("Content-Length: {}\r\n", GOOD.len())) + GOOD;
    let request = request.replace("Connection: close\r\n", "");
    let mut stream = connect(&table.app);
    stream
        .write_all(request.as_bytes())
        .expect("the request is sent");
    stream.shutdown(Shutdown::Write).expect("our side closes");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("an answer, then the end");
    table.row(
        "B75",
        "half-closed",
        &Answer::parse(&answer),
        Expected::Done(201),
    );
    // One that closes before its body is whole has no effect.
    let mut stream = connect(&table.app);
    let cut = request.replace("new@b.co", "cut@b.co");
    stream
        .write_all(&cut.as_bytes()[..cut.len() - 1])
        .expect("most of the request is sent");
    stream.shutdown(Shutdown::Write).expect("our side closes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the end");
    table.row(
        "B75",
        "half-closed before the end",
        &Answer::parse(&answer),
        Expected::Parser(&[0, 400, 408]),
    );
}

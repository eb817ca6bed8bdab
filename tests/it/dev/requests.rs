//! The log of requests: what it shows, what it leaves out, and how it is followed.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::dev;
use crate::sse::reader::{Reader, Said};
use crate::support::process::Server;
use crate::support::{Answer, TestApp, invitations};

/// The log, newest first.
fn list(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.get(&format!("/dev/requests{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().expect("an array").clone()
}

/// Methods, paths, statuses and codes of `requests`.
fn shown(requests: &[Value]) -> Vec<Value> {
    let shown = |one: &Value| json!([one["method"], one["path"], one["status"], one["code"]]);
    requests.iter().map(shown).collect()
}

/// Opens the stream of the log.
fn follow(app: &TestApp, more: &str) -> Reader {
    let mut socket = TcpStream::connect(app.address).expect("it accepts");
    let address = app.address;
    let head = format!("GET /dev/requests/stream HTTP/1.1\r\nHost: {address}\r\n{more}\r\n");
    socket.write_all(head.as_bytes()).expect("the request goes");
    Reader::of_socket(socket)
}

#[test]
fn the_log_has_each_request_with_what_became_of_it_newest_first() {
    let app = dev();
    app.invite("acme", "a@b.co");
    let body = r#"{"email":"a@b.co","role":"developer"}"#;
    let path = invitations("acme");
    let refused = app
        .anonymous("POST", &path)
        .header("X-Request-Id", "trace-7")
        .json(body)
        .send();
    assert_eq!(refused.status, 409);
    app.get("/v1/organizations?limit=0");
    app.get("/nowhere?x=1");
    let requests = list(&app, "");
    assert_eq!(
        shown(&requests),
        [
            json!(["GET", "/nowhere?x=1", 404, "not_found"]),
            json!(["GET", "/v1/organizations?limit=0", 422, "validation_failed"]),
            json!(["POST", path, 409, "already_invited"]),
            json!(["POST", path, 201, null]),
        ]
    );
    assert_eq!(requests[2]["requestId"], "trace-7");
    assert_eq!(requests[0]["time"], "2026-11-23T02:43:00.123Z");
    let ids: Vec<_> = requests.iter().map(|one| one["id"].as_u64()).collect();
    assert_eq!(ids, [Some(4), Some(3), Some(2), Some(1)]);
    assert!(requests.iter().all(|one| one["durationUs"].is_u64()));
    assert_eq!(shown(&list(&app, "?limit=1")), shown(&requests[..1]));
    assert_eq!(app.get("/dev/requests?limit=1001").status, 422);
    assert_eq!(
        list(&app, "").len(),
        4,
        "who looks at the log is not in the log"
    );
}

#[test]
fn what_is_refused_before_any_route_is_in_the_log_too() {
    let app = dev();
    let foreign = app
        .anonymous("POST", "/dev/reset")
        .header("Origin", "https://evil.io");
    assert_eq!(foreign.send().status, 403);
    assert_eq!(
        shown(&list(&app, "")),
        [json!(["POST", "/dev/reset", 403, "origin_not_allowed"])]
    );
}

#[test]
fn the_log_holds_no_token_wherever_a_request_has_one() {
    let app = dev();
    for path in [
        "/accept?ivm_0a_0b",
        "/accept%23ivt_0a_0b",
        "/v1/keys?api_key=ivk_0a_0b",
        "/v1/keys?api_key=%69vk_0a_0b",
        "/elsewhere/%2569vt_0a_0b",
    ] {
        app.get(path);
    }
    let log = app.get("/dev/requests").text();
    assert!(!log.contains("0a_0b"), "{log}");
    assert_eq!(list(&app, "").len(), 5);
}

#[test]
fn the_log_keeps_the_newest_five_hundred() {
    let app = dev();
    for _ in 0..502 {
        app.get("/health/live");
    }
    let requests = list(&app, "?limit=1000");
    assert_eq!(requests.len(), 500);
    assert_eq!(
        (&requests[0]["id"], &requests[499]["id"]),
        (&json!(502), &json!(3))
    );
}

#[test]
fn a_stream_of_the_log_tells_what_comes_after_it() {
    let app = dev();
    app.get("/before");
    let mut stream = follow(&app, "");
    app.get("/after");
    let said = stream.next();
    let Said::Event(id, kind, data) = said else {
        panic!("{said:?}");
    };
    assert_eq!((&*id, &*kind), ("2", "request"));
    assert_eq!(data, list(&app, "")[0]);
    let mut again = follow(&app, "Last-Event-ID: 0\r\n");
    assert_eq!(again.ids(2), ["1", "2"]);
    assert_eq!(stream.within(Duration::from_millis(50)), None);
}

#[test]
fn a_stream_of_the_log_refuses_what_is_no_number_of_a_request() {
    let app = dev();
    let ask = |value: &str| -> Answer {
        app.anonymous("GET", "/dev/requests/stream")
            .header("Last-Event-ID", value)
            .send()
    };
    for wrong in ["x", "-1", "1.5", "99999999999999999999"] {
        let answer = ask(wrong);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "bad_request"),
            "{wrong}"
        );
    }
}

#[test]
fn a_stream_of_the_log_ends_with_the_server() {
    let mut app = TestApp::start(Mode::Dev, &[]);
    let mut stream = follow(&app, "");
    app.restart();
    assert_eq!(stream.next(), Said::End);
}

#[test]
fn each_request_is_a_line_on_stderr_unless_that_is_switched_off() {
    for (setting, expected) in [("on", 1), ("off", 0)] {
        let words = ["dev", "--listen", "127.0.0.1:0", "--access-log", setting];
        let server = Server::start(&words);
        let path = "/v1/organizations/acme/invitations?limit=0";
        assert_eq!(server.request("GET", path).send().status, 422);
        server.signal("TERM");
        let (_, _, said) = server.wait();
        let path = invitations("acme");
        let line = format!("GET {path} 422 validation_failed in ");
        assert_eq!(said.matches(&line).count(), expected, "{said}");
    }
}

//! What other programs and proxies do to HTTP: tags, bodies, probes, upgrades and compression.
//!
//! * [`http_1_0`]: programs that speak HTTP/1.0.
//! * [`origins`]: pages of other origins, and names of the host.

mod http_1_0;
mod origins;

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::json;

use crate::support::client::{self, raw};
use crate::support::{Answer, Request, TestApp, invitation, invitations};

/// The path of a new invitation.
fn invited(app: &TestApp) -> String {
    invitation("acme", &app.invite("acme", "a@b.co")["id"])
}

/// Sends `line`, the key and `headers`, each with its line end, and `body`.
fn send(app: &TestApp, line: &str, headers: &str, body: &str) -> Answer {
    let key = if app.key.is_empty() {
        String::new()
    } else {
        format!("Authorization: Bearer {}\r\n", app.key)
    };
    let head = format!(
        "{line}\r\nHost: {}\r\n{key}{headers}\r\n{body}",
        app.address
    );
    raw(app.address, head.as_bytes())
}

#[test]
fn a_tag_that_a_proxy_made_weak_or_longer_still_names_its_version() {
    let app = TestApp::serve();
    let path = invited(&app);
    let patch = |tag: &str| {
        app.request("PATCH", &path)
            .header("If-Match", tag)
            .json(r#"{"role":"admin"}"#)
            .send()
            .status
    };
    app.delivered(&path);
    for (before, after) in [
        ("W/\"", "\""),
        ("\"x\", W/\"", "\""),
        ("\"", "-gzip\""),
        ("W/\"", "-br\""),
    ] {
        let tag = app.get(&path).header("etag").expect("a tag").to_owned();
        let seen = format!("{before}{}{after}", tag.trim_matches('"'));
        let known = app
            .request("GET", &path)
            .header("If-None-Match", &seen)
            .send()
            .status;
        assert_eq!((known, patch(&seen)), (304, 200), "{seen}");
    }
    let other = format!("W/\"{}\"", "0".repeat(32));
    for wrong in [&*other, "W/\"\"", "\"x-gzip\"", "W/\"x\""] {
        assert_eq!(patch(wrong), 412, "{wrong}");
    }
}

#[test]
fn a_body_is_json_in_utf_8_and_says_so_once() {
    let app = TestApp::serve();
    let create = |number: usize, types: &[&str]| {
        let body = format!(r#"{{"email":"p{number}@b.co","role":"r"}}"#);
        let request = app.request("POST", &invitations("acme"));
        types
            .iter()
            .fold(request, |request, kind| {
                request.header("Content-Type", kind)
            })
            .body(body)
            .send()
    };
    let good = [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "APPLICATION/JSON ; profile=x; Charset=Utf-8",
        "application/json;",
        "application/json; profile=\"charset\"",
    ];
    for (number, kind) in good.iter().enumerate() {
        assert_eq!(create(number, &[kind]).status, 201, "{kind}");
    }
    let bad: [&[&str]; 6] = [
        &["application/json; charset=iso-8859-1"],
        &["application/json;charset=utf-16"],
        &["application/json; charset="],
        &["application/json", "application/json"],
        &["application/json", "text/plain"],
        &["text/plain", "application/json"],
    ];
    for kinds in bad {
        let answer = create(99, kinds);
        assert_eq!(
            (answer.status, &*answer.code()),
            (415, "unsupported_media_type"),
            "{kinds:?}"
        );
    }
}

#[test]
fn a_chunked_body_of_nothing_is_no_body() {
    let app = TestApp::serve();
    let path = invited(&app);
    let post = |action: &str, headers: &str, body: &str| {
        send(
            &app,
            &format!("POST {path}/{action} HTTP/1.1"),
            &format!("Connection: close\r\nTransfer-Encoding: chunked\r\n{headers}"),
            body,
        )
    };
    let json = "Content-Type: application/json\r\n";
    assert_eq!(post("link", "", "0\r\n\r\n").status, 200);
    assert_eq!(post("link", json, "0\r\n\r\n").status, 200);
    assert_eq!(
        post("link", "Content-Type: text/plain\r\n", "0\r\n\r\n").status,
        200
    );
    assert_eq!(post("link", json, "2\r\n{}\r\n0\r\n\r\n").status, 200);
    assert_eq!(post("link", "", "2\r\n{}\r\n0\r\n\r\n").status, 415);
    assert_eq!(post("link", json, "1\r\n \r\n0\r\n\r\n").status, 400);
    assert_eq!(post("revoke", "", "0\r\n\r\n").status, 200);
    let create = send(
        &app,
        &format!("POST {} HTTP/1.1", invitations("acme")),
        &format!("Connection: close\r\nTransfer-Encoding: chunked\r\n{json}"),
        "0\r\n\r\n",
    );
    assert_eq!(create.status, 400, "a create needs its body");
}

#[test]
fn a_second_60_is_no_time_whichever_minute_it_ends() {
    let app = TestApp::serve();
    for time in [
        "2026-12-31T23:59:60Z",
        "2026-12-31T12:00:60Z",
        "2027-01-01T00:59:60+01:00",
        "2026-12-31T23:59:60.5Z",
    ] {
        let body = json!({"email": "a@b.co", "role": "r", "expiresAt": time}).to_string();
        let answer = app.post(&invitations("acme"), &body);
        assert_eq!(
            (answer.status, &*answer.code()),
            (422, "validation_failed"),
            "{time}"
        );
    }
}

#[test]
fn a_domain_or_a_name_of_symbols_only_is_refused() {
    let app = TestApp::serve();
    for email in [
        "a@\u{2800}.co",
        "a@\u{2603}.net",
        "a@\u{1f4a9}.la",
        "a@b.\u{2665}",
        "a@xn--n3h.net",
    ] {
        let answer = app.post(
            &invitations("acme"),
            &json!({"email": email, "role": "r"}).to_string(),
        );
        assert_eq!(answer.status, 422, "{email}");
    }
    for email in ["a@\u{4f8b}\u{3048}.jp", "a@1und1.de", "a@i\u{2764}.ws"] {
        let answer = app.post(
            &invitations("acme"),
            &json!({"email": email, "role": "r"}).to_string(),
        );
        assert_eq!(answer.status, 201, "{email}: {}", answer.text());
    }
    let blank = json!({"name": "\u{2800}\u{2800}"}).to_string();
    let answer = app
        .request("PUT", "/v1/organizations/blank")
        .json(&blank)
        .send();
    assert_eq!(answer.status, 422, "{}", answer.text());
}

#[test]
fn a_probe_may_bring_a_query_that_keeps_caches_out() {
    let app = TestApp::serve();
    for path in [
        "/health/live?uptime_kuma_cachebuster=x7",
        "/health/ready?_=1&_=2",
        "/health/live?",
        "/health/ready?%zz",
    ] {
        assert_eq!(app.anonymous("GET", path).send().status, 200, "{path}");
    }
}

#[test]
fn an_upgrade_is_not_made_and_keeps_no_request_waiting() {
    let app = TestApp::serve();
    let path = invited(&app);
    for upgrade in ["websocket", "h2c", "WebSocket"] {
        let begun = std::time::Instant::now();
        let headers = format!(
            "Connection: Upgrade\r\nUpgrade: {upgrade}\r\nContent-Type: \
             application/json\r\nContent-Length: 2\r\n"
        );
        let mut stream = TcpStream::connect(app.address).expect("the server accepts");
        let request = format!(
            "POST {path}/link HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{headers}\r\n{{}}",
            app.key
        );
        assert_eq!(
            client::answer_kept(&mut stream, request.as_bytes()).status,
            200,
            "{upgrade}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{upgrade}: {:?}",
            begun.elapsed()
        );
    }
    let smuggled = format!("{{}}GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let headers = "Upgrade: websocket\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
    let answer = send(
        &app,
        &format!("POST {path}/link HTTP/1.1"),
        headers,
        &smuggled,
    );
    assert!(
        answer.status == 200 && !answer.text().contains("HTTP/1.1"),
        "{}",
        answer.text()
    );
}

#[test]
fn options_of_the_server_needs_no_key() {
    let app = TestApp::serve();
    assert_eq!(app.anonymous("OPTIONS", "*").send().status, 204);
    assert_eq!(app.anonymous("OPTIONS", "/nowhere").send().status, 401);
    assert_ne!(app.anonymous("GET", "*").send().status, 204);
}

#[test]
fn a_header_without_a_value_that_names_no_version_is_as_good_as_none() {
    let app = TestApp::serve();
    let path = invited(&app);
    assert_eq!(
        app.request("GET", &path)
            .header("If-None-Match", "")
            .send()
            .status,
        200
    );
    let stream = app
        .request("GET", "/v1/organizations/acme/events/stream")
        .header("Last-Event-ID", "")
        .send();
    assert_eq!(stream.status, 200, "{}", stream.text());
    let change = app
        .request("PATCH", &path)
        .header("If-Match", "")
        .json(r#"{"role":"admin"}"#)
        .send();
    assert_eq!(
        change.status, 400,
        "a condition that cannot be read is not left out"
    );
}

#[test]
fn documents_and_pages_go_compressed_to_whom_that_suits_and_have_a_tag() {
    let app = TestApp::serve();
    for path in [
        "/openapi.json",
        "/accept",
        "/accept/app.js",
        "/accept/style.css",
        "/problems",
        "/docs",
        "/docs/app.js",
        "/docs/style.css",
        "/docs/swagger-ui.js",
        "/docs/swagger-ui.css",
    ] {
        let get = |headers: &[(&str, &str)]| {
            headers
                .iter()
                .fold(app.anonymous("GET", path), |request, (name, value)| {
                    request.header(name, value)
                })
                .send()
        };
        let plain = get(&[]);
        assert_eq!(
            (
                plain.status,
                plain.header("content-encoding"),
                plain.header("vary")
            ),
            (200, None, Some("Accept-Encoding"))
        );
        for accepted in ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8"] {
            let answer = get(&[("Accept-Encoding", accepted)]);
            assert_eq!(
                (answer.status, answer.header("content-encoding")),
                (200, Some("gzip")),
                "{path} {accepted}"
            );
            assert!(answer.body.len() * 10 < plain.body.len() * 9, "{path}");
            let mut text = Vec::new();
            GzDecoder::new(&answer.body[..])
                .read_to_end(&mut text)
                .expect("gzip");
            assert_eq!(text, plain.body, "{path}");
            assert_ne!(
                answer.header("etag"),
                plain.header("etag"),
                "two forms are two representations"
            );
        }
        for refused in ["identity", "gzip;q=0", "br", ""] {
            assert_eq!(
                get(&[("Accept-Encoding", refused)]).header("content-encoding"),
                None,
                "{path} {refused:?}"
            );
        }
        let tag = plain.header("etag").expect("a tag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), "*".to_owned()] {
            let answer = get(&[("If-None-Match", &known)]);
            assert_eq!(
                (answer.status, answer.body.len(), answer.header("etag")),
                (304, 0, Some(&*tag)),
                "{path} {known}"
            );
        }
        assert_eq!(get(&[("If-None-Match", "\"x\"")]).status, 200);
    }
    let openapi = Request::new(app.address, "GET", "/openapi.json")
        .header("Accept-Encoding", "gzip")
        .send();
    assert!(openapi.body.len() < 64 * 1024, "{}", openapi.body.len());
}

#[test]
fn what_cannot_be_read_as_a_request_is_answered_by_its_status_alone() {
    let app = TestApp::serve();
    let path = invitations("acme");
    let close = "Connection: close\r\n";
    let found = send(
        &app,
        &format!("GET {path}?q=b%C3%BCcher HTTP/1.1"),
        close,
        "",
    );
    assert_eq!(found.status, 200, "the control: {}", found.text());
    for target in [format!("{path}?q=bücher"), format!("{path}/ü")] {
        let refused = send(&app, &format!("GET {target} HTTP/1.1"), "", "");
        assert_eq!((refused.status, refused.body.len()), (400, 0), "{target}");
    }
    let many = |count: usize| "X-A: b\r\n".repeat(count);
    let long = |bytes: usize| format!("X-A: {}\r\n", "b".repeat(bytes));
    for (headers, status) in [
        (many(93), 200),
        (many(94), 431),
        (long(120 * 1024), 200),
        (long(132 * 1024), 431),
    ] {
        let headers = headers + close;
        let answer = send(&app, &format!("GET {path} HTTP/1.1"), &headers, "");
        assert_eq!(answer.status, status, "{} bytes", headers.len());
        assert!(status == 200 || answer.body.is_empty());
    }
}

//! `invited dev`: no key is needed, but one that is sent is checked, and only this machine is
//! answered.

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use invited::key::Scope;

use super::{TARGET, revoked, rows, send, spellings};
use crate::support::client::raw;
use crate::support::{Answer, Request, START, TestApp, forged, invitation, invitations};

#[test]
fn development_needs_no_key_but_checks_one_that_is_sent() {
    let app = TestApp::start(Mode::Dev, &[]);
    app.invite("acme", TARGET);
    let before = rows(&app);
    let list = invitations("acme");
    let mut altered = app.key(&[Scope::Admin], &[], None);
    altered.replace_range(30..31, if &altered[30..31] == "0" { "1" } else { "0" });
    let refused = [
        ("unknown", forged(&"f".repeat(16)), 401),
        ("revoked", revoked(&app), 401),
        (
            "expired",
            app.key(&[Scope::Admin], &[], Some(Timestamp::from_millis(START))),
            401,
        ),
        ("one digit altered", altered, 401),
        ("for reading", app.key(&[Scope::Read], &[], None), 403),
        (
            "of another organization",
            app.key(&[Scope::Admin], &["globex"], None),
            404,
        ),
    ];
    for (what, key, status) in refused {
        for authorization in spellings(&key) {
            let answer = send(&app, ("POST", &list), Some(&authorization));
            assert_eq!(
                answer.status,
                status,
                "{what} ({authorization}): {}",
                answer.text()
            );
        }
    }
    assert_eq!(rows(&app), before);
    assert_eq!(send(&app, ("POST", &list), None).status, 201);
}

/// A request of a web browser that was sent to `host` and reached this server.
fn request_for(app: &TestApp, (method, path): (&str, &str), host: &str) -> Answer {
    let body = r#"{"email":"rebound@b.co","role":"developer"}"#;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: \
         application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    raw(app.address, head.as_bytes())
}

#[test]
fn development_answers_only_to_names_of_this_machine() {
    let app = TestApp::start(Mode::Dev, &[]);
    let one = invitation("acme", &app.invite("acme", TARGET)["id"]);
    let (before, list, port) = (rows(&app), invitations("acme"), app.address.port());
    let foreign = [
        "evil.io",
        "localhost.evil.io",
        "127.0.0.1.evil.io",
        "127.0.0.1.nip.io",
        "evil.io:8080",
        "0.0.0.0",
    ];
    for host in foreign {
        for operation in [
            ("GET", &*list),
            ("POST", &list),
            ("DELETE", &one),
            ("GET", "/health/live"),
            ("OPTIONS", &list),
        ] {
            let answer = request_for(&app, operation, host);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "host_not_allowed"),
                "{operation:?} {host}"
            );
        }
    }
    assert_eq!(
        request_for(&app, ("GET", &list), "localhost@evil.io").status,
        400
    );
    assert_eq!(rows(&app), before);
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            assert_eq!(
                request_for(&app, ("GET", &list), &host).status,
                200,
                "{host}"
            );
        }
    }
    let served = TestApp::serve();
    assert_eq!(
        request_for(&served, ("GET", "/health/live"), "evil.io").status,
        200,
        "only dev checks names"
    );
}

#[test]
fn a_page_of_another_origin_is_given_no_leave_in_development() {
    let app = TestApp::start(Mode::Dev, &[]);
    let list = invitations("acme");
    let from = |request: Request| request.header("Origin", "https://evil.io");
    let preflight = from(app.anonymous("OPTIONS", &list))
        .header("Access-Control-Request-Method", "POST")
        .send();
    let body = r#"{"email":"forged@b.co","role":"developer"}"#;
    let simple = from(app.anonymous("POST", &list))
        .header("Content-Type", "text/plain")
        .body(body)
        .send();
    assert_eq!(simple.status, 403, "a form of another page changes nothing");
    for answer in [preflight, simple, from(app.anonymous("GET", &list)).send()] {
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(rows(&app), Vec::<Vec<String>>::new());
}

//! Which pages and which host names a server of development serves.

use invited::base::mode::Mode;

use super::invited;
use crate::support::TestApp;
use crate::support::client::raw;

#[test]
fn dev_makes_no_change_that_a_page_of_another_origin_asks_for() {
    let app = TestApp::start(Mode::Dev, &[]);
    let path = invited(&app);
    let own = format!("http://{}", app.address);
    for (method, path) in [
        ("POST", format!("{path}/resend")),
        ("POST", format!("{path}/link")),
        ("POST", format!("{path}/revoke")),
        ("DELETE", path.clone()),
        (
            "POST",
            "/clickhouse/v1/organizations/acme/invitations".to_owned(),
        ),
    ] {
        for (name, value) in [
            ("Origin", "http://evil.test"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
        ] {
            let answer = app.anonymous(method, &path).header(name, value).send();
            assert_eq!(
                answer.status,
                403,
                "{method} {path} {value}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(app.get(&path).json()["status"], "pending");
    assert_eq!(
        app.anonymous("POST", &format!("{path}/link"))
            .header("Origin", &own)
            .send()
            .status,
        200
    );
    assert_eq!(
        app.anonymous("GET", &path)
            .header("Origin", "http://evil.test")
            .send()
            .status,
        200,
        "nothing changes"
    );
}

#[test]
fn dev_knows_every_name_of_this_machine_and_no_other() {
    let app = TestApp::start(Mode::Dev, &[]);
    let port = app.address.port();
    let ask = |host: &str| {
        raw(
            app.address,
            format!("GET /v1/organizations HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .status
    };
    for host in [
        "127.0.0.1",
        "127.0.0.2",
        "127.9.9.9",
        "localhost",
        "LocalHost",
        "localhost.",
        "app.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        assert_eq!(
            (ask(host), ask(&format!("{host}:{port}"))),
            (200, 200),
            "{host}"
        );
    }
    for host in [
        "evil.test",
        "localhost.evil.test",
        "notlocalhost",
        "127.0.0.1.evil.test",
        "10.0.0.1",
        "[::2]",
        ".localhost.x",
    ] {
        assert_eq!(ask(host), 403, "{host}");
    }
}

#[test]
fn a_host_is_one_plain_name() {
    let app = TestApp::serve();
    let ask = |host: &str| {
        raw(
            app.address,
            format!("GET /health/live HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .status
    };
    for host in ["a.test", "a_b.test:80", "A-1.test.", "[::1]:80", "1.2.3.4"] {
        assert_eq!(ask(host), 200, "{host}");
    }
    for host in ["a,b", "a.test,b.test", "a%2e.test", "a;b", "a!b", "(a)"] {
        assert_eq!(ask(host), 400, "{host}");
    }
}

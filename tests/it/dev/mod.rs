//! What only development has: a clock to set, a file to empty and to fill.
//!
//! * [`clock`]: the clock. [`seed`]: seed documents, [`seed_lines`] such that are lines, and
//!   [`seed_access`] their keys, webhooks and mail.
//! * [`hosts`]: by which names it is reached. [`programs`]: what it is to programs.
//! * [`same`]: the same answers to the same requests.
//! * [`requests`]: the log of requests.
//! * [`snapshots`]: snapshots of everything.
//! * [`start`]: what `invited dev` starts with, and goes back to.

mod clock;
mod hosts;
mod programs;
mod requests;
mod same;
mod seed;
mod seed_access;
mod seed_lines;
mod snapshots;
mod start;

use invited::base::mode::Mode;
use invited::key::Scope;

use crate::support::client::raw;
use crate::support::{Answer, TestApp, invitations};

/// The routes of development, each with a body that it takes.
const ROUTES: [(&str, &str, &str); 13] = [
    ("GET", "/dev/clock", ""),
    ("POST", "/dev/clock", r#"{"set":"2027-01-01T00:00:00Z"}"#),
    ("POST", "/dev/reset", "{}"),
    ("POST", "/dev/seed", r#"{"organizations":[]}"#),
    ("GET", "/dev/mailbox", ""),
    ("DELETE", "/dev/mailbox", ""),
    ("GET", "/dev/faults", ""),
    ("POST", "/dev/faults", r#"{"mail":{"next":1,"do":"fail"}}"#),
    ("DELETE", "/dev/faults", ""),
    ("GET", "/dev/requests", ""),
    ("GET", "/dev/snapshots", ""),
    ("POST", "/dev/snapshot", "{}"),
    (
        "POST",
        "/dev/restore",
        r#"{"id":"00000000-0000-4000-8000-000000000000"}"#,
    ),
];

/// A server for development.
fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

/// Sends a request of [`ROUTES`] with one more header.
fn send(
    app: &TestApp,
    (method, path, body): (&str, &str, &str),
    (name, value): (&str, &str),
) -> Answer {
    let request = app.anonymous(method, path).header(name, value);
    if method == "GET" {
        request.send()
    } else {
        request.json(body).send()
    }
}

/// What a request must not have changed: rows and clock.
fn state(app: &TestApp) -> (String, String) {
    (
        app.get(&invitations("acme")).text(),
        app.get("/dev/clock").text(),
    )
}

#[test]
fn a_server_for_everybody_has_none_of_it() {
    let app = TestApp::serve();
    app.invite_by_mail("acme", "a@b.co");
    for (method, path, body) in ROUTES {
        let with_key = ("Authorization", &*format!("Bearer {}", app.key));
        let unknown = send(&app, (method, "/dev/nothing", body), with_key);
        let answer = send(&app, (method, path, body), with_key);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_found"),
            "{method} {path}"
        );
        assert_eq!(answer.without_request_id(), unknown.without_request_id());
        assert_eq!(
            send(&app, (method, path, body), ("X-No", "key")).status,
            401,
            "{method} {path}"
        );
        assert_eq!(app.request("PUT", path).send().status, 404, "{path}");
    }
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_page_that_made_its_name_resolve_to_this_machine_is_refused() {
    let app = dev();
    app.invite_by_mail("acme", "a@b.co");
    let before = state(&app);
    for (method, path, body) in ROUTES {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: evil.io\r\nConnection: close\r\nContent-Type: \
             application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = raw(app.address, head.as_bytes());
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "host_not_allowed"),
            "{method} {path}"
        );
    }
    assert_eq!(state(&app), before);
}

#[test]
fn a_page_of_another_origin_is_refused_whatever_it_sends() {
    let app = dev();
    app.invite_by_mail("acme", "a@b.co");
    let before = state(&app);
    let host = app.address.to_string();
    let foreign = [
        ("Origin", "https://evil.io".to_owned()),
        ("Origin", "null".to_owned()),
        ("Origin", "http://127.0.0.1:3000".to_owned()),
        ("Origin", format!("http://{host}.evil.io")),
        ("Origin", format!("https://evil.io?http://{host}")),
        ("Sec-Fetch-Site", "cross-site".to_owned()),
        ("Sec-Fetch-Site", "same-site".to_owned()),
    ];
    for route in ROUTES {
        for (name, value) in &foreign {
            let answer = send(&app, route, (name, value));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "origin_not_allowed"),
                "{route:?} {value}"
            );
        }
    }
    let empty = app
        .anonymous("POST", "/dev/reset")
        .header("Origin", "https://evil.io")
        .send();
    assert_eq!(
        empty.status, 403,
        "a form without fields sends no body either"
    );
    assert_eq!(state(&app), before);
    for own in [
        ("Origin", format!("http://{host}")),
        ("Sec-Fetch-Site", "none".to_owned()),
    ] {
        assert_eq!(
            send(&app, ROUTES[0], (own.0, &own.1)).status,
            200,
            "{own:?}"
        );
    }
}

#[test]
fn a_body_that_is_not_json_is_refused() {
    let app = dev();
    app.invite_by_mail("acme", "a@b.co");
    let before = state(&app);
    for (_, path, body) in ROUTES.into_iter().filter(|(method, ..)| *method == "POST") {
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        ] {
            let answer = app
                .anonymous("POST", path)
                .header("Content-Type", kind)
                .body(body)
                .send();
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (415, "unsupported_media_type"),
                "{path} {kind}"
            );
        }
    }
    let unknown = app.post("/dev/reset", r#"{"keep":"keys"}"#);
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (400, "unknown_field")
    );
    assert_eq!(app.post("/dev/reset?keys=keep", "{}").status, 400);
    assert_eq!(state(&app), before);
}

#[test]
fn a_key_that_is_sent_must_be_one_that_may_do_everything() {
    let app = dev();
    let reader = app.key(&[Scope::Read, Scope::Write], &[], None);
    let bound = app.key(&[Scope::Admin], &["acme"], None);
    let admin = app.key(&[Scope::Admin], &[], None);
    for (method, path, body) in ROUTES {
        let ask = |key: &str| {
            send(
                &app,
                (method, path, body),
                ("Authorization", &format!("Bearer {key}")),
            )
            .status
        };
        assert_eq!((ask(&reader), ask(&bound)), (403, 404), "{method} {path}");
        if method == "GET" {
            assert_eq!(ask(&admin), 200);
        }
    }
    assert_eq!(
        send(
            &app,
            ROUTES[2],
            ("Authorization", &format!("Bearer {admin}"))
        )
        .status,
        204
    );
    assert_eq!(
        send(
            &app,
            ROUTES[2],
            ("Authorization", &format!("Bearer {admin}"))
        )
        .status,
        401,
        "keys go, too"
    );
}

#[test]
fn a_reset_takes_no_body_or_an_empty_object() {
    let app = dev();
    for request in [
        app.anonymous("POST", "/dev/reset"),
        app.anonymous("POST", "/dev/reset").body(""),
    ] {
        app.invite_by_mail("acme", "a@b.co");
        let answer = request.send();
        assert_eq!((answer.status, answer.text().as_str()), (204, ""));
        assert_eq!(app.get(&invitations("acme")).text(), "[]");
    }
    let chunked = "POST /dev/reset HTTP/1.1\r\nHost: localhost\r\nConnection: \
        close\r\nContent-Type: application/json\r\n\
                   Transfer-Encoding: chunked\r\n\r\n";
    let send = |body: &str| raw(app.address, format!("{chunked}{body}").as_bytes()).status;
    assert_eq!(
        (send("2\r\n{}\r\n0\r\n\r\n"), send("2\r\n[]\r\n0\r\n\r\n")),
        (204, 400)
    );
}

#[test]
fn a_reset_empties_every_table_of_the_file_but_those_of_its_secret_and_its_counts() {
    let app = dev();
    let path = invitations("acme");
    let body = r#"{"email":"a@b.co","role":"developer"}"#;
    assert_eq!(
        app.anonymous("POST", &path)
            .header("Idempotency-Key", "k")
            .json(body)
            .send()
            .status,
        201
    );
    app.key(&[Scope::Read], &[], None);
    let tables = app.db_rows(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' \
         and name not in ('secret', 'tally')",
    );
    let count = || -> Vec<_> {
        let name = |row: &Vec<String>| {
            row[0]
                .trim_start_matches("Some(")
                .trim_matches([')', '"'])
                .to_owned()
        };
        let rows = |table: String| app.db_rows(&format!("select 'a row' from {table}")).len();
        tables.iter().map(name).map(rows).collect()
    };
    let before = count();
    assert!(
        before.len() >= 5 && before.iter().filter(|&&rows| rows > 0).count() >= 5,
        "{before:?}"
    );
    assert_eq!(app.post("/dev/reset", "{}").status, 204);
    assert_eq!(count(), vec![0; before.len()]);
    // Its rows are numbers, one for each kind of row that is counted.
    let counted = app.db_rows("select 'a count' from tally where count <> 0");
    assert_eq!(counted.len(), 0);
    assert_eq!(
        app.anonymous("POST", &path)
            .header("Idempotency-Key", "k")
            .json(body)
            .send()
            .status,
        201
    );
    assert_eq!(app.db_rows("pragma foreign_key_check").len(), 0);
}

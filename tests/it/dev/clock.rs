//! The clock of development.

use invited::base::mode::Mode;
use serde_json::json;

use super::dev;
use crate::support::process::Server;
use crate::support::{Request, TestApp, invitation, invitations};

/// Changes the clock; it must work. Returns what it shows then.
fn change(app: &TestApp, body: &str) -> serde_json::Value {
    let answer = app.post("/dev/clock", body);
    assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    answer.json()
}

/// The addresses of a list, in its order.
fn emails(list: &serde_json::Value) -> Vec<&str> {
    list.as_array()
        .expect("an array")
        .iter()
        .filter_map(|row| row["email"].as_str())
        .collect()
}

#[test]
fn limits_are_refilled_by_the_clock_and_forgotten_by_whatever_begins_anew() {
    let app = TestApp::start(Mode::Dev, &["--limit-recipient", "2"]);
    let invite = || {
        let body = json!({ "email": "a@b.co", "role": "viewer", "onConflict": "replace" });
        app.post(&invitations("acme"), &body.to_string()).status
    };
    let use_up = || [invite(), invite(), invite()];
    assert_eq!(use_up(), [201, 201, 429]);
    change(&app, r#"{"advance":"12h"}"#);
    assert_eq!([invite(), invite()], [201, 429]);
    change(&app, r#"{"advance":"400d"}"#);
    assert_eq!(use_up(), [201, 201, 429]);
    let back = json!({ "set": app.clock.now().plus_seconds(-86_400).to_string() });
    change(&app, &back.to_string());
    assert_eq!(invite(), 429, "a clock that is set back refills nothing");
    let snapshot = app.post("/dev/snapshot", "{}").json()["id"].clone();
    for (path, body) in [
        ("/dev/reset", json!({})),
        ("/dev/seed", json!({ "organizations": [] })),
        ("/dev/restore", json!({ "id": snapshot })),
    ] {
        let answer = app.post(path, &body.to_string());
        assert!(
            matches!(answer.status, 200 | 204),
            "{path}: {}",
            answer.text()
        );
        assert_eq!(use_up(), [201, 201, 429], "{path}");
    }
}

#[test]
fn a_clock_that_is_set_stands_still_and_an_advance_moves_it_from_there() {
    let app = dev();
    let set = change(&app, r#"{"set":"2026-12-01T01:00:00.0009+01:00"}"#);
    assert_eq!(
        set,
        json!({"now": "2026-12-01T00:00:00.000Z", "frozen": true})
    );
    assert_eq!(
        app.get("/dev/clock").text(),
        r#"{"now":"2026-12-01T00:00:00.000Z","frozen":true}"#
    );
    assert_eq!(
        app.invite_by_mail("acme", "a@b.co")["createdAt"],
        "2026-12-01T00:00:00.000Z"
    );
    assert_eq!(
        change(&app, r#"{"advance":"8d"}"#)["now"],
        "2026-12-09T00:00:00.000Z"
    );
    assert_eq!(
        change(&app, r#"{"advance":90}"#)["now"],
        "2026-12-09T00:01:30.000Z"
    );
    assert_eq!(
        change(&app, r#"{"advance":"1h 30m","set":null}"#)["now"],
        "2026-12-09T01:31:30.000Z"
    );
    assert_eq!(
        change(&app, r#"{"advance":0}"#)["now"],
        "2026-12-09T01:31:30.000Z"
    );
    assert_eq!(
        change(&app, r#"{"set":"1970-01-01T00:00:00Z"}"#)["now"],
        "1970-01-01T00:00:00.000Z"
    );
}

#[test]
fn a_freed_clock_runs_with_the_machine_and_an_advance_stops_it_ahead_of_it() {
    let app = dev();
    change(&app, r#"{"set":"1999-01-01T00:00:00Z"}"#);
    assert_eq!(change(&app, r#"{"free":true}"#)["frozen"], false);
    let now = || {
        app.get("/dev/clock").json()["now"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let first = now();
    std::thread::sleep(std::time::Duration::from_millis(5));
    let second = now();
    assert!(
        "2026" < first.as_str() && first < second,
        "{first} {second}"
    );
    let ahead = change(&app, r#"{"advance":"1h"}"#);
    assert_eq!(ahead["frozen"], true);
    assert!(ahead["now"].as_str() > Some(second.as_str()), "{ahead}");
    assert_eq!(app.get("/dev/clock").json(), ahead);
}

#[test]
fn an_invitation_is_expired_from_the_very_millisecond_of_its_end() {
    let app = dev();
    change(&app, r#"{"set":"2026-12-01T00:00:00.500Z"}"#);
    let made = app.invite_by_mail("acme", "a@b.co");
    let path = invitation("acme", &made["id"]);
    let status = || {
        app.get(&path).json()["status"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(made["expiresAt"], "2026-12-08T00:00:00.500Z");
    change(&app, r#"{"advance":"6days 23h 59m 59s 999ms"}"#);
    assert_eq!(status(), "pending");
    change(&app, r#"{"advance":"1ms"}"#);
    assert_eq!(status(), "expired");
    assert_eq!(
        app.get(&format!("{}?status=pending", invitations("acme")))
            .text(),
        "[]"
    );
    change(&app, r#"{"set":"2026-12-08T00:00:00.499Z"}"#);
    assert_eq!(status(), "pending", "nothing but the clock decides");
}

#[test]
fn a_change_that_is_not_exactly_one_or_cannot_be_is_refused_and_changes_nothing() {
    let app = dev();
    let before = app.get("/dev/clock").text();
    let cases = [
        ("{}", 422, vec![("/set", "required")]),
        (
            r#"{"set":null,"advance":null,"free":null}"#,
            422,
            vec![("/set", "required")],
        ),
        (
            r#"{"set":"2027-01-01T00:00:00Z","free":true}"#,
            422,
            vec![("/set", "conflict"), ("/free", "conflict")],
        ),
        (
            r#"{"advance":1,"free":false}"#,
            422,
            vec![("/advance", "conflict"), ("/free", "conflict")],
        ),
        (r#"{"free":false}"#, 422, vec![("/free", "unknown_value")]),
        (
            r#"{"set":"tomorrow"}"#,
            422,
            vec![("/set", "invalid_format")],
        ),
        (
            r#"{"set":"1969-12-31T23:59:59.999Z"}"#,
            422,
            vec![("/set", "invalid_format")],
        ),
        (
            r#"{"set":"10000-01-01T00:00:00Z"}"#,
            422,
            vec![("/set", "invalid_format")],
        ),
        (r#"{"advance":-1}"#, 422, vec![("/advance", "out_of_range")]),
        (
            r#"{"advance":"-8d"}"#,
            422,
            vec![("/advance", "invalid_format")],
        ),
        (
            r#"{"advance":"8x"}"#,
            422,
            vec![("/advance", "invalid_format")],
        ),
        (
            r#"{"advance":""}"#,
            422,
            vec![("/advance", "invalid_format")],
        ),
        (
            r#"{"advance":"7975y"}"#,
            422,
            vec![("/advance", "out_of_range")],
        ),
        (
            r#"{"advance":9223372036854775807}"#,
            422,
            vec![("/advance", "out_of_range")],
        ),
        (r#"{"advance":1.5}"#, 400, vec![("/advance", "wrong_type")]),
        (r#"{"set":1}"#, 400, vec![("/set", "wrong_type")]),
        (r#"{"free":"true"}"#, 400, vec![("/free", "wrong_type")]),
        (
            r#"{"freeze":true}"#,
            400,
            vec![("/freeze", "unknown_field")],
        ),
    ];
    for (body, status, errors) in cases {
        let answer = app.post("/dev/clock", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let problem = answer.json();
        let listed: Vec<_> = problem["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .collect();
        let listed: Vec<_> = listed
            .iter()
            .filter_map(|error| Some((error["pointer"].as_str()?, error["code"].as_str()?)))
            .collect();
        assert_eq!(listed, errors, "{body}");
    }
    assert_eq!(app.get("/dev/clock").text(), before);
}

#[test]
fn ids_grow_and_lists_keep_their_order_whatever_the_clock_does() {
    let app = dev();
    let mut ids = Vec::new();
    for (number, body) in [
        r#"{"set":"2030-01-01T00:00:00Z"}"#,
        r#"{"free":true}"#,
        r#"{"set":"1980-01-01T00:00:00Z"}"#,
    ]
    .iter()
    .enumerate()
    {
        change(&app, body);
        ids.push(app.invite_by_mail("acme", &format!("{number}@b.co"))["id"].to_string());
    }
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    let path = invitations("acme");
    assert_eq!(
        emails(&app.get(&path).json()),
        ["2@b.co", "1@b.co", "0@b.co"]
    );
    assert_eq!(
        emails(&app.get(&format!("{path}?order=asc")).json()),
        ["0@b.co", "1@b.co", "2@b.co"]
    );
    assert_eq!(app.get(&path).json()[1]["id"].to_string(), ids[1]);
}

#[test]
fn ids_grow_over_a_restart_that_frees_a_clock_which_was_ahead() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let words = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database.to_string_lossy(),
    ];
    let invite = |server: &Server, email: &str| {
        let body = json!({"email": email, "role": "developer"}).to_string();
        let answer = Request::new(server.address, "POST", &invitations("initrode"))
            .json(body)
            .send();
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    let first = Server::start(&words);
    let set = first
        .request("POST", "/dev/clock")
        .json(r#"{"set":"2040-01-01T00:00:00Z"}"#)
        .send();
    assert_eq!(set.status, 200);
    invite(&first, "0@b.co");
    first.signal("TERM");
    assert_eq!(first.wait().0.code(), Some(0));
    let second = Server::start(&words);
    assert_eq!(
        second.request("GET", "/dev/clock").send().json()["frozen"],
        false
    );
    invite(&second, "1@b.co");
    let list = second
        .request("GET", &invitations("initrode"))
        .send()
        .json();
    assert_eq!(emails(&list), ["1@b.co", "0@b.co"]);
}

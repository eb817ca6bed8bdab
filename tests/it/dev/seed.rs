//! Seed documents, resets, and what `invited dev` starts with.

use serde_json::{Value, json};

use super::dev;
use crate::readme::steady;
use crate::support::process::{Server, run};
use crate::support::{Answer, Request, TestApp, invitations};

/// A seed document with the invitations of one organization.
fn acme(invitations: &Value) -> String {
    json!({"organizations": [{"id": "acme", "invitations": invitations}]}).to_string()
}

/// Pointers and codes of the errors of a problem document.
fn errors(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let problem = answer.json();
    let listed = problem["errors"].as_array().cloned().unwrap_or_default();
    listed
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

/// The lists of `organizations`, without what differs from time to time.
fn lists(server: &Server, organizations: &[&str]) -> Vec<String> {
    organizations
        .iter()
        .map(|id| steady(&server.request("GET", &invitations(id)).send().text()))
        .collect()
}

#[test]
fn a_seed_replaces_everything_and_its_invitations_are_as_old_and_as_far_as_it_says() {
    let app = dev();
    app.invite_by_mail("globex", "gone@b.co");
    let answer = app.post(
        "/dev/seed",
        &acme(&json!([
            {"email": "New@B.co", "role": "developer", "metadata": {"team": "core"},
                "inviter": {"name": "Ada"}},
            {"email": "in@b.co", "role": "admin", "age": "30d", "status": "accepted",
                "acceptedBy": "user_7"},
            {"email": "no@b.co", "role": "viewer", "age": 86400, "status": "declined"},
            {"email": "off@b.co", "role": "viewer", "age": "2d", "status": "revoked"},
            {"email": "late@b.co", "role": "viewer", "age": "1h", "expiresIn": 3600,
                "status": "expired"},
        ])),
    );
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, r#"{"organizations":1,"invitations":5}"#)
    );
    assert_eq!(app.get(&invitations("globex")).text(), "[]");
    let list = app.get(&invitations("acme")).json();
    let rows: Vec<_> = list.as_array().expect("an array").iter().collect();
    let shown: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row["email"].as_str()?, row["status"].as_str()?)))
        .collect();
    let expected = [
        ("new@b.co", "pending"),
        ("late@b.co", "expired"),
        ("no@b.co", "declined"),
        ("off@b.co", "revoked"),
        ("in@b.co", "accepted"),
    ];
    assert_eq!(
        shown, expected,
        "newest first, whatever the order of the document"
    );
    assert_eq!(
        (&rows[0]["metadata"], &rows[0]["inviter"]),
        (&json!({"team": "core"}), &json!({"name": "Ada"}))
    );
    assert_eq!(rows[0]["createdAt"], "2026-11-23T02:43:00.123Z");
    assert_eq!(rows[1]["expiresAt"], "2026-11-23T02:43:00.123Z");
    let then = json!("2026-10-24T02:43:00.123Z");
    assert_eq!(
        (&rows[4]["createdAt"], &rows[4]["acceptedAt"]),
        (&then, &then)
    );
    assert_eq!(rows[4]["acceptedBy"], "user_7");
    assert_eq!(rows[2]["declinedAt"], "2026-11-22T02:43:00.123Z");
    let events = app.db_rows("select type from event order by rowid");
    let events: Vec<_> = events
        .iter()
        .map(|row| row[0].trim_start_matches("Some(\"invitation."))
        .collect();
    let types: Vec<_> = events
        .iter()
        .map(|event| event.trim_end_matches("\")"))
        .collect();
    assert_eq!(
        types,
        [
            "created", "accepted", "created", "revoked", "created", "declined", "created",
            "created"
        ]
    );
}

#[test]
fn the_example_of_the_guide_is_a_seed_and_organizations_without_invitations_are_known() {
    let guide = include_str!("../../../docs/dev.md");
    let example = guide
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    let app = dev();
    let answer = app.post("/dev/seed", example);
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, r#"{"organizations":2,"invitations":3}"#)
    );
    assert_eq!(app.db_rows("select id from organization").len(), 2);
}

#[test]
fn addresses_that_come_twice_follow_the_rule_of_a_create() {
    let app = dev();
    let document = acme(&json!([
        {"email": "a@b.co", "role": "developer", "onConflict": "replace"},
        {"email": "a@b.co", "role": "viewer", "age": "1d"},
        {"email": "c@b.co", "role": "viewer", "age": "10d", "status": "expired"},
        {"email": "c@b.co", "role": "viewer", "age": "1d", "status": "revoked"},
        {"email": "d@b.co", "role": "viewer", "age": "2d"},
        {"email": "d@b.co", "role": "viewer", "age": "1d", "onConflict": "resend"},
    ]));
    assert_eq!(
        app.post("/dev/seed", &document).text(),
        r#"{"organizations":1,"invitations":5}"#
    );
    let list = app.get(&invitations("acme")).json();
    let count = |status: &str| {
        list.as_array()
            .into_iter()
            .flatten()
            .filter(|row| row["status"] == status)
            .count()
    };
    assert_eq!(
        (count("pending"), count("revoked"), count("expired")),
        (2, 2, 1)
    );
    let resent = app
        .get(&format!("{}?email=d@b.co", invitations("acme")))
        .json()[0]
        .clone();
    assert_eq!(resent["sendCount"], 1);
}

#[test]
fn a_seed_that_is_wrong_anywhere_changes_nothing_and_is_told_everything() {
    let app = dev();
    app.invite_by_mail("acme", "stays@b.co");
    let before = app.get(&invitations("acme")).text();
    let bad = json!({"organizations": [
        {"id": "acme", "invitations": [
            {"email": "good@b.co", "role": "developer"},
            {"email": "nonsense", "age": "8", "status": "lapsed"},
            {"email": "b@b.co", "role": "developer", "status": "expired", "age": "6d"},
            {"email": "c@b.co", "role": "developer", "age": "7d"},
            {"email": "d@b.co", "role": "developer", "acceptedBy": "user_7"},
            {"email": "e@b.co", "role": "developer", "status": "accepted",
                "acceptedBy": "\u{200b}"},
            {"email": "f@b.co", "role": "developer", "age": "100years"},
            {"email": "g@b.co", "role": "developer", "age": -1, "expiresIn": 1,
                "inviter": {"id": ""}},
        ]},
        {"id": "acme"},
        {"id": "-"},
        {},
    ]});
    let answer = app.post("/dev/seed", &bad.to_string());
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "validation_failed"),
        "{}",
        answer.text()
    );
    let expected = [
        ("/organizations/0/invitations/1/age", "invalid_format"),
        ("/organizations/0/invitations/1/status", "unknown_value"),
        ("/organizations/0/invitations/1/email", "invalid_email"),
        ("/organizations/0/invitations/1/role", "required"),
        ("/organizations/0/invitations/2/age", "out_of_range"),
        ("/organizations/0/invitations/3/age", "out_of_range"),
        ("/organizations/0/invitations/4/acceptedBy", "conflict"),
        (
            "/organizations/0/invitations/5/acceptedBy",
            "forbidden_character",
        ),
        ("/organizations/0/invitations/6/age", "out_of_range"),
        ("/organizations/0/invitations/7/age", "out_of_range"),
        ("/organizations/0/invitations/7/expiresIn", "out_of_range"),
        (
            "/organizations/0/invitations/7/inviter/id",
            "invalid_format",
        ),
        ("/organizations/1/id", "conflict"),
        ("/organizations/2/id", "invalid_format"),
        ("/organizations/3/id", "required"),
    ];
    let expected: Vec<_> = expected
        .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
        .into();
    assert_eq!(errors(&answer), expected);
    let twice = acme(&json!([{"email": "x@b.co", "role": "a"}, {"email": "X@b.co", "role": "a"}]));
    let answer = app.post("/dev/seed", &twice);
    assert_eq!(answer.status, 422);
    assert_eq!(
        errors(&answer),
        [(
            "/organizations/0/invitations/1/email".to_owned(),
            "conflict".to_owned()
        )]
    );
    assert_eq!(app.get(&invitations("acme")).text(), before);
    assert_eq!(app.db_rows("select id from event").len(), 1);
}

#[test]
fn a_seed_of_another_shape_is_refused_with_its_place() {
    let app = dev();
    let cases = [
        ("{}", 422, "/organizations", "required"),
        (
            r#"{"organizations":{}}"#,
            400,
            "/organizations",
            "wrong_type",
        ),
        (
            r#"{"organizations":[["acme",[]]]}"#,
            400,
            "/organizations/0",
            "wrong_type",
        ),
        (
            r#"{"organizations":[],"version":1}"#,
            400,
            "/version",
            "unknown_field",
        ),
        (
            r#"{"organizations":[{"id":"acme","name":"Acme"}]}"#,
            400,
            "/organizations/0/name",
            "unknown_field",
        ),
        (
            r#"{"organizations":[{"id":"acme","invitations":[{"mail":"a@b.co"}]}]}"#,
            400,
            "/organizations/0/invitations/0/mail",
            "unknown_field",
        ),
        (
            r#"{"organizations":[{"id":"acme","invitations":[{"age":true}]}]}"#,
            400,
            "/organizations/0/invitations/0/age",
            "wrong_type",
        ),
    ];
    for (body, status, pointer, code) in cases {
        let answer = app.post("/dev/seed", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(
            errors(&answer),
            [(pointer.to_owned(), code.to_owned())],
            "{body}"
        );
    }
}

#[test]
fn a_seed_may_have_a_mebibyte_and_no_byte_more() {
    let app = dev();
    let of_size = |body: &str, size: usize| body.to_owned() + &" ".repeat(size - body.len());
    let (seed, free) = (r#"{"organizations":[]}"#, r#"{"free":true}"#);
    assert_eq!(
        app.post("/dev/seed", &of_size(seed, 1024 * 1024)).status,
        200
    );
    let refused = app.post("/dev/seed", &of_size(seed, 1024 * 1024 + 1));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (413, "body_too_large")
    );
    assert!(refused.text().contains("1048576"), "{}", refused.text());
    assert_eq!(app.post("/dev/clock", &of_size(free, 65_537)).status, 413);
    assert_eq!(app.post("/dev/clock", &of_size(free, 65_536)).status, 200);
}

#[test]
fn thousands_of_invitations_are_seeded_at_once() {
    let app = dev();
    let many: Vec<_> = (0..5000)
        .map(|number| json!({"email": format!("u{number}@b.co"), "role": "viewer"}))
        .collect();
    assert_eq!(
        app.post("/dev/seed", &acme(&many.into())).text(),
        r#"{"organizations":1,"invitations":5000}"#
    );
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(5000)
    );
}

#[test]
fn a_reset_brings_the_samples_and_the_running_clock_back() {
    let server = Server::start(&[
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--roles",
        "none-of-them",
        "--default-expiry",
        "1h",
    ]);
    let all = ["acme", "globex", "7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f"];
    let post = |path: &str, body: &str| server.request("POST", path).json(body).send().status;
    let before = lists(&server, &all);
    assert!(before.iter().all(|list| list.len() > 100), "{before:?}");
    assert_eq!(
        post(
            "/dev/seed",
            &acme(&json!([{"email": "a@b.co", "role": "none-of-them"}]))
        ),
        200
    );
    assert_eq!(post("/dev/clock", r#"{"set":"2050-01-01T00:00:00Z"}"#), 200);
    assert_ne!(lists(&server, &all), before);
    assert_eq!(server.request("POST", "/dev/reset").send().status, 204);
    assert_eq!(lists(&server, &all), before);
    let shown = server.request("GET", "/dev/clock").send().json();
    assert_eq!(shown["frozen"], false);
    let newest = server.request("GET", &invitations("acme")).send().json()[0]["createdAt"].clone();
    assert!(
        newest.as_str() < shown["now"].as_str() && newest.as_str() > Some("2026"),
        "{newest} {shown}"
    );
}

#[test]
fn a_seed_file_is_what_the_server_starts_with_and_goes_back_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, database) = (
        folder.path().join("seed.json"),
        folder.path().join("invited.db"),
    );
    std::fs::write(
        &file,
        acme(&json!([{"email": "a@b.co", "role": "viewer", "age": "1d"}])),
    )
    .expect("it is written");
    let (file, database) = (
        file.to_string_lossy().into_owned(),
        database.to_string_lossy().into_owned(),
    );
    let words = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--seed",
        &file,
        "--database",
        &database,
    ];
    let server = Server::start(&words);
    let before = lists(&server, &["acme", "globex"]);
    assert!(
        before[0].contains("a@b.co") && before[1] == "[]",
        "{before:?}"
    );
    let another = r#"{"email":"b@b.co","role":"viewer"}"#;
    assert_eq!(
        Request::new(server.address, "POST", &invitations("acme"))
            .json(another)
            .send()
            .status,
        201
    );
    let changed = lists(&server, &["acme"]);
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    let again = Server::start(&words);
    assert_eq!(
        lists(&again, &["acme"]),
        changed,
        "a file with organizations is left alone"
    );
    assert_eq!(
        again.request("POST", "/dev/reset").json("{}").send().status,
        204
    );
    assert_eq!(lists(&again, &["acme", "globex"]), before);
}

#[test]
fn a_bad_seed_file_keeps_the_server_from_starting_and_is_told_with_place_and_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("seed.json");
    let start = |seed: &str| {
        let output = run(&["dev", "--listen", "127.0.0.1:0", "--seed", seed]);
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(
            printed.contains(seed) && printed.contains("hint: ") && !printed.contains("body"),
            "{printed}"
        );
        printed
    };
    let missing = folder.path().join("missing.json");
    assert!(start(&missing.to_string_lossy()).contains("No such file"));
    let many: Vec<_> = (0..12).map(|_| json!({"email": "a@b.co"})).collect();
    let cases = [
        (r#"{"organizations":"#.to_owned(), "line 1 column 17"),
        (
            r#"{"organizations":[{"id":"a","x":1}]}"#.to_owned(),
            "/organizations/0/x: no such field",
        ),
        (
            r#"{"organizations":[{"id":7}]}"#.to_owned(),
            "/organizations/0/id: invalid type",
        ),
        (
            acme(&json!([{"email": "a@b.co"}])),
            "/organizations/0/invitations/0/role: the role",
        ),
        (acme(&many.into()), "and 2 more"),
    ];
    for (text, reason) in cases {
        std::fs::write(&file, &text).expect("it is written");
        let printed = start(&file.to_string_lossy());
        assert!(printed.contains(reason), "{text}: {printed}");
    }
    let serve = run(&["serve", "--seed", &file.to_string_lossy()]);
    assert_eq!(serve.status.code(), Some(2), "seeds are for development");
}

#[test]
fn a_reset_without_a_start_leaves_an_empty_file() {
    let app: TestApp = dev();
    app.invite_by_mail("acme", "a@b.co");
    assert_eq!(app.post("/dev/reset", "").status, 204);
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
    assert_eq!(app.get("/dev/clock").json()["frozen"], false);
}

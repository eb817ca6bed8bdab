//! What `invited dev` starts with: its samples or a seed file, and a reset that goes back to them.

use std::time::{Duration, Instant};

use serde_json::json;

use super::dev;
use super::seed::acme;
use crate::readme::steady;
use crate::support::process::{Server, run};
use crate::support::{Request, TestApp, invitations};

/// The lists of `organizations` once their mail is out, without what differs from time to time.
fn lists(server: &Server, organizations: &[&str]) -> Vec<String> {
    let list = |id: &&str| steady(&server.request("GET", &invitations(id)).send().text());
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let lists: Vec<_> = organizations.iter().map(list).collect();
        if !lists.iter().any(|list| list.contains("queued")) {
            return lists;
        }
        assert!(Instant::now() < deadline, "mail waits still: {lists:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
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
        (r#"{"organizations":"#.to_owned(), "line 1, column 17"),
        (
            r#"{"organizations":[{"id":"a","x":1}]}"#.to_owned(),
            "/organizations/0/x: no such field",
        ),
        (
            r#"{"organizations":[{"id":7}]}"#.to_owned(),
            "/organizations/0/id: must be a string, and is a whole number",
        ),
        (
            acme(&json!([{"email": "a@b.co"}])),
            "/organizations/0/invitations/0/role: required: the role",
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

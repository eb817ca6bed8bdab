//! `--output json`: what commands list and report, as one JSON value on stdout.

use serde_json::Value;

use super::fresh;
use crate::support::process::{Server, invited, run};
use crate::support::smtp::Smtp;

/// What a command prints with `--output json`, and whether it succeeds.
fn json(words: &[&str]) -> (Value, bool) {
    let output = run(&[words, &["--output", "json"]].concat());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{words:?}: {why}: {error}"));
    (value, output.status.success())
}

/// The names of an object's members, in their order.
fn names(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

#[test]
fn keys_are_made_and_listed_as_the_api_shows_them() {
    let (_folder, database) = fresh();
    let server = Server::serve(&database);
    let file = database.to_string_lossy().into_owned();
    let words = ["--database", &file];
    let create = ["key", "create", "--name", "ci", "--organization", "acme"];
    let (made, _) = json(&[&create[..], &words].concat());
    let key = made["key"].as_str().expect("a key").to_owned();
    assert_eq!(
        names(&made),
        [
            "id",
            "name",
            "scopes",
            "organizations",
            "status",
            "createdBy",
            "createdAt",
            "key"
        ]
    );
    let path = "/v1/organizations/acme/invitations";
    assert_eq!(server.request("GET", path).bearer(&key).send().status, 200);
    let (list, _) = json(&[&["key", "list"][..], &words].concat());
    let list = list.as_array().expect("an array").clone();
    assert_eq!(list.len(), 2);
    let listed = list
        .iter()
        .find(|one| one["id"] == made["id"])
        .expect("it is listed");
    let mut without = made.clone();
    without.as_object_mut().expect("an object").remove("key");
    for (name, value) in without.as_object().expect("an object") {
        assert_eq!(&listed[name], value);
    }
    assert!(listed.get("key").is_none());
    let (generated, _) = json(&["key", "generate"]);
    assert_eq!(names(&generated), ["key"]);
    assert_ne!(generated["key"], made["key"]);
}

#[test]
fn backups_are_told_with_what_they_hold() {
    let (folder, database) = fresh();
    let server = Server::serve(&database);
    let file = database.to_string_lossy().into_owned();
    let backup = folder
        .path()
        .join("backup.db")
        .to_string_lossy()
        .into_owned();
    let counts = ["organizations", "invitations", "events", "keys", "webhooks"];
    let (made, _) = json(&["backup", &backup, "--with-secret", "--database", &file]);
    assert_eq!(names(&made), ["file", "bytes", "counts", "hasSecret"]);
    assert_eq!(
        (&made["file"], &made["hasSecret"]),
        (&backup.clone().into(), &true.into())
    );
    assert!(
        counts.iter().all(|name| made["counts"][name].is_u64()),
        "{made}"
    );
    assert_eq!(made["counts"]["keys"], 1);
    server.signal("TERM");
    server.wait();
    let (restored, _) = json(&["restore", &backup, "--database", &file]);
    assert_eq!(names(&restored), ["file", "counts", "before", "secret"]);
    assert_eq!(restored["counts"], made["counts"]);
    assert!(
        restored["before"]
            .as_str()
            .is_some_and(|path| path.starts_with(&file))
    );
    let (verified, is_fine) = json(&["verify", &backup]);
    assert_eq!(
        names(&verified),
        [
            "file",
            "ok",
            "counts",
            "findings",
            "findingsTotal",
            "headsCompared",
            "deletedOrganizations",
            "schemaVersion"
        ]
    );
    assert!(is_fine && verified["ok"] == true && verified["counts"] == made["counts"]);
    let stdout = run(&["backup", "-", "--output", "json", "--database", &file]);
    assert_eq!((stdout.status.code(), stdout.stdout), (Some(2), Vec::new()));
    let (rotated, _) = json(&["secret", "rotate", "--database", &file]);
    assert_eq!(names(&rotated), ["file", "until"]);
    assert_eq!(rotated["file"], format!("{file}.secret"));
}

#[test]
fn the_steps_of_a_mail_are_told_also_where_one_fails() {
    let smtp = Smtp::start();
    let steps = |url: String| {
        let words = ["mail", "test", "ada@example.com", "--output", "json"];
        let mut command = invited();
        command.args(words).args(["--mail-from", "a@acme.test"]);
        let output = command
            .env("INVITED_SMTP_URL", url)
            .output()
            .expect("it runs");
        let steps: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (steps, output.status.code())
    };
    let (told, code) = steps(format!("smtp://{}?tls=none", smtp.address));
    let told = told.as_array().expect("an array").clone();
    assert_eq!(code, Some(0));
    assert!(told.len() > 1 && told.iter().all(|step| names(step) == ["step", "what"]));
    let (told, code) = steps("smtp://127.0.0.1:1?tls=none".to_owned());
    assert_eq!((told.is_array(), code), (true, Some(1)));
}

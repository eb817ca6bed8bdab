//! The chain of hashes in every history: what is changed, put in or taken out does not fit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use rusqlite::Connection;
use serde_json::json;
use uuid::Uuid;

use super::damage::after_sql;
use super::{Place, back_up, refused, succeeded, text, verify};
use crate::support::invitations;
use crate::support::process::invited;

/// A backup of a file with two histories, of which `acme` is the longer one.
pub fn sample() -> (tempfile::TempDir, Vec<u8>) {
    let place = Place::new();
    place.fill("filler", 12);
    for email in ["one@b.co", "two@b.co"] {
        let id = place.invite(email)["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        place.post(&format!("{}/{id}/revoke", invitations("acme")), &json!({}));
    }
    let row = json!({ "email": "three@b.co", "role": "x" });
    assert_eq!(place.post(&invitations("globex"), &row).0, 201);
    assert_eq!(put(&place, "globex"), 200);
    saved(place)
}

/// Puts an organization. Returns the status.
pub fn put(place: &Place, organization: &str) -> u16 {
    let path = format!("/v1/organizations/{organization}");
    let request = place.server.request("PUT", &path).bearer(&place.key);
    request.json(r#"{"name":"G"}"#).send().status
}

/// The bytes of a backup of the file, after which the server is stopped.
pub fn saved(place: Place) -> (tempfile::TempDir, Vec<u8>) {
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    let bytes = fs::read(&file).expect("it reads");
    fs::remove_file(&file).expect("it goes");
    (place.stop().0, bytes)
}

/// Writes `bytes` into a file.
pub fn write(folder: &Path, bytes: &[u8]) -> PathBuf {
    let file = folder.join("looked-through.db");
    fs::write(&file, bytes).expect("it is written");
    file
}

/// The file after `sql` was run on it.
pub fn changed(folder: &Path, bytes: &[u8], sql: &str) -> PathBuf {
    write(folder, &after_sql(folder, bytes, sql))
}

/// Looks through a file and its heads.
pub fn look(file: &Path, words: &[&str]) -> Output {
    let mut command = invited();
    command.arg("verify").arg(file).args(words);
    command.output().expect("it runs")
}

/// The lines of what was found, without those about invitations.
pub fn found(output: &Output) -> Vec<String> {
    refused(output, 1);
    let said = text(&output.stdout);
    let is_of_chain = |line: &&str| !line.contains("the invitation");
    said.lines()
        .filter(is_of_chain)
        .map(str::to_owned)
        .collect()
}

/// The id of an event, by its place in the history of `acme`.
pub fn id(file: &Path, position: i64) -> Uuid {
    let conn = Connection::open(file).expect("it opens");
    let sql = "select id from event where organization_id = 'acme' and position = ?1";
    let bytes = conn.query_row(sql, [position], |row| row.get(0));
    Uuid::from_bytes(bytes.expect("an event"))
}

/// Writes the heads of `file` beside it. Returns their path.
pub fn heads(folder: &Path, file: &Path) -> String {
    let place = folder.join("heads.jsonl").display().to_string();
    let _ = fs::remove_file(&place);
    succeeded(&look(file, &["--heads", &place]));
    place
}

#[test]
fn a_change_in_any_column_of_an_event_is_found_and_the_event_is_named() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    succeeded(&verify(&file));
    let (fifth, last) = (id(&file, 5), id(&file, 16));
    let says = "what it says was changed";
    for (set, what) in [
        ("type = 'invitation.revoked'", says),
        ("invitation_id = null", says),
        ("actor = 'person'", says),
        ("request_id = 'r'", says),
        ("created_at = created_at + 1", says),
        ("before = '{}'", says),
        ("after = null", says),
        ("after = replace(after, 'filler4', 'filler5')", says),
        ("after = replace(after, '\"x\"', '\"y\"')", says),
        ("after = replace(after, 'email', 'acceptedBy')", says),
        ("after = replace(after, 'role', 'rale')", says),
        ("after = replace(after, ',\"role\":\"x\"', '')", says),
        ("after = after || ' x'", says),
        ("seals = x''", says),
        ("seals = zeroblob(17)", says),
        ("seals = cast(seals || seals as blob)", says),
        ("chain = zeroblob(32)", "its hash was changed"),
        ("position = 500", "its position was changed"),
    ] {
        let sql = format!("update event set {set} where id = x'{}'", fifth.simple());
        let lines = found(&look(&changed(folder.path(), &bytes, &sql), &[]));
        let named = format!("the event {fifth} of acme at ");
        let is_named = |line: &&String| line.starts_with(&named) && line.ends_with(what);
        assert_eq!(lines.iter().filter(is_named).count(), 1, "{set}: {lines:?}");
    }
    let sql = "update event set actor = 'x' where organization_id = 'acme' and position = 16";
    let lines = found(&look(&changed(folder.path(), &bytes, sql), &[]));
    let line = &lines[0];
    assert!(
        lines.len() == 1 && line.starts_with(&format!("the event {last} of acme at 20")),
        "{lines:?}"
    );
    assert!(
        line.ends_with("Z: what it says or its hash was changed"),
        "{line}"
    );
}

#[test]
fn events_that_are_swapped_or_missing_do_not_fit_and_every_history_is_told_of() {
    let (folder, bytes) = sample();
    let swap = "create table t as select * from event where organization_id = 'acme';
        update event set (type, invitation_id, actor, request_id, created_at, seals, before, after)
          = (select type, invitation_id, actor, request_id, created_at, seals, before, after
             from t where t.position = iif(event.position = 5, 9, 5))
          where organization_id = 'acme' and position in (5, 9);
        drop table t";
    let swap_ids = "create table t as select * from event where organization_id = 'acme';
        update event set id = zeroblob(16) where organization_id = 'acme' and position = 5;
        update event set id = (select id from t where position = 5)
          where organization_id = 'acme' and position = 9;
        update event set id = (select id from t where position = 9)
          where organization_id = 'acme' and position = 5;
        drop table t";
    for (sql, expected) in [
        (swap, &["what it says was changed"][..]),
        (swap_ids, &["events are missing before it (4)"]),
        (
            "delete from event where organization_id = 'acme' and position = 5",
            &["events are missing before it (1)"],
        ),
        (
            "delete from event where organization_id = 'acme' and position in (1, 2, 3)",
            &["events are missing before it (3)"],
        ),
        (
            "delete from event where position = 1",
            &[
                "events are missing before it (1)",
                "events are missing before it (1)",
            ],
        ),
        (
            "update event set chain = zeroblob(32) where position in (1, 2, 7)",
            &["what it says was changed", "what it says was changed"],
        ),
        (
            "update event set actor = cast(x'ff' as text) where position = 1",
            &["cannot be read", "cannot be read"],
        ),
    ] {
        let lines = found(&look(&changed(folder.path(), &bytes, sql), &[]));
        let whats: Vec<_> = lines.iter().map(|line| line.rsplit(": ").next()).collect();
        assert_eq!(lines.len(), expected.len(), "{sql}: {lines:?}");
        for (what, expected) in whats.iter().zip(expected) {
            assert!(
                what.is_some_and(|what| what.ends_with(expected)),
                "{sql}: {lines:?}"
            );
        }
    }
}

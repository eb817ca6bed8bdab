//! R32: what a look through a file finds.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Place, back_up, on, refused, succeeded, text, verify};
use crate::support::invitations;

/// A backup with some invitations in all states, as it is on the disk.
fn sample() -> (tempfile::TempDir, Vec<u8>) {
    let place = Place::new();
    place.fill("filler", 200);
    let changed = place.invite("changed.person@b.co");
    let path = format!(
        "{}/{}",
        invitations("acme"),
        changed["id"].as_str().expect("an id")
    );
    let patch = place.server.request("PATCH", &path).bearer(&place.key);
    let patched = patch.json(json!({ "role": "auditor" }).to_string()).send();
    assert_eq!(patched.status, 200, "{}", patched.text());
    for (email, what) in [
        ("revoked.person@b.co", "revoke"),
        ("resent.person@b.co", "link"),
    ] {
        let id = place.invite(email)["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        place.post(&format!("{}/{id}/{what}", invitations("acme")), &json!({}));
    }
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    let bytes = fs::read(&file).expect("it reads");
    let (folder, _) = place.stop();
    (folder, bytes)
}

/// The file `bytes` with a change, looked through: what was printed, which must be findings.
fn found(folder: &Path, bytes: &[u8]) -> String {
    let file = folder.join("damaged.db");
    fs::write(&file, bytes).expect("it is written");
    let output = verify(&file);
    refused(&output, 1);
    text(&output.stdout)
}

/// The bytes of a file after `sql` was run on it.
pub fn after_sql(folder: &Path, bytes: &[u8], sql: &str) -> Vec<u8> {
    let file = folder.join("changed.db");
    fs::write(&file, bytes).expect("it is written");
    let conn = rusqlite::Connection::open(&file).expect("it opens");
    conn.execute_batch(&format!("pragma foreign_keys = off; {sql}"))
        .expect("it runs");
    conn.close().expect("it closes");
    fs::read(&file).expect("it reads")
}

#[test]
fn a_flipped_bit_in_any_place_of_an_address_is_found() {
    let (folder, bytes) = sample();
    fs::write(folder.path().join("whole.db"), &bytes).expect("it is written");
    succeeded(&verify(&folder.path().join("whole.db")));
    for address in ["changed.person@b.co", "revoked.person@b.co", "filler7@b.co"] {
        let needle = address.as_bytes();
        let places: Vec<_> = (0..bytes.len() - needle.len())
            .filter(|&at| &bytes[at..at + needle.len()] == needle)
            .collect();
        // The row, the event of its making, and while it stands the index of addresses.
        assert!(places.len() >= 2, "{address}: {places:?}");
        for at in places {
            for bit in [0, 4] {
                let mut damaged = bytes.clone();
                damaged[at + 3] ^= 1 << bit;
                let said = found(folder.path(), &damaged);
                assert!(!said.contains(address), "no address is shown: {said}");
            }
        }
    }
}

#[test]
fn what_the_history_contradicts_is_named() {
    let (folder, bytes) = sample();
    let cases = [
        (
            "update invitation set role = 'owner' where role = 'auditor'",
            "the role of the invitation",
        ),
        (
            "update invitation set state = 1, closed_at = 1 where state = 3",
            "the status of the invitation",
        ),
        (
            "update invitation set state = 0, closed_at = null where state = 3",
            "the status of the invitation",
        ),
        (
            "update invitation set expires_at = expires_at + 1 where email = 'filler7@b.co'",
            "the end of the invitation",
        ),
        (
            "delete from invitation where email = 'filler7@b.co'",
            "is missing, and its history",
        ),
        (
            "delete from event where after like '%filler7@%'",
            "has no history",
        ),
        (
            "update event set after = '{' where after like '%filler7@%'",
            "cannot be read",
        ),
        (
            "delete from organization",
            "belongs to a row of organization that is missing",
        ),
    ];
    for (sql, what) in cases {
        let said = found(folder.path(), &after_sql(folder.path(), &bytes, sql));
        assert!(said.contains(what), "{sql}: {said}");
    }
}

#[test]
fn a_damaged_data_file_is_not_copied_over_a_backup() {
    let place = Place::new();
    place.fill("a", 200);
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    let whole = fs::read(&file).expect("it reads");
    let (folder, database) = place.stop();
    let changed = after_sql(
        folder.path(),
        &fs::read(&database).expect("it reads"),
        "update invitation set email = 'b7@b.co' where email = 'a7@b.co'",
    );
    fs::write(&database, changed).expect("it is written");
    let output = on(&database, &["backup", "--force", &file.to_string_lossy()]);
    let said = refused(&output, 1);
    assert!(
        said.contains("is damaged, so it was not copied") && said.contains("the address of"),
        "{said}"
    );
    assert_eq!(fs::read(&file).expect("it reads"), whole);
    refused(&on(&database, &["verify"]), 1);
}

#[test]
fn what_is_no_whole_file_of_ours_is_refused() {
    let (folder, bytes) = sample();
    let file = folder.path().join("bad.db");
    let mut foreign = bytes.clone();
    foreign[68] ^= 1;
    let triggered = "create trigger t after insert on event begin select 1; end";
    let cases = [
        (bytes[..bytes.len() / 2].to_vec(), "shorter than its header"),
        (b"not a file of SQLite".to_vec(), "is not an SQLite file"),
        (foreign, "of another program"),
        (after_sql(folder.path(), &bytes, triggered), "has a trigger"),
    ];
    for (bytes, what) in cases {
        fs::write(&file, bytes).expect("it is written");
        let said = refused(&verify(&file), 1);
        assert!(said.contains(what), "{what}: {said}");
    }
}

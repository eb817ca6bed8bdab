//! Files of other versions: what every released version wrote is opened, and what a newer one wrote
//! is refused.
//!
//! The files of released versions are in `tests/fixtures`; `tests/fixtures/make` made each with the
//! program of then. What happens to a file that is behind is tested in `src/upgrade/tests/mod.rs`, for
//! there is no second schema yet.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use invited::base::clock::Timestamp;
use serde_json::{Value, json};

use super::{edit, fresh, make, names_in, refused_by, serve_new, stop};
use crate::support::process::{Server, invited, run};
use crate::support::{TestApp, invitations};

/// The newest schema that this program has.
const NEWEST: u32 = 1;

/// Where the files of released versions are.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The file of each released schema, and what is known of it: `key`, `token` of a pending link, and
/// `now`, a time just after it was made.
fn released() -> Vec<(PathBuf, Value)> {
    let file = |version: u32| {
        let path = fixtures().join(format!("schema-{version}.db"));
        let told = fs::read(path.with_extension("json")).expect("each schema has a file");
        (path, serde_json::from_slice(&told).expect("JSON"))
    };
    (1..=NEWEST).map(file).collect()
}

/// What stands in a member of a fixture's description.
fn text(told: &Value, member: &str) -> String {
    told[member].as_str().expect("a text").to_owned()
}

/// What a command printed that went well.
fn told(words: &[&str], database: &Path) -> String {
    let database = database.to_string_lossy();
    let output = run(&[words, &["--database", &*database]].concat());
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
    printed
}

/// A copy of the released file at `path`, with its secret.
fn copy_of(path: &Path) -> (tempfile::TempDir, PathBuf) {
    let (folder, database) = fresh();
    for (from, place) in [
        (path.to_owned(), database.clone()),
        (
            path.with_extension("secret"),
            database.with_added_extension("secret"),
        ),
    ] {
        fs::copy(from, &place).expect("a copy");
        fs::set_permissions(place, fs::Permissions::from_mode(0o600)).expect("it is private");
    }
    (folder, database)
}

#[test]
fn the_file_of_every_released_schema_is_tried_served_listed_and_whole() {
    for (path, known) in released() {
        let (_folder, database) = copy_of(&path);
        let before = fs::read(&database).expect("it reads");
        told(&["migrate", "--dry-run"], &database);
        assert!(
            fs::read(&database).expect("it reads") == before,
            "it was only tried"
        );

        let server = Server::serve(&database);
        let list = server
            .request("GET", &invitations("fixture"))
            .bearer(&text(&known, "key"))
            .send();
        assert_eq!(list.status, 200, "{}", list.text());
        assert_eq!(list.json().as_array().map(Vec::len), Some(4));
        stop(server);
        let whole = told(&["verify"], &database);
        assert!(
            whole.starts_with("ok: invitations 15, organizations 5, events 29, keys 3, webhooks 1"),
            "{whole}"
        );
        let keys = told(&["key", "list", "--output", "json"], &database);
        let keys: Value = serde_json::from_str(&keys).expect("JSON");
        assert_eq!(keys.as_array().map(Vec::len), Some(3));
    }
}

#[test]
fn in_the_file_of_every_released_schema_links_open_and_a_pending_one_is_accepted() {
    for (path, known) in released() {
        let now = Timestamp::from_millis(known["now"].as_i64().expect("a time") + 1);
        let app = TestApp::serve_copy(&path, text(&known, "key"), now);
        let seen = app.person("lookup", &json!({ "token": known["token"] }));
        assert_eq!(
            (seen.status, &seen.json()["status"]),
            (200, &json!("pending"))
        );
        let all = |organization: &str| app.get(&invitations(organization)).json();
        let (mut statuses, mut pending) = (BTreeSet::new(), None);
        for organization in ["fixture", "old"] {
            for one in all(organization).as_array().expect("a list") {
                statuses.insert(text(one, "status"));
                if one["email"] == "pending@example.com" {
                    pending = Some(one.clone());
                }
            }
        }
        let every = ["accepted", "declined", "expired", "pending", "revoked"];
        assert!(statuses.iter().eq(every), "{statuses:?}");
        let pending = pending.expect("a pending invitation");
        let token = app.mailed_token_of(&pending);
        let accepted = app.person("accept", &json!({ "token": token }));
        assert_eq!(accepted.status, 200, "{}", accepted.text());
        assert_eq!(app.look(&pending)["status"], "accepted");
    }
}

#[test]
fn the_newest_released_file_is_one_of_the_present_schema() {
    let version: Value = serde_json::from_slice(&run(&["version", "--json"]).stdout).expect("JSON");
    assert_eq!(
        version["schema"], NEWEST,
        "a new schema has a file in tests/fixtures"
    );
    let (path, _) = released().pop().expect("a file");
    let schema = |path: &Path| {
        let conn = rusqlite::Connection::open(path).expect("it opens");
        conn.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))
            .expect("it reads")
    };
    let (_folder, database) = copy_of(&path);
    assert_eq!(schema(&database), NEWEST);
}

#[test]
fn migrate_says_that_there_is_nothing_to_do_also_beside_a_server() {
    let (folder, database) = fresh();
    let (server, _) = serve_new(&database);
    for words in [&["migrate"][..], &["migrate", "--dry-run"]] {
        let printed = told(words, &database);
        assert!(
            printed.contains("nothing to do, it has the newest schema (version 1)"),
            "{printed}"
        );
        let json = told(&[words, &["--output", "json"]].concat(), &database);
        let shown: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((&shown["from"], &shown["to"]), (&json!(1), &json!(1)));
        assert_eq!(
            (&shown["steps"], &shown["copy"]),
            (&json!([]), &Value::Null)
        );
    }
    stop(server);
    let names = names_in(folder.path());
    let strange = |name: &String| name.contains(".part") || name.contains(".before-");
    assert!(!names.iter().any(strange), "{names:?}");
    let missing = folder.path().join("missing.db");
    let printed = refused_by(&["migrate"], &missing, 1);
    assert!(printed.contains("there is no data file"), "{printed}");
    assert!(!missing.exists());
}

/// Commands that open the data file.
const OPENING: [&[&str]; 6] = [
    &["serve", "--listen", "127.0.0.1:0"],
    &["dev", "--listen", "127.0.0.1:0"],
    &["key", "list"],
    &["verify"],
    &["migrate"],
    &["migrate", "--dry-run"],
];

#[test]
fn a_newer_file_is_refused_with_both_versions_and_what_to_do() {
    let (folder, database) = fresh();
    make(&database);
    edit(
        &database,
        "pragma user_version = 7; pragma wal_checkpoint(truncate)",
    );
    // What does not help this program: a copy of a schema that is newer, too, and other files.
    for name in [
        "invited.db.before-schema-7",
        "invited.db.before-schema-2.part",
        "invited.db.before-schema-x",
    ] {
        fs::write(folder.path().join(name), "mine").expect("it is written");
    }
    let before = fs::read(&database).expect("it reads");
    for words in OPENING {
        let printed = refused_by(words, &database, 1);
        for word in [
            "schema version 7, newer than the 1 of invited 0.1.0",
            "the file was not touched; install the version of invited that wrote it, or a newer one\n",
        ] {
            assert!(printed.contains(word), "{words:?}: {printed}");
        }
    }
    assert!(fs::read(&database).expect("it reads") == before);
}

#[test]
fn the_copy_from_before_is_named_where_it_is_and_the_command_puts_it_back() {
    let (folder, database) = fresh();
    let key = make(&database);
    told(
        &[
            "backup",
            &folder
                .path()
                .join("invited.db.before-schema-2")
                .to_string_lossy(),
        ],
        &database,
    );
    edit(
        &database,
        "pragma user_version = 2; pragma wal_checkpoint(truncate)",
    );
    let printed = refused_by(&["serve", "--listen", "127.0.0.1:0"], &database, 1);
    let command = printed
        .split_once("was written since: invited ")
        .expect("a command")
        .1;
    let binary = invited();
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("exec \"$0\" {command}"))
        .arg(binary.get_program())
        .status();
    assert!(status.expect("a shell").success(), "{command}");
    let server = Server::serve(&database);
    assert_eq!(super::count(&server, &key), 1);
}

#[test]
fn a_newer_schema_that_is_in_the_log_only_is_refused_too() {
    let (folder, database) = fresh();
    make(&database);
    let conn = rusqlite::Connection::open(&database).expect("it opens");
    conn.execute_batch("pragma wal_autocheckpoint = 0; pragma user_version = 2")
        .expect("it runs");
    let copy = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        fs::copy(name(&database), name(&copy)).expect("a copy");
    }
    for words in OPENING {
        let printed = refused_by(words, &copy, 1);
        assert!(
            printed.contains("schema version 2, newer than the 1"),
            "{words:?}: {printed}"
        );
    }
}

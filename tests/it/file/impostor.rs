//! Commands beside a server, while another file is at the place of the one that it serves.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use super::{advises_a_backup, fresh, invite, make, refused_by, serve_new, stop};
use crate::support::process::{Server, invited, run};

/// Takes a file away from its place, in its folder.
type Take = fn(&Path, &Path);

/// Runs a command on a file, which must work. Returns what it printed to stdout.
fn succeeded(words: &[&str], database: &Path) -> String {
    let output = run(&[words, &["--database", &database.to_string_lossy()]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// What a list is answered with this key.
fn ask(server: &Server, key: &str) -> u16 {
    let request = server.request("GET", "/v1/organizations");
    request.bearer(key).send().status
}

/// Every command that opens the data file by its path must be refused: those that write it, those
/// that read it, and those that would put another one there.
fn all_are_refused(database: &Path, key: &str, what: &str) {
    let folder = database.parent().expect("a folder");
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (copy, export) = (file("copy.db"), file("copy.jsonl"));
    let commands: [&[&str]; 14] = [
        &["key", "create", "--scope", "admin"],
        &["key", "revoke", &key[4..20]],
        &["key", "list"],
        &["login"],
        &["logout", "--all"],
        &["secret", "rotate"],
        &["status"],
        &["backup", &copy],
        &["export", &export],
        &["verify"],
        &["migrate"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["restore", &file("other.db")],
        &["import", &file("seed.json")],
    ];
    fs::write(file("seed.json"), r#"{"organizations":[{"id":"new"}]}"#).expect("a seed");
    for words in commands {
        let printed = refused_by(words, database, 1);
        for part in [what, "while it is served", "do not stop that server"] {
            assert!(printed.contains(part), "{words:?}: {printed}");
        }
        assert!(!advises_a_backup(&printed), "{words:?}: {printed}");
    }
    assert!(!Path::new(&copy).exists() && !Path::new(&export).exists());
    let doctor = ["doctor", "--offline", "--database"];
    let output = run(&[&doctor[..], &[&database.to_string_lossy()]].concat());
    let found = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{found}");
    assert!(
        found.contains("BAD  ") && found.contains("data file"),
        "{found}"
    );
}

#[test]
fn a_copy_that_was_put_back_beside_a_server_is_opened_by_no_command() {
    let (folder, database) = fresh();
    let (server, first) = serve_new(&database);
    let revoked = succeeded(&["key", "create", "--scope", "admin"], &database);
    let backup = folder.path().join("other.db");
    succeeded(&["backup", &backup.to_string_lossy()], &database);
    succeeded(&["key", "revoke", &revoked[4..20]], &database);
    let kept = succeeded(&["key", "create", "--scope", "admin"], &database);
    let is_as_before = || {
        let answers = [&first, &revoked, &kept].map(|key| ask(&server, key));
        assert_eq!(answers, [200, 401, 200]);
    };
    is_as_before();
    let copy = folder.path().join("n.db");
    fs::copy(&backup, &copy).expect("a copy");
    fs::rename(&copy, &database).expect("it is replaced");
    all_are_refused(&database, &kept, "replaced");
    // Nor is it looked through as a backup: the log beside it is not its own.
    let output = invited().arg("verify").arg(&database).output();
    assert_eq!(output.expect("it runs").status.code(), Some(1));
    is_as_before();
    let [put_back, copied] = [&database, &backup].map(|file| fs::read(file).expect("it reads"));
    assert!(put_back == copied, "somebody wrote into the copy");
}

#[test]
fn another_data_file_or_a_link_or_nothing_is_no_better_at_the_place_of_a_served_one() {
    let by_another = |database: &Path, folder: &Path| {
        let other = folder.join("elsewhere.db");
        make(&other);
        fs::rename(&other, database).expect("it is replaced");
    };
    let by_empty = |database: &Path, _: &Path| {
        fs::remove_file(database).expect("it goes");
        fs::write(database, "").expect("an empty file");
    };
    let by_link = |database: &Path, folder: &Path| {
        let moved = folder.join("moved.db");
        fs::rename(database, &moved).expect("it moves");
        symlink(&moved, database).expect("a link");
    };
    let by_nothing = |database: &Path, _: &Path| fs::remove_file(database).expect("it goes");
    let kinds: [(Take, &str); 4] = [
        (by_another, "replaced"),
        (by_empty, "replaced"),
        (by_link, "replaced"),
        (by_nothing, "removed"),
    ];
    for (take, what) in kinds {
        let (folder, database) = fresh();
        let (server, key) = serve_new(&database);
        let other = folder.path().join("other.db");
        succeeded(&["backup", &other.to_string_lossy()], &database);
        take(&database, folder.path());
        all_are_refused(&database, &key, what);
        assert_eq!(ask(&server, &key), 200);
    }
}

#[test]
fn commands_work_again_once_the_served_file_is_back_and_while_a_lock_names_no_file() {
    let (folder, database) = fresh();
    let (server, key) = serve_new(&database);
    let moved = folder.path().join("moved.db");
    fs::rename(&database, &moved).expect("it moves");
    fs::copy(&moved, &database).expect("a copy");
    refused_by(&["key", "list"], &database, 1);
    fs::rename(&moved, &database).expect("it moves back");
    let made = succeeded(&["key", "create"], &database);
    let lists = |key: &str| {
        let path = "/v1/organizations/acme/invitations";
        server.request("GET", path).bearer(key).send().status
    };
    assert_eq!(
        (lists(&made), invite(&server, &key, "a@b.co").0),
        (200, 201)
    );
    // As a server of an earlier version writes it, or one whose disk is full.
    let lock = database.with_added_extension("lock");
    for left in [format!("{} a-host\n", server.child.id()), String::new()] {
        fs::write(&lock, left).expect("it is written");
        succeeded(&["status"], &database);
    }
    // A server that is gone hinders nobody: a backup was put back by hand.
    let copy = folder.path().join("copy.db");
    succeeded(&["backup", &copy.to_string_lossy()], &database);
    stop(server);
    fs::rename(&copy, &database).expect("it is put back");
    succeeded(&["key", "list"], &database);
    assert_eq!(fs::metadata(&database).expect("a file").nlink(), 1);
}

//! R14: a backup takes the place of a data file, and what it holds works.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};

use super::{Place, SCALE_VARIABLE, addresses, back_up, on, refused, succeeded, text, verify};
use crate::support::process::{Server, invited, skipped};
use crate::support::{invitations, scale};

/// Restores `backup` into the place of `database`, which must work. Returns what was printed.
fn restore(database: &Path, backup: &Path, words: &[&str]) -> String {
    let backup = backup.to_string_lossy();
    succeeded(&on(database, &[&["restore", &backup], words].concat()))
}

/// What a restore says that must be refused.
fn refused_restore(database: &Path, backup: &Path, words: &[&str], code: i32) -> String {
    let backup = backup.to_string_lossy();
    refused(
        &on(database, &[&["restore", &backup], words].concat()),
        code,
    )
}

/// The files beside `database` whose names hold `what`.
fn beside(database: &Path, what: &str) -> Vec<PathBuf> {
    let folder = fs::read_dir(database.parent().expect("a folder")).expect("a folder");
    folder
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().contains(what))
        .collect()
}

/// The secret link of an invitation.
fn token(place: &Place, invitation: &Value) -> Value {
    let id = invitation["id"].as_str().expect("an id");
    let path = format!("{}/{id}/link", invitations("acme"));
    let (status, body) = place.post(&path, &json!({}));
    assert_eq!(status, 200, "{body}");
    body["token"].clone()
}

/// Accepts by a token, with the key of somebody who vouches for the address.
fn accept(server: &Server, key: &str, token: &Value, email: &str) -> u16 {
    let body = json!({ "token": token, "email": email });
    let request = server.request("POST", "/v1/invitations/accept").bearer(key);
    request.json(body.to_string()).send().status
}

#[test]
fn a_link_that_was_sent_before_the_backup_works_exactly_once_after_the_restore() {
    let place = Place::new();
    let token = token(&place, &place.invite("a@b.co"));
    let (file, key) = (place.path("backup.db"), place.key.clone());
    back_up(&place.database, &file, &[]);
    place.invite("later@b.co");
    let (_folder, database) = place.stop();
    let printed = restore(&database, &file, &[]);
    let before = beside(&database, ".before-");
    assert_eq!(before.len(), 1, "{before:?}");
    assert!(
        printed.contains(&*before[0].to_string_lossy()),
        "the old file is named: {printed}"
    );
    assert_eq!(
        (addresses(&before[0]).len(), addresses(&database).len()),
        (2, 1)
    );
    let server = Server::serve(&database);
    assert_eq!(accept(&server, &key, &token, "a@b.co"), 200);
    assert_eq!(accept(&server, &key, &token, "a@b.co"), 409);
    assert!(beside(&database, ".restored").is_empty());
}

#[test]
fn a_backup_moves_to_another_machine_with_the_secret_that_lies_beside_it() {
    let place = Place::new();
    let token = token(&place, &place.invite("a@b.co"));
    let file = place.path("backup.db");
    back_up(&place.database, &file, &["--with-secret"]);
    let elsewhere = place.path("new/machine/invited.db");
    let printed = restore(&elsewhere, &file, &[]);
    assert!(printed.contains("its secret is"), "{printed}");
    assert!(!printed.contains("the file before"), "{printed}");
    let server = Server::serve(&elsewhere);
    assert_eq!(accept(&server, &place.key, &token, "a@b.co"), 200);
}

#[test]
fn a_restore_asks_for_the_secret_of_the_backup() {
    let place = Place::new();
    place.invite("a@b.co");
    let (file, other) = (place.path("backup.db"), Place::new());
    back_up(&place.database, &file, &[]);
    let elsewhere = place.path("new.db");
    let said = refused_restore(&elsewhere, &file, &[], 1);
    assert!(
        said.contains("the secret of this data file is missing"),
        "{said}"
    );
    assert!(said.contains("1 pending link opens nothing"), "{said}");
    assert!(!elsewhere.exists());
    let (_folder, database) = other.stop();
    let old = fs::read(&database).expect("it reads");
    let said = refused_restore(&database, &file, &[], 1);
    assert!(said.contains("does not belong to this data file"), "{said}");
    // Beside the backup lies the right one, and the wrong one is not replaced in silence.
    back_up(&place.database, &file, &["--force", "--with-secret"]);
    let said = refused_restore(&database, &file, &[], 1);
    assert!(said.contains("the secret beside the backup does"), "{said}");
    assert_eq!(fs::read(&database).expect("it reads"), old);
    assert_eq!(beside(&database, ".before-").len(), 0);
    fs::remove_file(place.path("backup.db.secret")).expect("it goes");
    restore(&database, &file, &["--new-secret"]);
    assert_eq!(addresses(&database).len(), 1);
}

#[test]
fn why_a_secret_that_lies_beside_the_backup_was_not_taken_is_told() {
    let place = Place::new();
    place.invite("a@b.co");
    let file = place.path("backup.db");
    back_up(&place.database, &file, &["--with-secret"]);
    let (elsewhere, secret) = (place.path("new.db"), place.path("backup.db.secret"));
    let right = fs::read(&secret).expect("it reads");
    let (private, open) = (0o600, 0o666);
    for (text, mode, why) in [
        (
            &b"0123456789abcdef0123456789abcdef"[..],
            private,
            "another secret",
        ),
        (&right, open, "may write the secret file"),
        (b"", private, "it is empty"),
        (b"short", private, "a secret in"),
    ] {
        fs::write(&secret, text).expect("it is written");
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).expect("they are set");
        let said = refused_restore(&elsewhere, &file, &[], 1);
        let told = "nor was the secret beside the backup taken: ";
        let (_, reason) = said.split_once(told).unwrap_or_else(|| panic!("{said}"));
        assert!(
            reason.contains(why) && reason.contains("backup.db.secret"),
            "{said}"
        );
        assert!(
            said.contains("the secret of this data file is missing"),
            "{said}"
        );
    }
    // What is in a variable is not replaced by a file.
    fs::write(&secret, &right).expect("it is written");
    fs::set_permissions(&secret, fs::Permissions::from_mode(private)).expect("they are set");
    let mut command = invited();
    command.arg("restore").arg(&file);
    command.arg("--database").arg(&elsewhere);
    let other = "fedcba9876543210fedcba9876543210";
    let output = command.env("INVITED_SECRET", other).output();
    let said = refused(&output.expect("it runs"), 1);
    assert!(said.contains("again without INVITED_SECRET"), "{said}");
    restore(&elsewhere, &file, &[]);
}

#[test]
fn a_restore_that_is_refused_leaves_no_folder_behind() {
    let place = Place::new();
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    let (bad, top) = (place.path("bad.db"), place.path("new"));
    fs::write(&bad, "text").expect("it is written");
    let deep = top.join("folders/invited.db");
    let missing = place.path("no.db");
    for backup in [&file, &bad, &missing] {
        refused_restore(&deep, backup, &[], 1);
        assert!(!top.exists(), "{}", backup.display());
    }
    // What was there before stays, and so does what others have put there.
    fs::create_dir(&top).expect("a folder");
    refused_restore(&deep, &file, &[], 1);
    assert_eq!(fs::read_dir(&top).expect("a folder").count(), 0);
    restore(&deep, &file, &["--new-secret"]);
    assert!(deep.exists());
}

#[test]
fn a_file_that_is_served_is_not_replaced() {
    let place = Place::new();
    place.invite("a@b.co");
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    let said = refused_restore(&place.database, &file, &[], 1);
    assert!(said.contains("is being served by process"), "{said}");
    assert!(said.ends_with("hint: stop that server first\n"), "{said}");
    place.invite("b@b.co");
    let said = refused_restore(&place.database, &place.database, &[], 1);
    assert!(said.contains("is being served"), "{said}");
    let (_folder, database) = place.stop();
    let said = refused_restore(&database, &database, &[], 2);
    assert!(said.contains("is the data file itself"), "{said}");
    assert_eq!(addresses(&database).len(), 2);
}

#[test]
fn what_is_no_whole_backup_changes_nothing() {
    let place = Place::new();
    place.fill("a", 100);
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    let (folder, database) = place.stop();
    let (whole, old) = (
        fs::read(&file).expect("it reads"),
        fs::read(&database).expect("it reads"),
    );
    let mut flipped = whole.clone();
    let needle = b"a7@b.co";
    let at = (0..whole.len() - needle.len()).find(|&at| &whole[at..at + needle.len()] == needle);
    flipped[at.expect("an address")] ^= 1;
    let bad = folder.path().join("bad.db");
    for (bytes, what) in [
        (&whole[..whole.len() / 2], "shorter than its header"),
        (&b"text"[..], "is not an SQLite file"),
        (&flipped, "is damaged, so it was not copied"),
    ] {
        fs::write(&bad, bytes).expect("it is written");
        let said = refused_restore(&database, &bad, &[], 1);
        assert!(said.contains(what), "{what}: {said}");
        assert!(
            !said.contains("--database"),
            "it is not the data file: {said}"
        );
        assert_eq!(fs::read(&database).expect("it reads"), old);
    }
    let said = refused_restore(&database, &folder.path().join("no.db"), &[], 1);
    assert!(
        said.contains("there is no backup at") && said.contains("no.db"),
        "{said}"
    );
    assert!(beside(&database, ".before-").is_empty() && beside(&database, ".restored").is_empty());
}

#[test]
fn a_damaged_file_and_its_log_are_kept_together_and_the_log_is_not_taken_for_that_of_the_backup() {
    let place = Place::new();
    place.fill("old", 50);
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    let log = PathBuf::from(format!("{}-wal", place.database.display()));
    place.invite("in.the.log@b.co");
    let left = fs::read(&log).expect("it reads");
    assert!(!left.is_empty(), "the log has the last invitation");
    let (_folder, database) = place.stop();
    fs::write(&log, &left).expect("it is written");
    fs::write(&database, "no file of SQLite any more").expect("it is written");
    restore(&database, &file, &[]);
    assert_eq!(addresses(&database).len(), 50);
    let kept = beside(&database, ".before-");
    assert!(
        kept.iter()
            .any(|path| path.to_string_lossy().ends_with("-wal")),
        "{kept:?}"
    );
    // Whose file is missing, but not its log, is no data file to start with; a restore is.
    for path in kept {
        fs::remove_file(path).expect("it goes");
    }
    fs::remove_file(&database).expect("it goes");
    fs::write(&log, &left).expect("it is written");
    restore(&database, &file, &[]);
    assert_eq!(addresses(&database).len(), 50);
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let place = Place::new();
    place.fill("a", 2_000);
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    place.invite("late@b.co");
    let (_folder, database) = place.stop();
    let begun = Instant::now();
    restore(&database, &file, &[]);
    let took = begun.elapsed();
    let late = beside(&database, ".before-").remove(0);
    let kills = scale(SCALE_VARIABLE, 10, 50);
    let mut old = 0;
    for kill in 0..kills {
        for left in beside(&database, ".before-")
            .iter()
            .filter(|path| **path != late)
        {
            fs::remove_file(left).expect("it goes");
        }
        fs::copy(&late, &database).expect("it is copied");
        let mut command = invited();
        command.arg("restore").arg(&file);
        command.arg("--database").arg(&database);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(took.mul_f64(f64::from(u32::try_from(kill).expect("few")) / 8.0 % 1.2));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let output = verify(&database);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let count = addresses(&database).len();
        assert!([2_000, 2_001].contains(&count), "{count}");
        old += usize::from(count == 2_001);
    }
    assert!(old > 1, "{old} of {kills}");
    restore(&database, &file, &[]);
    assert!(beside(&database, ".restored").is_empty());
    drop(Server::serve(&database));
}

#[test]
fn what_root_puts_back_belongs_to_whom_the_file_belonged_or_its_folder() {
    if !rustix::process::geteuid().is_root() {
        return skipped("files of another user: only root makes them");
    }
    let place = Place::new();
    let file = place.path("backup.db");
    back_up(&place.database, &file, &["--with-secret"]);
    let (_folder, database) = place.stop();
    let owner = |path: &Path| {
        let found =
            fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (found.uid(), found.gid())
    };
    let nobody = (65534, 65534);
    chown(&database, Some(nobody.0), Some(nobody.1)).expect("root may");
    restore(&database, &file, &[]);
    assert_eq!(owner(&database), nobody, "the file before was nobody's");

    let empty = tempfile::tempdir().expect("a folder");
    chown(empty.path(), Some(nobody.0), Some(nobody.1)).expect("root may");
    let database = empty.path().join("invited.db");
    restore(&database, &file, &[]);
    for name in ["invited.db", "invited.db.secret", "invited.db.lock"] {
        assert_eq!(owner(&empty.path().join(name)), nobody, "{name}");
    }
}

//! R12: a backup that is made under writers holds all that was acknowledged before it began, and
//! is one moment of the file.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Place, SCALE_VARIABLE, addresses, back_up, on, succeeded, text, verify};
use crate::support::process::after;
use crate::support::{invitations, scale};

/// How long a backup may take for each 100,000 invitations, or fewer.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn a_backup_under_writers_holds_what_was_acknowledged_before_it_began() {
    let place = Place::new();
    let (rows, backups) = (
        scale(SCALE_VARIABLE, 2_000, 100_000),
        scale(SCALE_VARIABLE, 3, 50),
    );
    place.fill("old", usize::try_from(rows).expect("few"));
    let (acknowledged, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let told = || {
        acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    };
    std::thread::scope(|scope| {
        for writer in 0..scale(SCALE_VARIABLE, 8, 64) {
            let (place, acknowledged, is_over) = (&place, &acknowledged, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Acquire) {
                        return;
                    }
                    let email = format!("new{writer}-{number}@b.co");
                    place.invite(&email);
                    acknowledged
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(email);
                }
            });
        }
        for number in 0..backups {
            let (before, begun) = (told(), Instant::now());
            let file = place.path(&format!("backup{number}.db"));
            let printed = back_up(&place.database, &file, &[]);
            let took = begun.elapsed();
            assert!(printed.contains("the secret is not in it"), "{printed}");
            let held = addresses(&file);
            let share = u32::try_from(held.len() / 100_000).expect("few").max(1);
            assert!(took < LIMIT * share, "{took:?} for {}", held.len());
            let lost = before.iter().find(|email| !held.contains(*email));
            assert_eq!(lost, None, "of {} acknowledged ones", before.len());
            assert!(held.len() as u64 >= rows, "{}", held.len());
            succeeded(&verify(&file));
            std::fs::remove_file(file).expect("it goes");
        }
        is_over.store(true, Ordering::Release);
    });
    assert!(!told().is_empty(), "the control: somebody wrote");
}

#[test]
fn a_backup_is_for_its_owner_alone_and_leaves_nothing_beside_it() {
    let place = Place::new();
    place.invite("a@b.co");
    let file = place.path("backup.db");
    for mask in ["0000", "0777"] {
        let mut command = after(&format!("umask {mask}"));
        command.args(["backup", "--force", "--with-secret"]);
        command.arg(&file).arg("--database").arg(&place.database);
        succeeded(&command.output().expect("it runs"));
        for name in ["backup.db", "backup.db.secret"] {
            let found = std::fs::metadata(place.path(name)).expect("it is there");
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name} {mask}");
        }
    }
    let names = std::fs::read_dir(place.folder.path()).expect("a folder");
    let mut names: Vec<_> = names
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["backup.db", "backup.db.secret", "data"]);
    assert_eq!(addresses(&file).len(), 1);
}

#[test]
fn a_backup_without_a_server_is_one_as_well() {
    let place = Place::new();
    place.fill("a", 100);
    let (folder, database) = place.stop();
    let file = folder.path().join("backup.db");
    back_up(&database, &file, &[]);
    assert_eq!(addresses(&file).len(), 100);
    let printed = succeeded(&on(&database, &["verify"]));
    assert_eq!(
        printed,
        "ok: invitations 100, organizations 1, events 100, keys 1, webhooks 0\n"
    );
}

#[test]
fn stdout_gets_the_backup_and_nothing_else() {
    let place = Place::new();
    place.fill("a", 100);
    let output = on(&place.database, &["backup", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let file = place.path("piped.db");
    std::fs::write(&file, &output.stdout).expect("it is written");
    assert_eq!(addresses(&file).len(), 100);
    assert!(text(&output.stderr).contains("the secret is not in it"));
    let left = std::fs::read_dir(place.database.parent().expect("a folder")).expect("a folder");
    for entry in left {
        let name = entry.expect("an entry").file_name();
        assert!(!name.to_string_lossy().contains("backup"), "{name:?}");
    }
}

#[test]
fn a_backup_holds_what_is_only_in_the_log() {
    let place = Place::new();
    let path = invitations("acme");
    let body = json!({ "email": "a@b.co", "role": "x", "metadata": { "x": "y".repeat(3_000) } });
    // A reader keeps the log from being moved into the file.
    let reader = rusqlite::Connection::open(&place.database).expect("it opens");
    reader
        .execute_batch("begin; select count(*) from event")
        .expect("it reads");
    assert_eq!(place.post(&path, &body).0, 201);
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    assert_eq!(addresses(&file).len(), 1);
    let bare = place.path("bare.db");
    std::fs::copy(&place.database, &bare).expect("it is copied");
    assert_eq!(addresses(&bare).len(), 0, "the control");
}

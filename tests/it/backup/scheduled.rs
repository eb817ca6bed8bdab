//! Backups that a server makes by itself: when, which names they have, and which stay.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use invited::base::clock::{Clock, Timestamp};
use invited::base::mode::Mode;

use super::{addresses, succeeded, verify};
use crate::support::{START, TestApp};

/// An hour.
const HOUR: Duration = Duration::from_secs(60 * 60);
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The names in a folder, in their order.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The whole backups in a folder, in the order of their names.
pub fn backups(folder: &Path) -> Vec<PathBuf> {
    let names = names(folder).into_iter();
    let whole = names.filter(|name| name.starts_with("invited-") && name.ends_with("Z.db"));
    whole.map(|name| folder.join(name)).collect()
}

/// Waits until `is_so`.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A server that makes backups into `folder`, and keeps so many.
pub fn app(folder: &Path, keep: usize) -> TestApp {
    let (folder, keep) = (folder.to_string_lossy(), keep.to_string());
    let words = ["--backup-dir", &folder, "--backup-keep", &keep];
    TestApp::start(Mode::Serve, &words)
}

/// A clock that stands still `millis` after the start.
pub fn stopped(millis: i64) -> Clock {
    Clock::manual(Timestamp::from_millis(START + millis))
}

/// Waits for longer than a backup takes that would be made now.
fn wait_in_vain() {
    std::thread::sleep(Duration::from_millis(900));
}

#[test]
fn backups_are_made_as_time_passes_and_the_oldest_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let app = app(folder, 2).with_backups_every(Duration::from_secs(1), Clock::System);
    app.invite("acme", "first@b.co");
    let mut seen = BTreeSet::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while seen.len() < 4 {
        assert!(Instant::now() < deadline, "{seen:?}");
        let found = backups(folder);
        // The old one goes a moment after the new one has come.
        assert!(found.len() <= 3, "{found:?}");
        assert!(found.len() >= seen.len().min(2), "{found:?}");
        seen.extend(found);
        std::thread::sleep(Duration::from_millis(5));
    }
    wait_until("two stay", || backups(folder).len() == 2);
    let last = seen.last().expect("four");
    assert!(addresses(last).contains("first@b.co"));
    succeeded(&verify(last));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(last).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_restart_makes_none_while_the_newest_is_young() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut app = app(folder, 5).with_backups_every(HOUR, stopped(0));
    wait_until("the first one", || backups(folder).len() == 1);
    assert_eq!(names(folder), ["invited-20261123T024300Z.db"]);
    for _ in 0..3 {
        app.restart();
        wait_in_vain();
        assert_eq!(names(folder).len(), 1);
    }
    // Nor does the clock alone, for as long as the server runs.
    app.advance_to(2 * 60 * 60 * 1000);
    wait_in_vain();
    assert_eq!(names(folder).len(), 1);
    app.restart();
    wait_until("the second one", || backups(folder).len() == 2);
}

#[test]
fn a_clock_that_jumps_neither_floods_nor_starves_the_backups() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut app = app(folder, 2).with_backups_every(HOUR, stopped(0));
    // The name that came after a start so many milliseconds later, which `must` come.
    let made = |app: &mut TestApp, after: i64, must: bool| {
        let before = names(folder);
        let new = || {
            names(folder)
                .into_iter()
                .find(|name| name.ends_with("Z.db") && !before.contains(name))
        };
        app.advance_to(after);
        app.restart();
        if must {
            wait_until("one is due", || new().is_some());
            wait_until("the oldest goes", || names(folder).len() <= 2);
        } else {
            wait_in_vain();
        }
        new()
    };
    wait_until("the first one", || backups(folder).len() == 1);
    let far = made(&mut app, 3650 * DAY_MS, true).expect("it came");
    assert!(far.starts_with("invited-2036"), "{far}");
    // Back in time, the first one is of this hour; the one of 2036 says nothing.
    assert_eq!(made(&mut app, 60_000, false), None);
    // One that is due comes, although a later name is there, and that one goes.
    let due = made(&mut app, 2 * 60 * 60 * 1000, true).expect("it came");
    assert_eq!(names(folder), ["invited-20261123T024300Z.db", &due]);
    // Far before all others: the new one has the oldest name, and stays.
    let early = made(&mut app, -10 * DAY_MS, true).expect("it came");
    assert_eq!(names(folder), [early, due]);
    assert_eq!(made(&mut app, -10 * DAY_MS + 60_000, false), None);
    // A correction by a little is none.
    assert_eq!(made(&mut app, -10 * DAY_MS - 60_000, false), None);
}

#[test]
fn what_a_server_did_not_make_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let name = |second: u32| format!("invited-20200101T00000{second}Z.db");
    let files = [
        "notes.txt".to_owned(),
        "invited.db".to_owned(),
        "invited-2020.db".to_owned(),
        "invited-20200101T000000.5Z.db".to_owned(),
        "invited-20200101t000000Z.db".to_owned(),
        "INVITED-20200101T000000Z.DB".to_owned(),
        format!("{}.secret", name(0)),
        format!("{}.part", name(0)),
        name(3),
        format!("{}.lock", name(3)),
        name(4),
        format!("{}-wal", name(4)),
    ];
    let app = app(folder, 1);
    for file in &files {
        fs::write(folder.join(file), "mine").expect("it is written");
    }
    fs::create_dir(folder.join(name(1))).expect("a folder");
    std::os::unix::fs::symlink("notes.txt", folder.join(name(2))).expect("a link");
    // What was left of a backup, and an old one: these are the server's.
    let left = folder.join(format!("{}.part", name(5)));
    fs::write(&left, b"SQLite format 3\0 and a part").expect("it is written");
    let old = folder.join(name(6));
    fs::write(&old, b"SQLite format 3\0").expect("it is written");
    let others = names(folder).len() - 2;
    let _app = app.with_backups_every(HOUR, stopped(0));
    wait_until("the old one goes", || !old.exists());
    assert!(!left.exists());
    assert_eq!(names(folder).len(), others + 1);
    for file in &files {
        let text = fs::read_to_string(folder.join(file)).expect("it is there");
        assert_eq!(text, "mine", "{file}");
    }
    assert!(folder.join(name(1)).is_dir());
    assert!(folder.join(name(2)).is_symlink());
}

#[test]
fn each_of_them_holds_what_was_acknowledged_before_it_began() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let app = app(folder, 9).with_backups_every(Duration::from_secs(1), Clock::System);
    let (told, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (app, told, is_over) = (&app, &told, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Acquire) {
                        return;
                    }
                    let email = format!("new{writer}-{number}@b.co");
                    app.invite("acme", &email);
                    let at = Clock::System.now().to_string();
                    told.lock().expect("no writer failed").push((at, email));
                }
            });
        }
        wait_until("some are made", || backups(folder).len() >= 4);
        is_over.store(true, Ordering::Release);
    });
    let told = told.into_inner().expect("no writer failed");
    for file in backups(folder) {
        let held = addresses(&file);
        let name = file.file_name().expect("a name").to_string_lossy();
        // 20261129T195122Z, at whose second or a little later it was begun.
        let begun = &name["invited-".len()..name.len() - "Z.db".len()];
        let before = told
            .iter()
            .filter(|(at, _)| at.replace(['-', ':'], "")[..15] < *begun);
        let lost: Vec<_> = before.filter(|(_, email)| !held.contains(email)).collect();
        assert_eq!(lost, [] as [&(String, String); 0], "{name}");
        succeeded(&verify(&file));
    }
}

#[test]
fn a_new_data_file_is_not_made_beside_the_backups_of_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    fs::create_dir(at("my backups")).expect("a folder");
    let backup = at("my backups/invited-20261129T195122Z.db");
    fs::write(&backup, "of last week").expect("it is written");
    let words = ["serve", "--listen", "127.0.0.1:0", "--backup-dir"];
    let place = [at("my backups"), "--database".to_owned(), at("new.db")];
    let place = place.each_ref().map(String::as_str);
    let refused = crate::support::process::run(&[&words[..], &place[..]].concat());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains(&format!(
            "`invited restore '{backup}' --database '{}'`",
            at("new.db")
        )),
        "{said}"
    );
    assert!(!Path::new(&at("new.db")).exists());
    assert_eq!(backups(Path::new(&at("my backups"))).len(), 1);
}

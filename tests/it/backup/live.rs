//! R12: a backup that is made under writers holds all that was acknowledged before it began, and
//! is one moment of the file.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Place, SCALE_VARIABLE, addresses, back_up, on, succeeded, text, verify};
use crate::support::process::{after, measured};
use crate::support::{invitations, scale};

/// How long a backup may take for each 100,000 invitations that the file has at its end, or fewer.
const LIMIT: Duration = Duration::from_secs(5);
/// How long any other may take: that of a million under a load that leaves the machine some room,
/// and that of a few beside other tests.
const LOOSE_LIMIT: Duration = Duration::from_secs(30);
/// How many times longer the slowest of a hundred writes may take beside a backup.
const SLOWER: f64 = 2.0;

/// A write that was acknowledged.
#[derive(Clone)]
struct Written {
    /// The address that was invited.
    email: String,
    /// How long it took.
    took: Duration,
    /// Whether a backup was being made all the while.
    beside_backup: bool,
}

/// A backup that was made.
#[derive(Debug)]
struct Made {
    /// How long it took.
    took: Duration,
    /// How many writes were acknowledged by its end.
    written: usize,
}

impl Made {
    /// How long it may take where `rows` were there before the writers began.
    fn limit(&self, rows: usize) -> Duration {
        if !is_full() {
            return LOOSE_LIMIT;
        }
        let rows = u32::try_from(rows + self.written).expect("few");
        LIMIT.mul_f64((f64::from(rows) / 100_000.0).max(1.0))
    }
}

/// Who writes while backups are made.
struct Writers {
    /// How many there are.
    count: u64,
    /// How long each rests between two writes.
    rest: Duration,
    /// Whether a backup is being made.
    backup: AtomicBool,
    /// Whether they shall end.
    is_over: AtomicBool,
    /// What was acknowledged.
    written: Mutex<Vec<Written>>,
}

impl Writers {
    fn new(count: u64, rest: Duration) -> Self {
        Self {
            count,
            rest,
            backup: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            written: Mutex::default(),
        }
    }

    /// What was acknowledged so far.
    fn written(&self) -> Vec<Written> {
        let written = self.written.lock();
        written.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes until it is over.
    fn write(&self, place: &Place, writer: u64) {
        for number in 0.. {
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            let email = format!("new{writer}-{number}@b.co");
            let (before, begun) = (self.backup.load(Ordering::Acquire), Instant::now());
            place.invite(&email);
            let written = Written {
                email,
                took: begun.elapsed(),
                beside_backup: before && self.backup.load(Ordering::Acquire),
            };
            let all = self.written.lock();
            all.unwrap_or_else(PoisonError::into_inner).push(written);
            std::thread::sleep(self.rest);
        }
    }

    /// Makes `backups` beside the writers, with a rest after each that is as long as it took, and
    /// looks through each.
    fn back_up(&self, place: &Place, backups: u64) -> Vec<Made> {
        std::thread::scope(|scope| {
            for writer in 0..self.count {
                scope.spawn(move || self.write(place, writer));
            }
            let made = (0..backups).map(|number| {
                let (before, begun) = (self.written(), Instant::now());
                let file = place.path(&format!("backup{number}.db"));
                self.backup.store(true, Ordering::Release);
                let printed = back_up(&place.database, &file, &[]);
                self.backup.store(false, Ordering::Release);
                let (took, written) = (begun.elapsed(), self.written().len());
                assert!(printed.contains("the secret is not in it"), "{printed}");
                let held = addresses(&file);
                let lost = before.iter().find(|one| !held.contains(&one.email));
                let lost = lost.map(|one| &one.email);
                assert_eq!(lost, None, "of {} acknowledged ones", before.len());
                succeeded(&verify(&file));
                std::fs::remove_file(file).expect("it goes");
                std::thread::sleep(took.saturating_sub(begun.elapsed() - took));
                Made { took, written }
            });
            let made = made.collect();
            self.is_over.store(true, Ordering::Release);
            made
        })
    }

    /// How many times longer the slowest of a hundred writes takes beside a backup than else.
    fn slower(&self) -> f64 {
        let slowest = |beside_backup| {
            let written = self.written().into_iter();
            let mut took: Vec<_> = written
                .filter(|one| one.beside_backup == beside_backup)
                .map(|one| one.took)
                .collect();
            took.sort_unstable();
            took.get(took.len() * 99 / 100).copied().unwrap_or_default()
        };
        let (beside, else_) = (slowest(true), slowest(false));
        measured(format!(
            "the slowest of a hundred writes: {beside:?} beside a backup, {else_:?} else"
        ));
        beside.as_secs_f64() / else_.as_secs_f64()
    }
}

/// The promises that hold on a machine of their own are judged only where all figures are asked
/// for.
fn is_full() -> bool {
    scale(SCALE_VARIABLE, 0, 1) == 1
}

#[test]
fn backups_under_writers_hold_what_was_acknowledged_before_they_began() {
    // On a new file after a few backups, for it grows as fast as the writers can.
    for _ in 0..scale(SCALE_VARIABLE, 1, 10) {
        let place = Place::new();
        let rows = scale(SCALE_VARIABLE, 2_000, 100_000);
        place.fill("old", usize::try_from(rows).expect("few"));
        let writers = Writers::new(scale(SCALE_VARIABLE, 8, 64), Duration::ZERO);
        let made = writers.back_up(&place, scale(SCALE_VARIABLE, 3, 5));
        assert!(!writers.written().is_empty(), "the control: somebody wrote");
        let slower = writers.slower();
        measured(format!("backups of {rows} and what was written: {made:?}"));
        for one in &made {
            let limit = one.limit(usize::try_from(rows).expect("few"));
            assert!(one.took <= limit, "{one:?} beside {rows}: {limit:?}");
        }
        assert!(!is_full() || slower <= SLOWER, "{slower} times as slow");
    }
}

#[test]
fn a_backup_of_a_large_file_under_a_paced_load_is_made_in_time() {
    let place = Place::new();
    let rows = scale(SCALE_VARIABLE, 2_000, 1_000_000);
    place.fill("old", usize::try_from(rows).expect("few"));
    let writers = Writers::new(4, Duration::from_millis(20));
    let made = writers.back_up(&place, scale(SCALE_VARIABLE, 1, 3));
    assert!(!writers.written().is_empty(), "the control: somebody wrote");
    let slower = writers.slower();
    measured(format!("backups of {rows}: {made:?}"));
    let is_in_time = made.iter().all(|one| one.took <= LOOSE_LIMIT);
    assert!(is_in_time, "{made:?} of {rows}");
    assert!(!is_full() || slower <= SLOWER, "{slower} times as slow");
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

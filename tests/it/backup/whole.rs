//! R13: a backup is whole or absent.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Place, SCALE_VARIABLE, addresses, back_up, on, refused, succeeded, text, verify};
use crate::support::process::{after, invited, measured};
use crate::support::scale;

/// Invitations in the file that is copied.
const ROWS: usize = 3_000;
/// How many kills there may be for each that is asked for: those that come before a backup has
/// begun, or behind its end, do not count.
const TRIES: u64 = 20;

/// A backup to `file`, in a process of its own that says nothing.
fn silent_backup(place: &Place, file: &Path) -> Command {
    let mut command = invited();
    command.arg("backup").arg(file);
    command.arg("--database").arg(&place.database);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// How long a backup takes: the shortest of a few.
fn time_of_backup(place: &Place, file: &Path) -> Duration {
    let times = (0..3).map(|_| {
        let begun = Instant::now();
        let status = silent_backup(place, file).status().expect("it runs");
        assert!(status.success(), "{status}");
        fs::remove_file(file).expect("it goes");
        begun.elapsed()
    });
    times.min().expect("three")
}

/// What tells whether somebody wrote to a file.
fn stamp(file: &Path) -> Option<(u64, i64, i64, u64)> {
    let found = fs::metadata(file).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
}

#[test]
fn a_backup_that_is_killed_leaves_none_or_a_whole_one() {
    let place = Place::new();
    place.fill("a", ROWS);
    let (file, part) = (place.path("backup.db"), place.path("backup.db.part"));
    let time = time_of_backup(&place, &file);
    let asked = scale(SCALE_VARIABLE, 12, 50);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut early, mut absent, mut whole) = (0, 0, 0);
    // A kill counts when the backup had begun and was not done. A whole one is seen where the kill
    // came late, so some have to.
    let mut counted = 0;
    while counted < asked || absent == 0 || whole == 0 {
        let told = format!(
            "seed {seed}: {counted} of {asked} kills counted, {early} came before the backup \
             began, {absent} left none, {whole} a whole one"
        );
        assert!(early + absent + whole < asked * TRIES, "{told}");
        // What the kill before left lies there still.
        let before = stamp(&part);
        let mut child = silent_backup(&place, &file).spawn().expect("it starts");
        std::thread::sleep(time.mul_f64(random.f64() * 1.1));
        child.kill().expect("it can be killed");
        let status = child.wait().expect("it ends");
        let was_killed = status.signal() == Some(9);
        assert!(was_killed || status.success(), "{told}: {status}");
        if file.exists() {
            succeeded(&verify(&file));
            assert_eq!(addresses(&file).len(), ROWS, "{told}");
            fs::remove_file(&file).expect("it goes");
            (counted, whole) = (counted + u64::from(was_killed), whole + 1);
        } else if stamp(&part) == before {
            early += 1;
        } else {
            (counted, absent) = (counted + 1, absent + 1);
        }
    }
    measured(format!(
        "{counted} kills of a backup that takes {time:?}, seed {seed}: {absent} left none, \
         {whole} a whole one or came behind the end, and {early} came before the beginning"
    ));
    // What a kill has left is in nobody's way, and goes with the next backup.
    back_up(&place.database, &file, &[]);
    assert_eq!(addresses(&file).len(), ROWS);
    assert!(!part.exists());
}

#[test]
fn a_backup_without_room_says_so_and_leaves_nothing() {
    let place = Place::new();
    place.fill("a", ROWS);
    let file = place.path("backup.db");
    let mut command = after("trap '' XFSZ; ulimit -f 256");
    command.arg("backup").arg(&file);
    command.arg("--database").arg(&place.database);
    let said = refused(&command.output().expect("it runs"), 1);
    assert!(said.contains("cannot write"), "{said}");
    assert!(!file.exists() && !place.path("backup.db.part").exists());
    // A backup that was there stays.
    back_up(&place.database, &file, &[]);
    place.invite("late@b.co");
    let mut command = after("trap '' XFSZ; ulimit -f 256");
    command.args(["backup", "--force"]).arg(&file);
    command.arg("--database").arg(&place.database);
    refused(&command.output().expect("it runs"), 1);
    assert_eq!(addresses(&file).len(), ROWS);
}

#[test]
fn two_backups_to_one_file_do_not_meet() {
    let place = Place::new();
    place.fill("a", ROWS);
    let file = place.path("backup.db");
    let start = || {
        let mut command = invited();
        command.args(["backup", "--force"]).arg(&file);
        command.arg("--database").arg(&place.database);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().expect("it starts")
    };
    for pause in [0, 5, 20] {
        let first = start();
        std::thread::sleep(Duration::from_millis(pause));
        let second = start();
        let ended = [first, second].map(|child| child.wait_with_output().expect("it ends"));
        let failed = ended.iter().filter(|output| !output.status.success());
        for output in failed {
            let said = text(&output.stderr);
            assert!(said.contains("another command is writing"), "{said}");
        }
        assert!(ended.iter().any(|output| output.status.success()));
        assert_eq!(addresses(&file).len(), ROWS);
    }
}

#[test]
fn what_a_kill_left_of_another_file_is_not_mixed_into_a_backup() {
    let place = Place::new();
    place.fill("a", ROWS);
    let (part, file) = (place.path("backup.db.part"), place.path("backup.db"));
    fs::write(&part, "somebody's own notes").expect("it is written");
    let path = file.to_string_lossy();
    let said = refused(&on(&place.database, &["backup", &path]), 1);
    assert!(said.contains("is no part of a copy"), "{said}");
    // A longer file of the same kind.
    let mut left = fs::read(&place.database).expect("it reads");
    left.resize(left.len().max(4 << 20), 0x55);
    fs::write(&part, left).expect("it is written");
    back_up(&place.database, &file, &[]);
    succeeded(&verify(&file));
    assert!(fs::metadata(&file).expect("it is there").len() < 4 << 20);
}

//! R13: a backup is whole or absent.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Place, SCALE_VARIABLE, addresses, back_up, on, refused, succeeded, text, verify};
use crate::support::process::{after, invited};
use crate::support::scale;

/// Invitations in the file that is copied.
const ROWS: usize = 3_000;

#[test]
fn a_backup_that_is_killed_leaves_none_or_a_whole_one() {
    let place = Place::new();
    place.fill("a", ROWS);
    let file = place.path("backup.db");
    let begun = Instant::now();
    back_up(&place.database, &file, &[]);
    let took = begun.elapsed();
    fs::remove_file(&file).expect("it goes");
    let kills = scale(SCALE_VARIABLE, 12, 50);
    let mut absent = 0;
    for kill in 0..kills {
        let mut command = invited();
        command.arg("backup").arg(&file);
        command.arg("--database").arg(&place.database);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // Some of them come after the end.
        std::thread::sleep(took.mul_f64(f64::from(u32::try_from(kill).expect("few")) / 10.0 % 1.2));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        if file.exists() {
            succeeded(&verify(&file));
            assert_eq!(addresses(&file).len(), ROWS);
            fs::remove_file(&file).expect("it goes");
        } else {
            absent += 1;
        }
    }
    assert!(absent > 2, "{absent} of {kills}");
    // What a kill has left is in nobody's way, and goes with the next backup.
    back_up(&place.database, &file, &[]);
    assert_eq!(addresses(&file).len(), ROWS);
    assert!(!place.path("backup.db.part").exists());
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

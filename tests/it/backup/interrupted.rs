//! What is left of a backup that a server has under way when it is killed or stopped, or where
//! there is no room: nothing under the name of a backup.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::scheduled::{backups, names, wait_until};
use super::{Place, addresses, succeeded, verify};
use crate::support::process::{Server, after};

/// Invitations in the file: a backup of them takes a while.
const ROWS: usize = 3_000;

/// A data file with invitations, a folder for its backups, and an admin key.
fn place() -> (tempfile::TempDir, PathBuf, PathBuf, String) {
    let place = Place::new();
    place.fill("a", ROWS);
    let key = place.key.clone();
    let (folder, database) = place.stop();
    let backups = folder.path().join("backups");
    fs::create_dir(&backups).expect("a folder");
    (folder, database, backups, key)
}

/// A server that soon makes a backup.
fn start(database: &Path, folder: &Path) -> Server {
    let mut command = after("trap '' XFSZ");
    command.args(["serve", "--listen", "127.0.0.1:0", "--backup-every", "1m"]);
    command.arg("--database").arg(database);
    Server::spawn(command.arg("--backup-dir").arg(folder))
}

/// Whether a backup is under way.
fn is_begun(folder: &Path) -> bool {
    names(folder).iter().any(|name| name.ends_with(".part"))
}

#[test]
fn a_server_that_is_killed_while_it_makes_a_backup_leaves_none_or_a_whole_one() {
    let (_folder, database, folder, _) = place();
    for pause in [0, 15, 40] {
        let mut server = start(&database, &folder);
        wait_until("it begins", || is_begun(&folder));
        std::thread::sleep(Duration::from_millis(pause));
        server.child.kill().expect("it can be killed");
        server.child.wait().expect("it ends");
        for file in backups(&folder) {
            succeeded(&verify(&file));
            assert_eq!(addresses(&file).len(), ROWS);
            fs::remove_file(file).expect("it goes");
        }
    }
    let _server = start(&database, &folder);
    wait_until("a whole one", || backups(&folder).len() == 1);
    assert!(!is_begun(&folder), "what was left has gone");
    assert_eq!(addresses(&backups(&folder)[0]).len(), ROWS);
}

/// How nice the thread is that makes a backup, and how nice the others are at most.
#[cfg(target_os = "linux")]
fn niceness(server: &Server) -> (Option<i32>, i32) {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.child.id())).expect("Linux");
    let (mut own, mut most) = (None, 0);
    for task in tasks.flatten() {
        let Ok(text) = fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        let (name, fields) = text.rsplit_once(')').expect("a name");
        let nice = fields.split_ascii_whitespace().nth(16).expect("a field");
        let nice = nice.parse().expect("a number");
        if name.ends_with("(backup") {
            own = Some(nice);
        } else {
            most = most.max(nice);
        }
    }
    (own, most)
}

#[cfg(target_os = "linux")]
#[test]
fn only_the_thread_of_the_backup_gives_way() {
    let (_folder, database, folder, _) = place();
    let server = start(&database, &folder);
    let before = niceness(&server).1;
    wait_until("it gives way", || niceness(&server).0 == Some(19));
    assert_eq!(niceness(&server).1, before);
    wait_until("it is made", || backups(&folder).len() == 1);
    wait_until("it ends", || niceness(&server).0.is_none());
    assert_eq!(niceness(&server).1, before);
}

#[test]
fn a_stop_does_not_wait_for_a_backup() {
    let (_folder, database, folder, _) = place();
    let server = start(&database, &folder);
    wait_until("it begins", || is_begun(&folder));
    server.signal("TERM");
    let (status, took, printed) = server.wait();
    assert_eq!(status.code(), Some(0), "{printed}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(!printed.contains("backup failed"), "{printed}");
    for file in backups(&folder) {
        succeeded(&verify(&file));
    }
    // The log was emptied all the same, or the next start does it.
    let _server = start(&database, &folder);
    wait_until("a whole one", || !backups(&folder).is_empty());
    assert!(!is_begun(&folder));
}

#[test]
fn a_backup_without_room_leaves_nothing_and_the_server_goes_on() {
    let (_folder, database, folder, key) = place();
    let server = start(&database, &folder);
    let pid = Pid::from_child(&server.child);
    let limit = |current| Rlimit {
        current,
        maximum: None,
    };
    prlimit(Some(pid), Resource::Fsize, limit(Some(128 * 1024))).expect("a limit");
    wait_until("it has failed", || {
        let request = server.request("GET", "/v1/findings").bearer(&key);
        request.send().text().contains("the last try failed at")
    });
    assert_eq!(names(&folder), [""; 0]);
    assert_eq!(server.request("GET", "/readyz").send().status, 200);
    prlimit(Some(pid), Resource::Fsize, limit(None)).expect("a limit");
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0), "{printed}");
    assert!(
        printed.contains("the backup failed: cannot write"),
        "{printed}"
    );
    assert!(printed.contains("the next try is in 60 s"), "{printed}");
    let _server = start(&database, &folder);
    wait_until("a whole one", || backups(&folder).len() == 1);
}

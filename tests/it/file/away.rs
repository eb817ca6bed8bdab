//! The file is removed or replaced while it is served.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{count, fresh, invite, readiness, serve_new, stop};
use crate::support::process::Server;

/// What a write is answered while the file is away.
fn refused() -> (u16, String) {
    (503, "storage_failed".to_owned())
}

/// Waits for longer than a change may go unnoticed.
fn a_second() {
    std::thread::sleep(Duration::from_secs(1));
}

/// Takes the file away by `take`, and looks at what the server says of it; returns what it logged,
/// with its key.
fn taken_away(take: impl FnOnce(&Path, &Path)) -> (String, Server, String, tempfile::TempDir) {
    let (folder, database) = fresh();
    let (server, key) = serve_new(&database);
    assert_eq!(invite(&server, &key, "a@b.co").0, 201);
    assert_eq!(readiness(&server), 200);
    take(&database, folder.path());
    assert_eq!(
        invite(&server, &key, "b@b.co"),
        refused(),
        "no write is acknowledged that would be lost"
    );
    assert_eq!(
        (readiness(&server), count(&server, &key)),
        (503, 1),
        "reads go on"
    );
    let answer = server.request("GET", "/health/ready").send().text();
    assert!(!answer.contains("invited.db"), "{answer}");
    (database.display().to_string(), server, key, folder)
}

/// The lines of a log that tell of the file.
fn told(printed: &str) -> Vec<&str> {
    printed
        .lines()
        .filter(|line| line.contains("the data file "))
        .collect()
}

#[test]
fn a_file_that_is_removed_is_no_longer_written_and_that_is_logged_once() {
    let (path, server, key, _folder) =
        taken_away(|database, _| fs::remove_file(database).expect("it goes"));
    for number in 0..3 {
        assert_eq!(invite(&server, &key, &format!("c{number}@b.co")), refused());
    }
    a_second();
    let printed = stop(server);
    let lines = told(&printed);
    assert_eq!(lines.len(), 1, "{printed}");
    assert!(
        lines[0].contains("ERROR") && lines[0].contains("removed") && lines[0].contains(&path),
        "{printed}"
    );
}

#[test]
fn a_file_that_is_replaced_by_a_backup_is_no_longer_written() {
    let by_rename = |database: &Path, folder: &Path| {
        fs::copy(database, folder.join("backup.db")).expect("a copy");
        fs::rename(folder.join("backup.db"), database).expect("it is replaced");
    };
    let by_link = |database: &Path, folder: &Path| {
        fs::rename(database, folder.join("moved.db")).expect("it moves");
        std::os::unix::fs::symlink(folder.join("moved.db"), database).expect("a link");
    };
    let by_folder = |database: &Path, folder: &Path| {
        let moved = folder.with_added_extension("moved");
        fs::rename(folder, &moved).expect("it moves");
        fs::create_dir(folder).expect("another folder");
        fs::copy(moved.join("invited.db"), database).expect("a copy");
    };
    let kinds: [fn(&Path, &Path); 3] = [by_rename, by_link, by_folder];
    for replace in kinds {
        let (_, server, _, folder) = taken_away(replace);
        let printed = stop(server);
        assert!(
            told(&printed).len() == 1 && printed.contains("replaced"),
            "{printed}"
        );
        // The one that moved goes, too.
        let _ = fs::remove_dir_all(folder.path().with_added_extension("moved"));
    }
}

#[test]
fn a_file_that_goes_while_nobody_asks_is_noticed_within_a_second() {
    let (_folder, database) = fresh();
    let (server, _key) = serve_new(&database);
    fs::remove_file(&database).expect("it goes");
    a_second();
    // What nobody waited for was logged before the signal.
    let before = Instant::now();
    let printed = stop(server);
    assert_eq!(
        told(&printed).len(),
        1,
        "{printed} after {:?}",
        before.elapsed()
    );
}

#[test]
fn a_file_that_comes_back_is_written_again_without_a_restart() {
    let (path, server, key, folder) = taken_away(|database, folder| {
        fs::rename(database, folder.join("moved.db")).expect("it moves");
    });
    fs::rename(folder.path().join("moved.db"), &path).expect("it moves back");
    assert_eq!(invite(&server, &key, "c@b.co").0, 201);
    assert_eq!(
        (readiness(&server), count(&server, &key)),
        (200, 2),
        "what was refused is not there"
    );
    let printed = stop(server);
    let lines = told(&printed);
    assert!(
        lines.len() == 2 && lines[1].contains("INFO") && lines[1].contains("back"),
        "{printed}"
    );
    assert_eq!(count(&Server::serve(Path::new(&path)), &key), 2);
}

#[test]
fn a_start_without_the_file_that_was_there_says_that_it_made_a_new_one() {
    let (_folder, database) = fresh();
    let (server, _key) = serve_new(&database);
    assert_eq!(
        server.banner_value("note"),
        None,
        "a first start says nothing of it"
    );
    fs::remove_file(&database).expect("it goes");
    stop(server);
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
    let note = serve_new(&database).0.banner_value("note").expect("a note");
    assert!(note.contains("new, empty data file"), "{note}");
}

#[test]
fn a_folder_that_is_moved_takes_its_file_along_and_nothing_is_refused() {
    let (folder, _) = fresh();
    let database = folder.path().join("data/invited.db");
    let (server, key) = serve_new(&database);
    let moved = folder.path().join("moved");
    fs::rename(folder.path().join("data"), &moved).expect("it moves");
    a_second();
    assert_eq!(
        (invite(&server, &key, "a@b.co").0, readiness(&server)),
        (201, 200)
    );
    assert_eq!(told(&stop(server)), Vec::<&str>::new());
    assert_eq!(count(&Server::serve(&moved.join("invited.db")), &key), 1);
}

//! Commands that only read leave nothing beside a file that no server has.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{count, edit, fresh, make, names_in};
use crate::support::process::{Server, invited};

/// Every command that only reads.
const COMMANDS: [&[&str]; 12] = [
    &["status"],
    &["verify"],
    &["verify", "--output", "json"],
    &["verify", "--heads", "-"],
    &["doctor", "--offline"],
    &["export", "-"],
    &["export", "-", "--organization", "nobody"],
    &["backup", "-"],
    &["key", "list"],
    &["migrate"],
    &["migrate", "--dry-run"],
    &["config", "check"],
];

/// A command on the data file `database`.
fn command(words: &[&str], database: &Path) -> Command {
    let mut command = invited();
    command.args(words).env("INVITED_DATABASE", database);
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end.
fn run(words: &[&str], database: &Path) -> Output {
    command(words, database).output().expect("it runs")
}

#[test]
fn a_command_that_only_reads_leaves_the_folder_as_it_was() {
    let (folder, database) = fresh();
    make(&database);
    // A program that closes it takes the log along, which a server leaves to the next one.
    edit(&database, "create table other (x)");
    let before = names_in(folder.path());
    assert!(
        !before.iter().any(|name| name.ends_with("-wal")),
        "{before:?}"
    );
    let bytes = std::fs::read(&database).expect("it reads");
    for words in COMMANDS {
        let output = run(words, &database);
        let is_known = !words.contains(&"nobody");
        assert_eq!(output.status.success(), is_known, "{words:?}");
        assert_eq!(names_in(folder.path()), before, "{words:?}");
    }
    assert_eq!(std::fs::read(&database).expect("it reads"), bytes);
    // A file that is refused is left as it was, too.
    edit(&database, "create view v as select 1");
    let before = names_in(folder.path());
    for words in COMMANDS {
        run(words, &database);
        assert_eq!(names_in(folder.path()), before, "{words:?}");
    }
}

#[test]
fn a_log_that_a_kill_left_stays_with_what_is_in_it() {
    let (folder, database) = fresh();
    let (mut server, key) = super::serve_new(&database);
    assert_eq!(super::invite(&server, &key, "a@b.co").0, 201);
    server.child.kill().expect("it is killed");
    server.child.wait().expect("it ends");
    let log = database.with_file_name("invited.db-wal");
    let bytes = std::fs::read(&log).expect("a log");
    assert!(!bytes.is_empty());
    let before = names_in(folder.path());
    for words in COMMANDS {
        run(words, &database);
        assert_eq!(names_in(folder.path()), before, "{words:?}");
        assert_eq!(std::fs::read(&log).expect("a log"), bytes, "{words:?}");
    }
    assert_eq!(count(&Server::serve(&database), &key), 1);
}

#[test]
fn a_server_that_starts_meanwhile_keeps_its_log_and_all_that_it_acknowledges() {
    let (folder, database) = fresh();
    let key = make(&database);
    for round in 0..5 {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let mut command = command(&["verify"], &database);
                command.stdout(Stdio::null()).spawn().expect("it starts")
            })
            .collect();
        let server = Server::serve(&database);
        for number in 0..5 {
            let email = format!("r{round}n{number}@b.co");
            assert_eq!(super::invite(&server, &key, &email).0, 201);
        }
        for mut reader in readers {
            assert!(reader.wait().expect("it ends").success());
        }
        assert!(names_in(folder.path()).contains(&"invited.db-wal".to_owned()));
        assert_eq!(count(&server, &key), 1 + 5 * (round + 1));
        // A kill, so that the next start has a log to go on from.
        drop(server);
        run(&["verify"], &database);
        let server = Server::serve(&database);
        assert_eq!(count(&server, &key), 1 + 5 * (round + 1));
        super::stop(server);
    }
}

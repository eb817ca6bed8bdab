//! A data file that was removed or replaced while it was served is had back, as the page says.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{count, fresh, invite, readiness, serve_new, stop};
use crate::support::process::{Server, invited};

/// The page.
const PAGE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/docs/troubleshooting.md"
));

/// The commands of the procedure, as the page has them: to look, to copy, to check, and to give the
/// file to its user.
fn commands() -> [&'static str; 4] {
    let heading = "\n### The data file is gone, and a server still runs\n";
    let (_, behind) = PAGE.split_once(heading).expect("the heading");
    let steps = behind.split("\n### ").next().expect("a section");
    let (_, steps) = steps.split_once("\n1. ").expect("steps");
    let named: Vec<_> = steps.split('`').skip(1).step_by(2).collect();
    ["ls ", "cp ", "invited ", "chown "].map(|begin| {
        let mut named = named.iter().filter(|words| words.starts_with(begin));
        *named.next().unwrap_or_else(|| panic!("{begin}: nothing"))
    })
}

/// Runs a line in `folder` as a shell does. Returns what it printed.
fn shell(folder: &Path, line: &str) -> String {
    let binary = invited();
    let line = match line.strip_prefix("invited ") {
        Some(words) => format!("'{}' {words}", binary.get_program().to_string_lossy()),
        None => line.to_owned(),
    };
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder)
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// The number of the open file that a listing shows as removed, under the name `name`.
fn number(listing: &str, name: &str) -> Option<String> {
    let end = format!("/{name} (deleted)");
    let line = listing.lines().find(|line| line.ends_with(&end))?;
    let (before, _) = line.split_once(" -> ")?;
    Some(before.rsplit(' ').next()?.to_owned())
}

/// Takes the file in `folder` away by `take`, has it back by the steps of the page, and looks for
/// all that was acknowledged.
fn rescued_after(take: fn(&Path)) {
    let (folder, database) = fresh();
    let folder = folder.path();
    let (server, key) = serve_new(&database);
    for number in 0..20 {
        let email = format!("p{number}@b.co");
        assert_eq!(invite(&server, &key, &email).0, 201);
    }
    take(folder);
    assert_eq!(invite(&server, &key, "late@b.co").0, 503);
    let [look, copy, check, give] = commands();
    let process = server.child.id().to_string();
    // Beside other tests there are several servers.
    let listing = shell(folder, &look.replace("$(pidof invited)", &process));
    let copied = |number: &str, to: &str| {
        let line = copy
            .replace("PID", &process)
            .replace("/N ", &format!("/{number} "));
        shell(folder, &line.replace("rescue.db", to));
    };
    let file = number(&listing, "invited.db").unwrap_or_else(|| panic!("{listing}"));
    copied(&file, "rescue.db");
    match number(&listing, "invited.db-wal") {
        Some(log) => copied(&log, "rescue.db-wal"),
        None => drop(shell(folder, "cp invited.db-wal rescue.db-wal")),
    }
    let told = shell(folder, check);
    assert!(told.contains("ok: invitations 20, "), "{told}");
    assert_eq!((readiness(&server), count(&server, &key)), (503, 20));
    stop(server);
    for (from, to) in [
        ("rescue.db", "invited.db"),
        ("rescue.db-wal", "invited.db-wal"),
    ] {
        fs::rename(folder.join(from), folder.join(to)).expect("it is put in its place");
    }
    shell(folder, give);
    let server = Server::serve(&database);
    assert_eq!((readiness(&server), count(&server, &key)), (200, 20));
    assert_eq!(invite(&server, &key, "late@b.co").0, 201);
}

#[test]
fn a_file_that_was_removed_is_had_back_with_all_that_was_acknowledged() {
    rescued_after(|folder| fs::remove_file(folder.join("invited.db")).expect("it goes"));
}

#[test]
fn so_is_one_whose_log_was_removed_with_it() {
    rescued_after(|folder| {
        for name in ["invited.db", "invited.db-wal", "invited.db-shm"] {
            fs::remove_file(folder.join(name)).expect("it goes");
        }
    });
}

#[test]
fn so_is_one_that_another_file_took_the_place_of() {
    rescued_after(|folder| {
        fs::copy(folder.join("invited.db"), folder.join("other.db")).expect("a copy");
        fs::rename(folder.join("other.db"), folder.join("invited.db")).expect("it is replaced");
    });
}

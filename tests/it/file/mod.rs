//! The data file is who it says it is: by which names it is served, what is refused, and what is
//! said then.
//!
//! * [`names`]: links and second names. [`lock`]: one server has a file.
//! * [`away`]: the file is removed or replaced while it is served. [`strangers`]: objects of other
//!   programs in it.
//! * [`impostor`]: commands beside a server, while another file is at the place of its file.
//! * [`rescue`]: what is acknowledged is had back from a file without a name.
//! * [`causes`]: the true cause of a refusal, and the command that helps. [`rights`]: who may read
//!   and write it.
//! * [`traces`]: commands that only read leave nothing beside it.
//! * [`upgrade`]: files of released versions are opened, and those of newer ones refused.

mod away;
mod causes;
mod impostor;
mod lock;
mod names;
mod rescue;
mod rights;
mod strangers;
mod traces;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::invitations;
use crate::support::process::{Server, invited};

/// A place for a file, in a folder of its own.
fn fresh() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    (folder, database)
}

/// A server on a new file, and its admin key.
fn serve_new(database: &Path) -> (Server, String) {
    let server = Server::serve(database);
    // The banner may name the file in several lines.
    let place = std::fs::canonicalize(database).expect("a path");
    let key = std::fs::read_to_string(place.with_added_extension("admin-key"));
    let key = key.expect("an admin key").trim().to_owned();
    (server, key)
}

/// A data file that was served once, with an invitation in it; its admin key.
fn make(database: &Path) -> String {
    let (server, key) = serve_new(database);
    assert_eq!(invite(&server, &key, "first@b.co"), (201, String::new()));
    stop(server);
    key
}

/// Stops a server, which must go well. Returns what it printed after its banner.
fn stop(server: Server) -> String {
    server.signal("TERM");
    let (status, _, printed) = server.wait();
    assert_eq!(status.code(), Some(0), "{printed}");
    printed
}

/// Invites; returns the status, and the code of a problem.
fn invite(server: &Server, key: &str, email: &str) -> (u16, String) {
    let body = json!({ "email": email, "role": "developer" }).to_string();
    let answer = server
        .request("POST", &invitations("acme"))
        .bearer(key)
        .json(&body)
        .send();
    (
        answer.status,
        answer.json()["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

/// The status of the server's readiness.
fn readiness(server: &Server) -> u16 {
    server.request("GET", "/health/ready").send().status
}

/// How many invitations the server lists.
fn count(server: &Server, key: &str) -> usize {
    let list = server
        .request("GET", &invitations("acme"))
        .bearer(key)
        .send();
    list.json().as_array().map_or(0, Vec::len)
}

/// How long a command may take that must fail: it waits five seconds for a file that is held.
const FAIL_LIMIT: Duration = Duration::from_secs(30);

/// Runs a command on the file that must fail, by its exit code. Returns what it printed.
fn refused_by(words: &[&str], database: &Path, code: i32) -> String {
    let mut command = invited();
    command
        .args(words)
        .arg("--database")
        .arg(database)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let deadline = Instant::now() + FAIL_LIMIT;
    while child.try_wait().expect("it can be asked").is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    // One that does not fail serves for ever.
    let _ = child.kill();
    let output = child.wait_with_output().expect("it ends");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {printed}");
    assert!(printed.contains("\n  hint: "), "{printed}");
    printed
}

/// Starts a server that must not start; returns what it printed.
fn refused(database: &Path) -> String {
    refused_by(&["serve", "--listen", "127.0.0.1:0"], database, 1)
}

/// Whether a refusal advises a restored backup.
fn advises_a_backup(printed: &str) -> bool {
    printed.contains("damaged") || printed.contains("backup")
}

/// Runs SQL on a file that nobody serves.
fn edit(database: &Path, sql: &str) {
    let conn = rusqlite::Connection::open(database).expect("it opens");
    conn.execute_batch(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Runs the `sqlite3 FILE STATEMENT` that a hint ends with, as a shell would: words in single
/// quotes.
fn follow_hint(printed: &str) {
    let command = printed
        .lines()
        .find_map(|line| line.split_once("sqlite3 "))
        .expect("a command")
        .1;
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("printf '%s\\n' {command}"))
        .output()
        .expect("a shell");
    let words = String::from_utf8(output.stdout).expect("text");
    let words: Vec<_> = words.lines().collect();
    edit(Path::new(words[0]), words[1]);
}

/// The names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

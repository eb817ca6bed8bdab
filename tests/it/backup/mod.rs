//! Copies of the data file: made beside a running server, looked through, and put back.
//!
//! * [`live`]: what a backup holds that is made under writers. [`whole`]: a backup is whole or
//!   absent, whatever ends it. [`refusals`]: what is never replaced, and what is said of it.
//! * [`restored`]: a backup takes the place of a data file. [`damage`]: what a look through a file
//!   finds. [`chain`]: histories in which something was changed, [`flips`] a bit
//!   of them, and [`heads`] with a head that was written down. [`counts`]: what the file counts, and
//!   what there is.
//!
//! * [`with_secret`]: what a kill leaves where the secret goes beside the backup.
//! * [`scheduled`]: what a server makes by itself, and what stays of it. [`interrupted`]: what is
//!   left where it is killed, stopped or has no room. [`told`]: who is told of it.
//!
//! [`live`], [`whole`] and [`flips`] do a share of their figures; `INVITED_BACKUPS=full` does all
//! of them.

mod chain;
mod counts;
mod damage;
mod flips;
mod heads;
mod interrupted;
mod live;
mod refusals;
mod restored;
mod scheduled;
mod told;
mod whole;
mod with_secret;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::invitations;
use crate::support::process::{Server, invited};

/// The variable that selects the full figures when it says `full`.
const SCALE_VARIABLE: &str = "INVITED_BACKUPS";

/// A server on a new file, and what it takes to ask it.
struct Place {
    /// The folder.
    folder: tempfile::TempDir,
    /// The data file.
    database: PathBuf,
    /// The server.
    server: Server,
    /// Its admin key.
    key: String,
}

impl Place {
    /// A server on a new file.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("data").join("invited.db");
        let server = Server::serve(&database);
        let key = server.admin_key().expect("an admin key");
        Self {
            folder,
            database,
            server,
            key,
        }
    }

    /// The path of a file in the folder, which is not that of the data file.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// POSTs with the admin key. Returns the status and the body.
    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.server.request("POST", path).bearer(&self.key);
        let answer = request.json(body.to_string()).send();
        (answer.status, answer.json())
    }

    /// Invites `count` addresses that begin with `name`, in batches.
    fn fill(&self, name: &str, count: usize) {
        let numbers: Vec<_> = (0..count).collect();
        for batch in numbers.chunks(1_000) {
            let row =
                |number: &usize| json!({"email": format!("{name}{number}@b.co"), "role": "x"});
            let rows: Vec<_> = batch.iter().map(row).collect();
            let path = format!("{}/batch", invitations("acme"));
            let (status, body) = self.post(&path, &json!({ "invitations": rows }));
            assert_eq!(status, 200, "{body}");
        }
    }

    /// Invites one address. Returns the invitation.
    fn invite(&self, email: &str) -> Value {
        let (status, body) = self.post(
            &invitations("acme"),
            &json!({ "email": email, "role": "developer" }),
        );
        assert_eq!(status, 201, "{body}");
        body
    }

    /// Stops the server, which must go well.
    fn stop(self) -> (tempfile::TempDir, PathBuf) {
        self.server.signal("TERM");
        let (status, _, printed) = self.server.wait();
        assert_eq!(status.code(), Some(0), "{printed}");
        (self.folder, self.database)
    }
}

/// Runs a command on the data file `database`.
fn on(database: &Path, words: &[&str]) -> Output {
    let mut command = invited();
    command.args(words).arg("--database").arg(database);
    command.stdin(Stdio::null()).output().expect("it runs")
}

/// Makes a backup at `place`, which must work. Returns what was printed to stdout.
fn back_up(database: &Path, place: &Path, words: &[&str]) -> String {
    let place = place.to_string_lossy();
    succeeded(&on(database, &[&["backup", &place], words].concat()))
}

/// What a command printed to stdout, which must have worked.
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What a command said that must have failed, by its exit code.
fn refused(output: &Output, code: i32) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains("\n  hint: "), "{said}");
    said
}

/// Looks through a backup with the command.
fn verify(place: &Path) -> Output {
    let output = invited().arg("verify").arg(place).output();
    output.expect("it runs")
}

/// Bytes as text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The addresses of the invitations in a file.
fn addresses(file: &Path) -> BTreeSet<String> {
    let conn = rusqlite::Connection::open(file).expect("it opens");
    let mut statement = conn.prepare("select email from invitation").expect("SQL");
    let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
    rows.collect::<Result<_, _>>().expect("every row reads")
}

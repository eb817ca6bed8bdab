//! Organizations as text: exported here, and imported there.
//!
//! * [`there_and_back`]: what an export has, and what an import makes of it. [`refused`]: what is
//!   not imported, and what is said of it. [`interrupted`]: an import is whole or nothing.
//!   [`seeds`]: what a script wrote. [`progress`]: how far they have come.

mod interrupted;
mod progress;
mod refused;
mod seeds;
mod there_and_back;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process::{Server, invited, run};

/// A file in a folder as a word of a command.
fn word(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Runs `invited export` on the data file `database`.
fn export(database: &Path, words: &[&str]) -> Output {
    run(&[&["export", "--database", &word(database)], words].concat())
}

/// Runs `invited import` on the data file `database`.
fn import(database: &Path, words: &[&str]) -> Output {
    run(&[&["import", "--database", &word(database)], words].concat())
}

/// Imports what `text` says by stdin.
fn import_text(database: &Path, text: impl AsRef<[u8]>) -> Output {
    let mut command = invited();
    command.args(["import", "-", "--database"]).arg(database);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, text.as_ref()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

/// What a command printed to stdout, which must have worked.
fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// What a command said that must have failed at its work.
fn failed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("\n  hint: nothing was changed"), "{said}");
    said
}

/// The lines of a text that are records.
fn records(text: &str) -> Vec<&str> {
    let lines: Vec<_> = text.lines().collect();
    lines[1..lines.len() - 1].to_vec()
}

/// `text` with another last line, whose checksum is right.
fn sealed(text: &str) -> String {
    let end = text.trim_end().rfind('\n').expect("lines") + 1;
    let (body, records) = (&text[..end], text.lines().count() - 2);
    let hash = blake3::hash(body.as_bytes()).to_hex().to_string();
    format!(
        "{body}{}\n",
        json!({"end": {"records": records, "blake3": hash}})
    )
}

/// A server with the samples that was stopped, and an export of its file.
struct Place {
    /// The folder.
    folder: tempfile::TempDir,
    /// The export.
    text: String,
}

impl Place {
    /// A folder with an export of the samples, whose mail has been sent.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("from.db");
        let words = ["dev", "--listen", "127.0.0.1:0", "--database"];
        let server = Server::start(&[&words[..], &[&word(&database)]].concat());
        // Mail that waits is not imported, so all of it has to be sent.
        let deadline = Instant::now() + Duration::from_secs(20);
        let text = loop {
            let text = succeeded(&export(&database, &["-"]));
            if !text.contains(r#""delivery":"queued""#) {
                break text;
            }
            assert!(Instant::now() < deadline, "mail waits still");
        };
        drop(server);
        Self { folder, text }
    }

    /// The path of a file in the folder.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `invited status` says of the data file `database`.
    fn contents(database: &Path) -> Value {
        let words = ["status", "--output", "json", "--database"];
        let output = run(&[&words[..], &[&word(database)]].concat());
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        value["contents"].clone()
    }
}

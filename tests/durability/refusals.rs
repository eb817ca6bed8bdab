//! R6: a file that is not ours, damaged, or newer is refused and stays as it is, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::json;

use crate::check::{ensure, no_panic, settle};
use crate::client::Client;
use crate::scale::Scale;
use crate::server::{Launch, Refusal};
use crate::unwritable::names_path_and_hint;
use crate::{Outcome, report};

/// Rows in the good file: enough for many pages.
const ROWS: usize = 400;

/// Bytes changed in one damaged copy.
const FLIPS: usize = 200;

/// Where the page size stands in the header of an SQLite file, big-endian; 1 means 65,536.
const PAGE_SIZE_FIELD: std::ops::Range<usize> = 16..18;

/// Length of the header of an SQLite file.
const HEADER: usize = 100;

/// A good file and the log of a server that was killed.
struct Original {
    /// The whole data file.
    file: Vec<u8>,
    /// The whole log.
    log: Vec<u8>,
    /// Opens the server.
    key: String,
}

/// Seven kinds of files that no server may open.
pub fn foreign_files_are_refused(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let original = original(directory.path())?;
    for (name, file, log) in kinds(directory.path(), &original)? {
        let database = directory.path().join(format!("{name}.db"));
        fs::write(&database, &file)?;
        if let Some(log) = &log {
            fs::write(log_of(&database), log)?;
        }
        let refusal = match Launch::serve(&database).start()? {
            Err(refusal) => refusal,
            Ok(server) => return Err(format!("{name}: it is served:\n{}", server.log()).into()),
        };
        refused_well(&refusal, &database)
            .map_err(|failed| format!("{name}: {}", failed.message().unwrap_or_default()))?;
        ensure(fs::read(&database)? == file, || {
            format!("{name}: the file was changed")
        })?;
        if let Some(log) = log {
            ensure(fs::read(log_of(&database))? == log, || {
                format!("{name}: the log was changed")
            })?;
        }
    }
    Ok(())
}

/// Copies with bytes changed in random places are refused, or answered with an error where the
/// damage is met.
pub fn damaged_files_are_refused(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let original = original(directory.path())?;
    let mut random = scale.random(6);
    let mut at_start = 0;
    for round in 0..scale.damage_rounds {
        let mut file = original.file.clone();
        for _ in 0..FLIPS {
            let place = random.usize(HEADER..file.len());
            file[place] ^= random.u8(1..);
        }
        let database = directory.path().join(format!("damaged{round}.db"));
        fs::write(&database, &file)?;
        match Launch::serve(&database).start()? {
            Err(refusal) => {
                refused_well(&refusal, &database)?;
                at_start += 1;
            }
            Ok(server) => {
                let client = Client::new(&server.base, &original.key);
                let status = client.list("acme").map(|answer| answer.status);
                no_panic(&server.kill()?)?;
                ensure(status != Some(200), || {
                    format!("round {round}: the damage was not met")
                })?;
            }
        }
        ensure(fs::read(&database)? == file, || {
            format!("round {round}: the file was changed")
        })?;
        fs::remove_file(&database)?;
    }
    let rounds = scale.damage_rounds;
    report(format!(
        "{rounds} files with {FLIPS} changed bytes: {at_start} refused at start"
    ));
    Ok(())
}

/// Makes a good file with rows, and a log with rows.
fn original(directory: &Path) -> Outcome<Original> {
    let database = directory.join("original.db");
    let server = Launch::serve(&database).run()?;
    let key = server.admin_key()?;
    invite(&Client::new(&server.base, &key), "stopped")?;
    server.stop()?;
    settle(&database)?;
    let file = fs::read(&database)?;
    let server = Launch::serve(&database).run()?;
    invite(&Client::new(&server.base, &key), "killed")?;
    let log = fs::read(log_of(&database))?;
    server.kill()?;
    ensure(!log.is_empty(), || {
        "no log to leave beside an empty file".to_owned()
    })?;
    Ok(Original { file, log, key })
}

/// Creates invitations, the last one right before this returns.
fn invite(client: &Client, name: &str) -> Outcome {
    for number in 0..ROWS {
        let email = format!("{name}{number}@example.com");
        let answer = client.create("acme", &json!({ "email": email, "role": "developer" }));
        let status = answer.map(|answer| answer.status);
        ensure(status == Some(201), || {
            format!("a creation is answered {status:?}")
        })?;
    }
    Ok(())
}

/// Name, bytes of the file, and bytes of the log beside it, if any.
type Kind = (&'static str, Vec<u8>, Option<Vec<u8>>);

/// The files that are not ours.
fn kinds(directory: &Path, original: &Original) -> Outcome<Vec<Kind>> {
    let good = &original.file;
    let mut zero_header = good.clone();
    zero_header[..HEADER].fill(0);
    let mut huge_page = good.clone();
    huge_page[PAGE_SIZE_FIELD].copy_from_slice(&[0, 1]);
    let truncated = good[..good.len() / 2].to_vec();
    let text = "This is a letter, not a database.\n"
        .repeat(200)
        .into_bytes();
    let newer = with_sql(
        directory,
        "newer-source",
        Some(good),
        "pragma user_version = 999",
    )?;
    let foreign = with_sql(
        directory,
        "foreign-source",
        None,
        "create table note (id integer primary key, text text); insert into note values (1, \
         'mine')",
    )?;
    Ok(vec![
        ("zero-header", zero_header, None),
        ("truncated", truncated, None),
        ("text", text, None),
        ("empty-with-log", Vec::new(), Some(original.log.clone())),
        ("foreign", foreign, None),
        ("newer", newer, None),
        ("huge-page", huge_page, None),
    ])
}

/// The bytes of a file after some SQL.
fn with_sql(directory: &Path, name: &str, start: Option<&[u8]>, sql: &str) -> Outcome<Vec<u8>> {
    let path = directory.join(name);
    if let Some(bytes) = start {
        fs::write(&path, bytes)?;
    }
    let connection = Connection::open(&path)?;
    connection.execute_batch(sql)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(fs::read(&path)?)
}

/// The path of the log beside a data file.
fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The process ended by itself with an error that names the path and says what to do.
fn refused_well(refusal: &Refusal, database: &Path) -> Outcome {
    let code = refusal.status.and_then(|status| status.code());
    ensure(code.is_some_and(|code| code != 0), || {
        format!("not a refusal: {refusal}")
    })?;
    no_panic(&refusal.stderr)?;
    names_path_and_hint(&refusal.stderr, database)
}

//! Reads and writes of a command that works beside a running server: through SQLite's own locks,
//! never around them.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use super::connection::{self, Synchronous};
use super::header::check_header;
use super::ids::IdMint;
use super::lock::{self, Taker};
use super::migration::Migrations;
use super::place::beside;
use super::refusal::by_sqlite;
use super::tally::Tally;
use super::tidy::Tidy;
use super::transaction::WriteTx;
use super::{Reader, file};
use crate::base::clock::Clock;
use crate::base::failure::Failure;
use crate::base::ids::Ids;

/// Reads an existing file.
///
/// # Errors
/// When there is no file of ours at `path`, or `read` fails.
pub fn read_file<T>(
    path: &Path,
    read: impl FnOnce(&Reader<'_>) -> crate::base::error::Result<T>,
) -> Result<T, Failure> {
    // It is dropped behind the connection.
    let _tidy = Tidy::before(path);
    let path = &existing(path)?;
    let conn = connection::open_reader(path).map_err(|error| by_sqlite(path, error))?;
    read(&Reader {
        conn: &conn,
        now: Clock::System.now(),
    })
    .map_err(|error| failed(path, &error))
}

/// Writes to an existing file, in one transaction that is durable when this returns.
///
/// # Errors
/// When there is no file of ours at `path`, or `write` fails: nothing is changed then.
pub fn write_file<T>(
    path: &Path,
    write: impl FnOnce(&WriteTx<'_>) -> crate::base::error::Result<T>,
) -> Result<T, Failure> {
    in_transaction(&existing(path)?, |tx| Ok((write(tx)?, true))).map(|(outcome, _)| outcome)
}

/// Writes to a file that nobody serves, and makes it where it is missing, in one transaction that is
/// durable when this returns. What `write` did stays only where it returns that it is to be kept;
/// otherwise there is no new file either.
///
/// # Errors
/// When a server has the file, it is none of ours, or `write` fails: nothing is changed then.
pub(crate) fn write_unserved<T>(
    path: &Path,
    write: impl FnOnce(&WriteTx<'_>) -> crate::base::error::Result<(T, bool)>,
) -> Result<T, Failure> {
    let path = &lock::locate(path)?;
    let file::Claimed {
        lock,
        folders,
        is_new,
        ..
    } = file::claim(path, Taker::Command)?;
    let outcome = in_transaction(path, write);
    if is_new && !matches!(outcome, Ok((_, true))) {
        for file in [path.clone(), beside(path, "-wal"), beside(path, "-shm")] {
            // What cannot be removed is an empty data file.
            let _ = fs::remove_file(file);
        }
        lock.undo();
        folders.remove();
    }
    outcome.map(|(outcome, _)| outcome)
}

/// Writes to the file at `path`, in one transaction that is durable when this returns. What `write`
/// did stays only where it returns that it is to be kept.
fn in_transaction<T>(
    path: &Path,
    write: impl FnOnce(&WriteTx<'_>) -> crate::base::error::Result<(T, bool)>,
) -> Result<(T, bool), Failure> {
    let unusable = |error: rusqlite::Error| by_sqlite(path, error);
    let mut conn = connection::open_writer(path, Synchronous::Full).map_err(unusable)?;
    let tally = Tally::of(&conn).map_err(unusable)?;
    let transaction = conn
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(unusable)?;
    let ids = IdMint::after(&transaction, Ids::Random);
    // A server that runs beside this finds what is new by itself, a moment later.
    let topics = Cell::new(0);
    let tx = WriteTx::new(&transaction, Clock::System.now(), &ids, &topics, &tally);
    let (outcome, is_kept) = write(&tx).map_err(|error| failed(path, &error))?;
    if is_kept {
        tally.store(&transaction).map_err(unusable)?;
        transaction.commit().map_err(unusable)?;
    }
    Ok((outcome, is_kept))
}

/// The data file that `path` names. A command never makes one: a mistyped path would look like an
/// empty one.
///
/// # Errors
/// When there is no file of ours at `path`.
pub(crate) fn existing(path: &Path) -> Result<PathBuf, Failure> {
    let path = find(path)?;
    file::prepare(&path)?;
    file::check_contents(&path, Migrations::RELEASED)?;
    Ok(path)
}

/// The same where the schema may be an earlier one of `migrations`, with its version.
///
/// # Errors
/// When there is no file of ours at `path`.
pub(crate) fn existing_of_any_version(
    path: &Path,
    migrations: Migrations,
) -> Result<(PathBuf, u32), Failure> {
    let path = find(path)?;
    check_header(&path, migrations.newest())?;
    let version = file::check_whole(&path, migrations)?;
    Ok((path, version))
}

/// The path of the file that `path` names.
///
/// # Errors
/// When there is none, or a server has another file than the one there.
fn find(path: &Path) -> Result<PathBuf, Failure> {
    let path = lock::locate(path)?;
    if file::is_present(&path)? {
        return Ok(path);
    }
    let missing = format!("there is no data file at {}", path.display());
    // A new one would be served in place of one that is missed.
    Err(if beside(&path, ".secret").exists() {
        Failure::runtime(
            format!("{missing}, and its secret is there"),
            "copy it from the server that holds it open, or restore a backup: \
             docs/troubleshooting.md says how",
        )
    } else {
        Failure::runtime(
            missing,
            "start `invited serve` once to make it, or name the right one with --database or \
             INVITED_DATABASE",
        )
    })
}

/// An error of the work itself.
fn failed(path: &Path, error: &crate::base::error::Error) -> Failure {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Failure::runtime(
        format!("{}{cause} ({})", error.detail, path.display()),
        "nothing was changed; try again",
    )
}

//! Reads and writes of a command that works beside a running server: through SQLite's own locks,
//! never around them.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::connection::{self, Synchronous};
use super::header::check_header;
use super::ids::IdMint;
use super::migration::Migrations;
use super::refusal::by_sqlite;
use super::tally::Tally;
use super::transaction::WriteTx;
use super::{Reader, file, place};
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
    let path = &existing(path)?;
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
    let outcome = write(&tx).map_err(|error| failed(path, &error))?;
    tally.store(&transaction).map_err(unusable)?;
    transaction.commit().map_err(unusable)?;
    Ok(outcome)
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
/// When there is none.
fn find(path: &Path) -> Result<PathBuf, Failure> {
    let path = place::resolve(path)?;
    if !file::is_present(&path)? {
        return Err(Failure::runtime(
            format!("there is no data file at {}", path.display()),
            "start `invited serve` once to make it, or name the right one with --database or \
             INVITED_DATABASE",
        ));
    }
    Ok(path)
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

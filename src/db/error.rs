//! SQLite's result codes to ours, in one match, never by message text.

use std::io;

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_NOMEM, SQLITE_IOERR_SHMSIZE};

use crate::base::error::{Code, Error, Result};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite keeps the system's own error to itself. It is still there, on the thread of the
        // failed call.
        let system = io::Error::last_os_error();
        let Some(kind) = error.sqlite_error_code() else {
            return of_value(error);
        };
        let extended = error.sqlite_error().map_or(0, |error| error.extended_code);
        let (code, detail) = match kind {
            ErrorCode::DiskFull => (Code::StorageFull, NO_ROOM),
            // The index of the log, which is a file as well, could not grow.
            ErrorCode::SystemIoFailure
                if extended == SQLITE_IOERR_SHMSIZE || is_lack_of_room(&system) =>
            {
                (Code::StorageFull, NO_ROOM)
            }
            ErrorCode::SystemIoFailure if extended == SQLITE_IOERR_NOMEM => {
                (Code::Overloaded, NO_MEMORY)
            }
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen
                if is_lack_of_descriptors(&system) =>
            {
                (Code::Overloaded, NO_DESCRIPTOR)
            }
            ErrorCode::SystemIoFailure => (Code::StorageFailed, "The disk reported an error."),
            ErrorCode::OutOfMemory => (Code::Overloaded, NO_MEMORY),
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                (Code::StorageFailed, "The data file cannot be written.")
            }
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed => {
                (Code::StorageBusy, "Another program holds the data file.")
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => return Self::corrupt(error),
            ErrorCode::OperationInterrupted => (
                Code::ReadTimeout,
                "The read was stopped after its time limit.",
            ),
            _ => return Self::internal(error),
        };
        Self::new(code, detail).with_cause(error)
    }
}

/// The error for a column that holds what this program never writes.
pub(crate) fn unreadable(
    column: usize,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Null, cause.into())
}

/// Steps over a row of `table` if it is damaged, so that it does not take its neighbours along.
///
/// # Errors
/// Whatever else keeps the row from being read.
pub(crate) fn unless_damaged<T>(table: &str, row: Result<T>) -> Result<Option<T>> {
    match row {
        Err(error) if error.code == Code::StorageCorrupt => {
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            log::error!("a damaged row of the table {table} is stepped over: {cause}");
            Ok(None)
        }
        row => row.map(Some),
    }
}

/// What is said when the disk, or this user's share of it, is full.
pub(crate) const NO_ROOM: &str = "The disk is full; nothing was changed.";
/// What is said when SQLite got no memory.
const NO_MEMORY: &str = "The server is out of memory; nothing was changed.";
/// What is said when the process has as many files open as it may.
const NO_DESCRIPTOR: &str =
    "The server has too many files and connections open; nothing was changed.";

/// A value in the file that is not what its column holds is damage. Anything else that has no code
/// of SQLite's is a bug.
fn of_value(error: rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::InvalidColumnType(..) => Error::corrupt(error),
        _ => Error::internal(error),
    }
}

/// Whether the system refused a write for want of room: a full disk, a quota, or a limit on the
/// size of files.
fn is_lack_of_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Whether the process, or the machine, has as many files open as it may.
fn is_lack_of_descriptors(error: &io::Error) -> bool {
    // The standard library has no kind for them: EMFILE and ENFILE, the same on Linux and on macOS.
    matches!(error.raw_os_error(), Some(23 | 24))
}

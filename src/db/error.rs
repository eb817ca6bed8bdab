//! SQLite's result codes to ours, in one match, never by message text.

use rusqlite::{ErrorCode, ffi};

use crate::error::{Code, Error};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let Some(kind) = error.sqlite_error_code() else {
            return Self::internal(error);
        };
        let (code, detail) = match kind {
            ErrorCode::DiskFull => (Code::StorageFull, "The disk is full; nothing was changed."),
            // The index of the log, which is a file as well, could not grow.
            ErrorCode::SystemIoFailure if error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE) => {
                (Code::StorageFull, "The disk is full; nothing was changed.")
            }
            ErrorCode::SystemIoFailure => (Code::StorageFailed, "The disk reported an error."),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                (Code::StorageBusy, "Another program holds the data file.")
            }
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => (Code::StorageCorrupt, "The data file is damaged."),
            ErrorCode::OperationInterrupted => (Code::ReadTimeout, "The read was stopped after its time limit."),
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                (Code::StorageFailed, "The data file cannot be written.")
            }
            _ => return Self::internal(error),
        };
        Self::new(code, detail).because(error)
    }
}

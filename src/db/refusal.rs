//! Why a data file cannot be used, for the person at the terminal: the true cause, and the command
//! that helps.
//!
//! "Damaged" is said only of what SQLite calls damaged, and "restore a backup" only then: a backup
//! that is restored over a sound file loses what was acknowledged since.

use std::io::{self, ErrorKind};
use std::path::Path;

use rustix::fs::{Access, access};

use super::place::folder;
use crate::base::error::{Code, Error};
use crate::base::failure::Failure;
use crate::base::shell::shell_word;

/// The operating system does not let this program use `path`.
pub(crate) fn by_system(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full(path),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            unusable(path, &error.to_string(), NEEDS_RIGHTS)
        }
        _ => unusable(path, &error.to_string(), NEEDS_PLACE),
    }
}

/// SQLite does not let this program use the data file at `path`.
pub(crate) fn by_sqlite(path: &Path, error: rusqlite::Error) -> Failure {
    let cause = error.to_string();
    match Error::from(error).code {
        Code::StorageBusy => busy(path),
        Code::StorageFull => full(path),
        Code::StorageCorrupt => damaged(path, &cause),
        Code::StorageFailed if access(folder(path), Access::WRITE_OK).is_err() => unusable(
            path,
            "its folder cannot be written, which SQLite needs for its log",
            NEEDS_RIGHTS,
        ),
        _ => unusable(path, &cause, NEEDS_PLACE),
    }
}

/// What helps where rights are missing.
const NEEDS_RIGHTS: &str = "this user must be able to write the file and its folder; or give a \
    path in another folder with --database";
/// What helps where the place is not fit for a data file.
const NEEDS_PLACE: &str =
    "give a path in a folder that this user can write, with --database or INVITED_DATABASE";

/// The path cannot be used at all.
pub(crate) fn unusable(path: &Path, why: &str, hint: &str) -> Failure {
    Failure::runtime(format!("cannot use {} ({why})", path.display()), hint)
}

/// The file is there, and it stays as it is.
pub(crate) fn refused(path: &Path, why: &str, hint: &str) -> Failure {
    Failure::runtime(
        format!("cannot use {} as a data file ({why})", path.display()),
        format!("the file was not touched; {hint}"),
    )
}

/// SQLite calls the file damaged.
pub(crate) fn damaged(path: &Path, why: &str) -> Failure {
    refused(
        path,
        &format!("it is damaged: {why}"),
        "restore a backup, or name another file",
    )
}

/// Another program holds the file for longer than this one waits.
fn busy(path: &Path) -> Failure {
    Failure::runtime(
        format!("another program holds the data file ({})", path.display()),
        format!(
            "end what it does there, then try again; `fuser -v {}` names it",
            shell_word(&path.to_string_lossy())
        ),
    )
}

/// There is no room.
fn full(path: &Path) -> Failure {
    Failure::runtime(
        format!("the disk is full: no room beside {}", path.display()),
        format!(
            "make room there (`df -h {}`), then try again",
            shell_word(&folder(path).to_string_lossy())
        ),
    )
}

//! The data file and what lies beside it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Finding, Setup};
use crate::db::Reader;
use crate::event;

/// Rights of others than the owner.
const OTHERS: u32 = 0o077;
/// Rights of others to write.
const OTHERS_WRITE: u32 = 0o022;
/// Bytes in a MiB.
const MIB: u64 = 1024 * 1024;
/// Free space below which writes will soon fail.
const LITTLE_SPACE: u64 = 100 * MIB;
/// Files that can be made below which writes will soon fail.
const FEW_INODES: u64 = 100;
/// Free space below which there is time to act.
const ENOUGH_SPACE: u64 = 1024 * MIB;
/// Bytes that the log has at most while nobody keeps it from being cut.
const LONG_LOG: u64 = 64 * MIB;
/// Milliseconds that the clock may be behind the newest event: synchronization moves it by less.
const BEHIND_MS: i64 = 60_000;

/// Whether only its owner can read the data file.
pub(super) fn check_mode(setup: &Setup) -> Finding {
    let name = "data_file";
    match fs::metadata(&setup.database) {
        Ok(found) if found.mode() & OTHERS != 0 => Finding::warn(
            name,
            format!(
                "others on this machine may open the data file (mode {:04o})",
                found.mode() & 0o7777
            ),
            "chmod 600 the data file and the files beside it that end in -wal and -shm",
        ),
        Ok(found) => Finding::ok(name, format!("{} MiB, private", found.len() / MIB)),
        Err(error) if error.kind() == ErrorKind::NotFound && is_missed(setup) => Finding::bad(
            name,
            "there is no data file, and its secret is there",
            "name the right one with --database or --config; where it is gone, copy it from the \
             server that holds it open, or restore a backup, as docs/troubleshooting.md says",
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Finding::bad(
            name,
            "there is no data file",
            "name the right one with --database or --config, or start `invited serve` once to make \
             it",
        ),
        Err(error) => Finding::bad(
            name,
            format!("the data file cannot be looked at ({})", error.kind()),
            "run this as the user that the server runs as",
        ),
    }
}

/// Whether a data file was there once: its secret is.
fn is_missed(setup: &Setup) -> bool {
    setup.secret.as_ref().is_some_and(|path| path.exists())
}

/// Whether the secret is there, and its owner's alone.
pub(super) fn check_secret(setup: &Setup) -> Finding {
    let name = "secret";
    let Some(path) = &setup.secret else {
        return Finding::ok(name, "given by INVITED_SECRET");
    };
    let private = "chmod 600 the secret file";
    match fs::metadata(path) {
        Ok(found) if found.mode() & OTHERS_WRITE != 0 => Finding::bad(
            name,
            "others on this machine may write the secret file: the server will not start with it",
            format!("make sure that nobody has, then {private}"),
        ),
        Ok(found) if found.mode() & OTHERS != 0 => Finding::warn(
            name,
            format!(
                "others on this machine may read the secret file (mode {:04o})",
                found.mode() & 0o7777
            ),
            format!("{private}; where somebody may have read it, `invited secret rotate`"),
        ),
        Ok(_) => Finding::ok(name, "in a file of its own, private"),
        Err(error) if error.kind() == ErrorKind::NotFound && !setup.database.exists() => {
            Finding::ok(
                name,
                "none yet: the first start makes it with the data file",
            )
        }
        Err(error) => Finding::bad(
            name,
            format!("the secret file cannot be looked at ({error})"),
            "put the secret back that belongs to the data file: no link works without it. A file \
             that was imported gets one at the next start",
        ),
    }
}

/// How much there is of what grows, in bytes. None: it cannot be told.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sizes {
    /// The data file.
    pub file: Option<u64>,
    /// Its log.
    pub log: Option<u64>,
    /// What is free on the disk of the data file.
    pub free: Option<u64>,
}

/// Looks how large the data file and its log are, and how much space is left.
pub(crate) fn measure(setup: &Setup) -> Sizes {
    Sizes {
        file: fs::metadata(&setup.database).ok().map(|found| found.len()),
        log: log_bytes(setup),
        free: free_bytes(setup),
    }
}

/// How many bytes the log of the data file has.
fn log_bytes(setup: &Setup) -> Option<u64> {
    let mut path = setup.database.as_os_str().to_owned();
    path.push("-wal");
    fs::metadata(PathBuf::from(path))
        .ok()
        .map(|found| found.len())
}

/// How many bytes are free on the disk of the data file.
fn free_bytes(setup: &Setup) -> Option<u64> {
    let found = rustix::fs::statvfs(folder_of(setup)).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Whether there is space for the file to grow, and for a copy of it.
pub(super) fn check_disk(setup: &Setup) -> Finding {
    let name = "disk";
    let Some(free) = free_bytes(setup) else {
        return Finding::warn(
            name,
            "how much space is free cannot be told",
            "look with `df` at the disk of the data file",
        );
    };
    let file = fs::metadata(&setup.database).map_or(0, |found| found.len());
    match free_inodes(setup) {
        Some(inodes) if inodes < FEW_INODES => Finding::bad(
            name,
            format!("{inodes} more files can be made on the disk"),
            "remove files from the disk of the data file (`df -i`), or move the data file",
        ),
        _ => judge_space(free, file),
    }
}

/// How many files can be made on the disk of the data file; none: it has no such limit.
fn free_inodes(setup: &Setup) -> Option<u64> {
    let found = rustix::fs::statvfs(folder_of(setup)).ok()?;
    (found.f_files > 0).then_some(found.f_favail)
}

/// The folder of the data file.
fn folder_of(setup: &Setup) -> &Path {
    let folder = setup.database.parent();
    folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Whether `free` bytes are enough for a data file of `file` bytes.
fn judge_space(free: u64, file: u64) -> Finding {
    let name = "disk";
    let detail = format!("{} MiB are free", free / MIB);
    let fix = "make room on the disk of the data file, or move the file to a larger one";
    if free < LITTLE_SPACE {
        Finding::bad(name, detail, fix)
    } else if free < ENOUGH_SPACE {
        Finding::warn(name, detail, fix)
    } else if free < file {
        let detail = format!(
            "{detail}, fewer than the data file has ({} MiB): a restore needs as many",
            file / MIB
        );
        Finding::warn(name, detail, fix)
    } else {
        Finding::ok(name, detail)
    }
}

/// Whether the log is cut.
pub(super) fn check_log(setup: &Setup) -> Finding {
    let bytes = log_bytes(setup).unwrap_or_default();
    let detail = format!("the log of the data file has {} MiB", bytes / MIB);
    if bytes > LONG_LOG {
        let fix = "end the program besides the server that reads the data file without an end";
        Finding::warn("log", detail, fix)
    } else {
        Finding::ok("log", detail)
    }
}

/// Which schema the file has. One that is not this program's was refused before.
pub(super) fn check_schema(reader: &Reader<'_>) -> Finding {
    match reader.schema_version() {
        Ok(version) => Finding::ok("schema", format!("schema version {version}")),
        Err(error) => unreadable("schema", &error),
    }
}

/// Whether the clock is where it was when the newest event happened, or later.
pub(super) fn check_clock(reader: &Reader<'_>) -> Finding {
    let newest = match event::store::find_newest_time(reader) {
        Ok(newest) => newest,
        Err(error) => return unreadable("clock", &error),
    };
    let behind_ms = newest.map_or(0, |newest| newest.as_millis() - reader.now.as_millis());
    if behind_ms > BEHIND_MS {
        let seconds = behind_ms / 1000;
        let detail = format!("the clock is {seconds} s behind the newest event");
        let fix = "set the clock of this machine, and keep it set (NTP)";
        Finding::bad("clock", detail, fix)
    } else {
        Finding::ok("clock", format!("it is {}", reader.now))
    }
}

/// The file cannot be read.
pub(super) fn unreadable(name: &'static str, error: &crate::base::error::Error) -> Finding {
    let detail = format!("the data file cannot be read: {}", error.detail);
    Finding::bad(name, detail, "look at the log of the server")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn little_space_is_told_before_there_is_none() {
        for (free, file, state) in [
            (0, 0, Severity::Bad),
            (100 * MIB - 1, 0, Severity::Bad),
            (100 * MIB, 0, Severity::Warn),
            (1024 * MIB - 1, 0, Severity::Warn),
            (1024 * MIB, 1024 * MIB, Severity::Ok),
            (1024 * MIB, 1024 * MIB + 1, Severity::Warn),
        ] {
            assert_eq!(judge_space(free, file).state, state, "{free} {file}");
        }
    }
}

//! The copy of a data file from before it is brought up to date.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::backup::part::{Part, beside, cannot_write};
use crate::base::clock::Clock;
use crate::base::failure::Failure;
use crate::db::COPY_SUFFIX;

/// Bytes that are compared at a time.
const PIECE: usize = 64 * 1024;

/// The name of the copy of the file at `path` from before the schema `version`.
pub(super) fn name(path: &Path, version: u32) -> PathBuf {
    beside(path, &format!("{COPY_SUFFIX}{version}"))
}

/// Keeps the copy in `part` as `place`. Nothing is replaced: a copy that is there and equal is used
/// again, and otherwise the time stands behind the name. Returns where the copy is.
///
/// # Errors
/// When it cannot be renamed.
pub(super) fn keep(part: Part, place: PathBuf) -> Result<PathBuf, Failure> {
    if fs::symlink_metadata(&place).is_err() {
        part.finish(&place, false)?;
        return Ok(place);
    }
    if is_equal(part.path(), &place).unwrap_or(false) {
        return Ok(place);
    }
    let now = Clock::System.now().to_string();
    let digits: String = now.chars().filter(char::is_ascii_alphanumeric).collect();
    let place = beside(&place, &format!("-{digits}"));
    part.finish(&place, false)?;
    Ok(place)
}

/// Whether the file at `place` may be the copy of one of `bytes`.
pub(super) fn is_like(place: &Path, bytes: u64) -> bool {
    fs::symlink_metadata(place).is_ok_and(|found| found.is_file() && found.len() == bytes)
}

/// Whether two files hold the same.
fn is_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if !other.metadata()?.is_file() || one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let [mut one, mut other] = [one, other].map(|file| BufReader::with_capacity(PIECE, file));
    let [mut left, mut right] = [const { [0; 4096] }; 2];
    loop {
        let count = one.read(&mut left)?;
        other.read_exact(&mut right[..count])?;
        if count == 0 || left[..count] != right[..count] {
            return Ok(count == 0);
        }
    }
}

/// How many bytes are free on the disk of the file at `path`; none: that cannot be told.
pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Removes the log of the copy at `path`, if there is one.
///
/// # Errors
/// When it cannot be removed.
pub(super) fn remove_log(path: &Path) -> Result<(), Failure> {
    for log in ["-wal", "-shm"].map(|suffix| beside(path, suffix)) {
        match fs::remove_file(&log) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(cannot_write(&log, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

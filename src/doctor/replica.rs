//! A replica by Litestream, as far as its folder beside the data file tells of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, Setup};
use crate::base::clock::Timestamp;

/// How many seconds Litestream may be behind the last write.
const LAG_SECONDS: i64 = 60;
/// After so long the replica is of little use.
const LONG_LAG_SECONDS: i64 = 60 * 60;
/// The most folders that are looked into: Litestream has a few.
const MOST_FOLDERS: usize = 1_000;

/// Whether Litestream has what was written last. Whether it has handed that on, it alone knows.
pub(super) fn check(setup: &Setup) -> Finding {
    let name = "replica";
    let Some(synced) = newest_in(&folder_of(&setup.database)) else {
        return Finding::ok(name, "Litestream has no folder beside the data file");
    };
    let log = with_suffix(&setup.database, "-wal");
    let written = [&setup.database, &log].map(|path| modified(path));
    let written = written.into_iter().flatten().max().unwrap_or(synced);
    judge((written.as_millis() - synced.as_millis()) / 1000)
}

/// Whether Litestream may be so far behind.
fn judge(seconds: i64) -> Finding {
    let name = "replica";
    let detail = format!("Litestream is {seconds} s behind the last write to the data file");
    let fix = "see that Litestream runs (systemctl status litestream) and what it logs; restart it";
    if seconds >= LONG_LAG_SECONDS {
        Finding::bad(name, detail, fix)
    } else if seconds >= LAG_SECONDS {
        Finding::warn(name, detail, fix)
    } else {
        Finding::ok(name, "Litestream has what was written last")
    }
}

/// Where Litestream keeps what it knows of a data file.
fn folder_of(database: &Path) -> PathBuf {
    let name = database.file_name().unwrap_or_default().to_string_lossy();
    database.with_file_name(format!(".{name}-litestream"))
}

/// When anything in `folder` or below it was written last; none: there is nothing.
fn newest_in(folder: &Path) -> Option<Timestamp> {
    let (mut folders, mut newest) = (vec![folder.to_owned()], None);
    for _ in 0..MOST_FOLDERS {
        let Some(entries) = folders.pop().and_then(|folder| fs::read_dir(folder).ok()) else {
            break;
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else {
                newest = newest.max(modified(&path));
            }
        }
    }
    newest
}

/// When a file was written last.
fn modified(path: &Path) -> Option<Timestamp> {
    Timestamp::of_last_write(&fs::metadata(path).ok()?)
}

/// `path` with `suffix` behind its name.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

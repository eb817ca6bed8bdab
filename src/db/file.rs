//! Decides whether a path is ours to open, and makes a new file whole or not at all.
//!
//! A file that is not ours, damaged, or of a newer version is refused untouched: it is looked at
//! through a read-only connection, which neither writes nor moves a log. One server has the file at
//! a time ([`Lock`]).
//!
//! Every path here is one that [`resolve`](super::place::resolve) returned.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::header::{SCHEMA_VERSION, check_header, older};
use super::lock::{Lock, Taker};
use super::migration::Migrations;
use super::place::{adopt, beside, folder};
use super::refusal::{by_sqlite, by_system, damaged, refused};
use super::{connection, schema};
use crate::base::failure::Failure;
use crate::base::shell::shell_word;

/// The first SQLite without the bug by which a reset log could corrupt a file under a checkpointing
/// thread.
const OLDEST_SQLITE: i32 = 3_051_003;
/// Files up to this size in bytes are checked whole at start, which takes a few milliseconds.
/// Damage in a larger one is answered where a read meets it.
const CHECKED_WHOLE: u64 = 16 * 1024 * 1024;
/// Rights by which others may write.
const OTHERS_WRITE: u32 = 0o022;
/// Rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Takes the right to serve the file at `path`, and makes sure that it is whole and ours. A start
/// that fails leaves nothing behind.
///
/// # Errors
/// When the path cannot be used, is being served, or holds what this program did not make.
pub(crate) fn claim(path: &Path, taker: Taker) -> Result<Claimed, Failure> {
    // What is refused is refused before anything is made, the lock file included.
    if is_present(path)? {
        check_header(path, SCHEMA_VERSION)?;
    }
    let folders = NewFolders::make(path)?;
    match claim_in_folder(path, taker) {
        Ok((lock, is_new, notice)) => Ok(Claimed {
            lock,
            folders,
            is_new,
            notice,
        }),
        Err(failure) => {
            folders.remove();
            Err(failure)
        }
    }
}

/// The folders that were made for a file, innermost first.
pub(crate) struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    /// Makes the folder of the file at `path` and those above it, for their owner alone, where they
    /// are missing.
    ///
    /// # Errors
    /// When one cannot be made: none is left then.
    pub(crate) fn make(path: &Path) -> Result<Self, Failure> {
        let missing = path.ancestors().skip(1).map(Path::to_owned);
        let folders = Self(missing.take_while(|folder| !folder.exists()).collect());
        match create_folder(path) {
            Ok(()) => Ok(folders),
            Err(failure) => {
                folders.remove();
                Err(failure)
            }
        }
    }

    /// Removes them again.
    pub(crate) fn remove(self) {
        for folder in self.0 {
            // One that is not empty is somebody else's by now.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A file that nobody else has.
pub(crate) struct Claimed {
    /// The right to it.
    pub lock: Lock,
    /// The folders that were made for it.
    pub folders: NewFolders,
    /// Whether it was made just now: nobody else has written to it.
    pub is_new: bool,
    /// What the person at the terminal is to be told of it.
    pub notice: Option<String>,
}

/// What is told of a new file beside the secret of an older one.
fn replacement(path: &Path) -> Option<String> {
    let secret = beside(path, ".secret");
    let told = "a new, empty data file was made, though there is a secret beside it: was there \
        an older one?";
    secret.exists().then(|| told.to_owned())
}

/// Takes the right to serve the file at `path`, whose folder is there. Returns it with whether the
/// file was made, and what is to be told of it.
fn claim_in_folder(path: &Path, taker: Taker) -> Result<(Lock, bool, Option<String>), Failure> {
    let lock = Lock::take(path, taker)?;
    // Somebody who had the lock before may have made it a moment ago.
    let prepared = is_present(path).and_then(|is_there| {
        prepare(path)?;
        check_contents(path, Migrations::RELEASED)?;
        Ok(!is_there)
    });
    match prepared {
        Ok(is_new) => {
            let private = make_private(path);
            let notice = if is_new { replacement(path) } else { private };
            Ok((lock, is_new, notice))
        }
        Err(failure) => {
            lock.undo();
            Err(failure)
        }
    }
}

/// Makes sure that there is a file of ours at `path`: looks at the one that is there, or makes a
/// new one.
///
/// # Errors
/// When the path cannot be used, or holds what this program did not make.
pub(crate) fn prepare(path: &Path) -> Result<(), Failure> {
    if is_present(path)? {
        check_header(path, SCHEMA_VERSION).map(drop)
    } else {
        create(path)
    }
}

/// Whether there is something at `path`. An empty file counts as nothing, as `touch` and `mktemp`
/// leave it.
///
/// # Errors
/// When what is there can be no data file, or must not be one.
pub(crate) fn is_present(path: &Path) -> Result<bool, Failure> {
    let length = match fs::metadata(path) {
        Ok(metadata) => {
            check_kind(path, &metadata)?;
            metadata.len()
        }
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(by_system(path, &error)),
    };
    if length == 0 && fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        let hint =
            "bring back the file that the log belongs to, or give another path with --database";
        return Err(refused(
            path,
            "the file is missing or empty, but its log (-wal) is there",
            hint,
        ));
    }
    Ok(length > 0)
}

/// Checks what can be seen of a file from outside. A file with two names has two logs, and whoever
/// serves it by both damages it.
///
/// # Errors
/// When it can be no data file, or must not be one.
pub(crate) fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
    let (place, file) = (
        shell_word(&folder(path).to_string_lossy()),
        shell_word(&path.to_string_lossy()),
    );
    let (why, hint) = if metadata.is_dir() {
        (
            "it is a directory",
            "give the path of a file in it with --database".to_owned(),
        )
    } else if !metadata.is_file() {
        (
            "it is no regular file",
            "give another path with --database".to_owned(),
        )
    } else if metadata.nlink() > 1 {
        (
            "it has more than one name",
            format!("remove the others; `find {place} -samefile {file}` shows those nearby"),
        )
    } else if is_mounted_alone(path) {
        (
            "it is mounted as a single file",
            "its log would lie outside of the mount: mount its folder instead".to_owned(),
        )
    } else if metadata.len() > 0
        && metadata.mode() & OTHERS_WRITE != 0
        && keeps_rights(folder(path))
    {
        (
            "others on this machine may write it",
            format!("make sure that nobody has, then: chmod 600 {file}"),
        )
    } else {
        return Ok(());
    };
    Err(refused(path, why, &hint))
}

/// Whether rights mean anything in a folder: some shares show the same ones for every file, and
/// keep none.
fn keeps_rights(folder: &Path) -> bool {
    // 0600, as every temporary file.
    let probe =
        tempfile::NamedTempFile::new_in(folder).and_then(|probe| probe.as_file().metadata());
    probe.map_or(true, |probe| probe.mode() & OTHERS == 0)
}

/// Whether the file itself, and not only a folder above it, is mounted at its place.
#[cfg(target_os = "linux")]
fn is_mounted_alone(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(
        CWD,
        path,
        AtFlags::SYMLINK_NOFOLLOW,
        StatxFlags::BASIC_STATS,
    );
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Only Linux mounts single files.
#[cfg(not(target_os = "linux"))]
fn is_mounted_alone(_: &Path) -> bool {
    false
}

/// Makes a file that others may read private, with its log: SQLite gives the log the rights of the
/// file. Returns what was done, or what has to be.
fn make_private(path: &Path) -> Option<String> {
    let mode = fs::metadata(path).ok()?.mode();
    if mode & OTHERS == 0 {
        return None;
    }
    for suffix in ["", "-wal", "-shm"] {
        // A log that is missing will be made with the rights of the file.
        let _ = fs::set_permissions(beside(path, suffix), Permissions::from_mode(mode & 0o700));
    }
    let is_private = fs::metadata(path).is_ok_and(|metadata| metadata.mode() & OTHERS == 0);
    Some(if is_private {
        format!(
            "others on this machine could read the data file: it was {:o}, and is private now",
            mode & 0o777
        )
    } else {
        let file = shell_word(&path.to_string_lossy());
        format!("others on this machine may read the data file; its owner should chmod 600 {file}")
    })
}

/// Makes the folder of the file, for its owner alone. Does nothing where it is.
///
/// # Errors
/// When it cannot be made.
fn create_folder(path: &Path) -> Result<(), Failure> {
    let folder = folder(path);
    if folder.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| sync_folder(self::folder(folder)));
    made.map_err(|error| by_system(folder, &error))
}

/// Makes a new file: whole under another name, then renamed, so that no crash leaves half of one.
/// The lock is held, so what has that name already was left by a crash.
fn create(path: &Path) -> Result<(), Failure> {
    let unfinished = beside(path, ".new");
    remove_unfinished(&unfinished)?;
    let made = create_as(&unfinished, path);
    if made.is_err() {
        // The cause is told already.
        let _ = remove_unfinished(&unfinished);
    }
    made
}

/// Makes a new file as `unfinished`, and gives it its name.
fn create_as(unfinished: &Path, path: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| by_system(path, &error);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(unfinished)
        .map_err(failed)?;
    fill(unfinished, path)?;
    // What root makes is its server's.
    adopt(&file, folder(path)).map_err(failed)?;
    let renamed = file
        .sync_all()
        .and_then(|()| fs::rename(unfinished, path))
        .and_then(|()| sync_folder(folder(path)));
    renamed.map_err(failed)
}

/// Removes what a crash or a failure left of a new file.
fn remove_unfinished(unfinished: &Path) -> Result<(), Failure> {
    for leftover in ["-journal", "-wal", "-shm", ""].map(|suffix| beside(unfinished, suffix)) {
        if let Err(error) = fs::remove_file(&leftover)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(by_system(&leftover, &error));
        }
    }
    Ok(())
}

/// Puts the schema into the empty file `unfinished`, which is to be the one at `path`.
fn fill(unfinished: &Path, path: &Path) -> Result<(), Failure> {
    let failed = |error| by_sqlite(path, error);
    let conn = Connection::open(unfinished).map_err(failed)?;
    let schema = concat!("begin;", include_str!("../../schema.sql"), "commit");
    conn.execute_batch(schema).map_err(failed)?;
    conn.pragma_update(None, "user_version", SCHEMA_VERSION)
        .map_err(failed)?;
    conn.pragma_update(None, "journal_mode", "wal")
        .map_err(failed)?;
    conn.close().map_err(|(_, error)| failed(error))
}

/// Makes names in a folder durable.
///
/// # Errors
/// When they cannot be synced.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Looks at the file through SQLite, as [`check_whole`] does. Its schema must be the present one.
///
/// # Errors
/// When the file cannot be read, is damaged, or its schema is not ours or an earlier one.
pub(crate) fn check_contents(path: &Path, migrations: Migrations) -> Result<(), Failure> {
    let (version, newest) = (check_whole(path, migrations)?, migrations.newest());
    if version < newest {
        return Err(older(path, version, newest));
    }
    Ok(())
}

/// Looks at the file through SQLite: its version, the schema that `migrations` make of that
/// version, and for a small file every page. Returns the version.
///
/// # Errors
/// When the file cannot be read, is damaged, or its schema is not ours.
pub(crate) fn check_whole(path: &Path, migrations: Migrations) -> Result<u32, Failure> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Failure::runtime(
            format!(
                "this program was built with SQLite {}, which can corrupt its log",
                rusqlite::version()
            ),
            "build it with SQLite 3.51.3 or newer",
        ));
    }
    let failed = |error| by_sqlite(path, error);
    let conn = connection::open_reader(path).map_err(failed)?;
    let version = schema::check(&conn, path, migrations)?;
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() <= CHECKED_WHOLE) {
        let verdict: String = conn
            .query_row("pragma quick_check(1)", [], |row| row.get(0))
            .map_err(failed)?;
        if verdict != "ok" {
            return Err(damaged(path, verdict.lines().last().unwrap_or_default()));
        }
    }
    Ok(version)
}

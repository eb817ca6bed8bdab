//! Decides whether a path is ours to open, and makes a new file whole or not at all.
//!
//! A file that is not ours, damaged, or of a newer version is refused untouched: it is looked at through a read-only
//! connection, which neither writes nor moves a log. One server has the file at a time, held by a lock file beside it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::connection;
use crate::failure::Failure;

/// `pragma application_id` of our files: "invd".
const APPLICATION_ID: u32 = 0x696e_7664;
/// The schema version that this program writes: one step a release that changed it.
const SCHEMA_VERSION: u32 = 1;
/// The first SQLite without the bug by which a reset log could corrupt a file under a checkpointing thread.
const OLDEST_SQLITE: i32 = 3_051_003;
/// Files up to this size in bytes are checked whole at start, which takes a few milliseconds. Damage in a larger one is
/// answered where a read meets it.
const CHECKED_WHOLE: u64 = 16 * 1024 * 1024;
/// Bytes of the header of an SQLite file.
const HEADER: usize = 100;

/// The right to serve a file, held until dropped or until the process dies.
pub struct Lock {
    /// The locked lock file, with our process id in it.
    _file: File,
}

impl Lock {
    /// Takes the right to serve the file at `path`.
    ///
    /// # Errors
    /// When another process has it, or the lock file cannot be written.
    fn take(path: &Path) -> Result<Self, Failure> {
        let lock_path = beside(path, ".lock");
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&lock_path);
        let mut file = opened.map_err(|error| unusable(&lock_path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(unusable(&lock_path, &error)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|error| unusable(&lock_path, &error))?;
        Ok(Self { _file: file })
    }
}

/// What is said when another server has the file.
fn held(path: &Path, lock: &mut File) -> Failure {
    // The holder may have locked the file this very moment, and not have written its id yet.
    std::thread::sleep(Duration::from_millis(50));
    let mut holder = String::new();
    let holder = match lock.read_to_string(&mut holder) {
        Ok(1..) => format!("process {}", holder.trim()),
        _ => "another process".to_owned(),
    };
    Failure::runtime(
        format!("the data file is being served by {holder} ({})", path.display()),
        "stop that server first, or give this one a file of its own with --database",
    )
}

/// Takes the right to serve the file at `path`, and makes sure that it is whole and ours.
///
/// # Errors
/// When the path cannot be used, is being served, or holds what this program did not make.
pub fn claim(path: &Path) -> Result<Lock, Failure> {
    // What is refused is refused before anything is made, the lock file included.
    if is_present(path)? {
        check_header(path)?;
    } else {
        create_folder(path)?;
    }
    let lock = Lock::take(path)?;
    prepare(path)?;
    check_contents(path)?;
    Ok(lock)
}

/// Makes sure that there is a file of ours at `path`: looks at the one that is there, or makes a new one with its folder.
///
/// # Errors
/// When the path cannot be used, or holds what this program did not make.
pub fn prepare(path: &Path) -> Result<(), Failure> {
    if is_present(path)? { check_header(path) } else { create(path) }
}

/// Whether there is something at `path`. An empty file counts as nothing, as `touch` and `mktemp` leave it.
pub fn is_present(path: &Path) -> Result<bool, Failure> {
    let length = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(refused(path, "it is a directory")),
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(unusable(path, &error)),
    };
    if length == 0 && fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(refused(path, "the file is missing or empty, but its log (-wal) is there"));
    }
    Ok(length > 0)
}

/// Makes the folder of the file, for its owner alone. Does nothing where it is.
fn create_folder(path: &Path) -> Result<(), Failure> {
    let folder = folder(path);
    if folder.is_dir() {
        return Ok(());
    }
    let made =
        DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| sync_folder(self::folder(folder)));
    made.map_err(|error| unusable(folder, &error))
}

/// Makes a new file: whole under another name, then renamed, so that no crash leaves half of one. The lock is held, so what
/// has that name already was left by a crash.
fn create(path: &Path) -> Result<(), Failure> {
    let unfinished = beside(path, ".new");
    for leftover in [beside(path, ".new-journal"), beside(path, ".new-wal"), unfinished.clone()] {
        if let Err(error) = fs::remove_file(&leftover)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(unusable(&leftover, &error));
        }
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
    let file = file.map_err(|error| unusable(&unfinished, &error))?;
    fill(&unfinished).map_err(|error| unusable(&unfinished, &*error))?;
    let renamed = file.sync_all().and_then(|()| fs::rename(&unfinished, path)).and_then(|()| sync_folder(folder(path)));
    renamed.map_err(|error| unusable(path, &error))
}

/// Puts the schema into an empty file.
fn fill(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut conn = Connection::open(path)?;
    migrations().to_latest(&mut conn)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Makes names in a folder durable.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Looks at the file without SQLite: rights, header, application id, schema version, length.
fn check_header(path: &Path) -> Result<(), Failure> {
    let mut header = [0; HEADER];
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| unusable(path, &error))?;
    let length = file.metadata().map_err(|error| unusable(path, &error))?.len();
    let is_sqlite = file.read_exact(&mut header).is_ok() && header.starts_with(b"SQLite format 3\0");
    if !is_sqlite {
        return Err(refused(path, "it is not an SQLite file"));
    }
    let field = |offset: usize| {
        u32::from_be_bytes([header[offset], header[offset + 1], header[offset + 2], header[offset + 3]])
    };
    if field(68) != APPLICATION_ID {
        return Err(refused(path, "it is an SQLite file of another program"));
    }
    if field(60) > SCHEMA_VERSION {
        let what = format!(
            "the data file has schema version {}, newer than this program's {SCHEMA_VERSION} ({})",
            field(60),
            path.display()
        );
        return Err(Failure::runtime(what, "use the newer version of invited that made it; the file was not touched"));
    }
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    if !has_log && length < page * u64::from(field(28)) {
        return Err(refused(path, "it is shorter than its header says"));
    }
    Ok(())
}

/// Looks at the file through SQLite: its version, the schema's text, and for a small file every page.
///
/// # Errors
/// When the file is damaged or its schema is not ours.
pub fn check_contents(path: &Path) -> Result<(), Failure> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Failure::runtime(
            format!("this program was built with SQLite {}, which can corrupt its log", rusqlite::version()),
            "build it with SQLite 3.51.3 or newer",
        ));
    }
    let damaged = |error: rusqlite::Error| refused(path, &format!("it is damaged: {error}"));
    let conn = connection::open_reader(path).map_err(damaged)?;
    if schema_text(&conn).map_err(damaged)? != expected_schema().map_err(damaged)? {
        return Err(refused(path, "its tables are not the ones that this program makes"));
    }
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() <= CHECKED_WHOLE) {
        let verdict: String = conn.query_row("pragma quick_check(1)", [], |row| row.get(0)).map_err(damaged)?;
        if verdict != "ok" {
            return Err(refused(path, &format!("it is damaged: {}", verdict.lines().last().unwrap_or_default())));
        }
    }
    Ok(())
}

/// The steps that bring a file to the present schema.
fn migrations() -> Migrations<'static> {
    Migrations::new(vec![M::up(include_str!("../../schema.sql"))])
}

/// Every definition in the file, in a fixed order, without comments and spacing: those may change without a migration.
fn schema_text(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let query = "select coalesce(sql, name) from sqlite_schema where name not like 'sqlite_stat%' order by type, name";
    let mut definitions = conn.prepare(query)?;
    let bare = |sql: String| {
        let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
        lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    definitions.query_map([], |row| row.get(0).map(bare))?.collect()
}

/// The definitions of a new file.
fn expected_schema() -> rusqlite::Result<Vec<String>> {
    let conn = Connection::open_in_memory()?;
    conn.execute_batch(include_str!("../../schema.sql"))?;
    schema_text(&conn)
}

/// The folder that holds `path`.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `path` with `suffix` at its end.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The path cannot be used at all.
pub fn unusable(path: &Path, why: &(dyn std::error::Error + 'static)) -> Failure {
    // The last cause is the one that a person can do something about.
    let root = std::iter::successors(Some(why), |error| error.source()).last().unwrap_or(why);
    Failure::runtime(
        format!("cannot use {} ({root})", path.display()),
        "give a path in a folder that this user can write and that has space, with --database or INVITED_DATABASE",
    )
}

/// There is a file, and it stays as it is.
fn refused(path: &Path, why: &str) -> Failure {
    Failure::runtime(
        format!("cannot use {} as a data file ({why})", path.display()),
        "the file was not touched; restore a backup, or give another path with --database",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_version_is_the_number_of_migrations() {
        assert_eq!(migrations().validate(), Ok(()));
        let mut conn = Connection::open_in_memory().expect("memory");
        migrations().to_latest(&mut conn).expect("migrates");
        let version: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).expect("reads");
        assert_eq!(version, SCHEMA_VERSION);
    }
}

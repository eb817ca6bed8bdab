//! Opens connections. Pragmas are per connection, so this is the only place that calls SQLite's
//! open.

use std::path::Path;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Result};

/// How long a connection waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of a reader, in negative KiB: the inner pages of a million invitations are half of
/// it, so that a read of one fetches the page that it is on. The pool hands out the connection that
/// was used last, so few of them ever fill theirs.
const READER_CACHE: i64 = -8000;
/// Page cache of the writer, in negative KiB: the inner pages of the trees that a create changes.
/// More gained nothing.
const WRITER_CACHE: i64 = -4_000;
/// Bytes that a log keeps when it is started over.
const LOG_LIMIT: i64 = 64 * 1024 * 1024;
/// Bytes of a file that are mapped into memory where nobody writes it: as many as SQLite admits.
const MAPPED: i64 = 0x7fff_0000;
/// Prepared statements kept per connection: more than the program has.
const STATEMENTS: usize = 64;

/// How a commit reaches the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// The log is synced before a commit is answered: an acknowledged write survives a power cut.
    #[default]
    Full,
    /// The log is synced only by checkpoints. No setting chooses this: it is the control of the
    /// power-loss test, which must see it lose.
    Normal,
}

/// Opens the file for writing. It must exist.
pub(crate) fn open_writer(path: &Path, synchronous: Synchronous) -> Result<Connection> {
    let mut conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set_pragmas(&mut conn)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(
        None,
        "synchronous",
        if synchronous == Synchronous::Full {
            "full"
        } else {
            "normal"
        },
    )?;
    conn.pragma_update(None, "cache_size", WRITER_CACHE)?;
    // What is deleted is overwritten at once. From the first byte of the file on: `scrub` relies on
    // it. Only what frees whole pages pays for it, with a write of each; a create frees none.
    conn.pragma_update(None, "secure_delete", true)?;
    // A row that another one replaces is counted as deleted.
    conn.pragma_update(None, "recursive_triggers", true)?;
    // The checkpoint thread does it: a commit that also moves a thousand pages would be a slow
    // commit.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(conn)
}

/// Opens the file for reading only.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let mut conn = Connection::open_with_flags(path, reader_flags())?;
    set_reader_pragmas(&mut conn)?;
    Ok(conn)
}

/// Opens a file for reading that nobody writes and that has no log. Nothing is written beside it.
pub(crate) fn open_immutable(path: &Path) -> Result<Connection> {
    let escaped = percent_encoding::percent_encode(
        path.as_os_str().as_encoded_bytes(),
        percent_encoding::NON_ALPHANUMERIC,
    );
    let mut conn = Connection::open_with_flags(
        format!("file:{escaped}?immutable=1"),
        reader_flags() | OpenFlags::SQLITE_OPEN_URI,
    )?;
    set_reader_pragmas(&mut conn)?;
    // Nobody writes it, so what speaks against this elsewhere does not here. A check reads in an
    // order of its own, and most of its time would be calls to the system.
    conn.pragma_update(None, "mmap_size", MAPPED)?;
    Ok(conn)
}

/// Opens a file in memory without a schema.
pub(crate) fn open_nothing() -> Result<Connection> {
    Connection::open_in_memory()
}

/// Opens a file in memory that is as a new one: with the present schema, and nothing in it.
pub(crate) fn open_in_memory() -> Result<Connection> {
    let conn = open_nothing()?;
    conn.execute_batch(include_str!("../../schema.sql"))?;
    Ok(conn)
}

/// Opens a temporary file that is as a new one. It is nobody else's, and SQLite removes it with the
/// connection; the system does where the process ends before.
pub(crate) fn open_temporary() -> Result<Connection> {
    let conn = Connection::open("")?;
    conn.execute_batch(include_str!("../../schema.sql"))?;
    conn.pragma_update(None, "foreign_keys", false)?;
    Ok(conn)
}

/// Has SQLite remove the log and its index, where nobody else has the file at `path` open: the last
/// connection that may write does so as it goes, and one that only reads cannot. Returns at once
/// where somebody has.
pub(crate) fn remove_log(path: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    set_pragmas(&mut conn)?;
    // It has no part in the log before it has read something.
    conn.query_row("pragma schema_version", [], |_| Ok(()))?;
    conn.close().map_err(|(_, error)| error)
}

/// What the pool opens its connections with.
pub(crate) fn reader_manager(path: &Path) -> SqliteConnectionManager {
    SqliteConnectionManager::file(path)
        .with_flags(reader_flags())
        .with_init(set_reader_pragmas)
}

/// Flags of a connection that only reads.
fn reader_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Pragmas of a connection that only reads.
fn set_reader_pragmas(conn: &mut Connection) -> Result<()> {
    set_pragmas(conn)?;
    // No statement can change what SQLite keeps for itself. The writer does: it scrubs pages.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.pragma_update(None, "cache_size", READER_CACHE)?;
    conn.pragma_update(None, "query_only", true)
}

/// Pragmas of every connection.
fn set_pragmas(conn: &mut Connection) -> Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without this a bound limit makes SQLite compile the cached statement of a list anew each
    // time.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // What does not fit a statement's memory goes to no temporary file: there may be no place and
    // no descriptor for one, and nothing would erase it.
    conn.pragma_update(None, "temp_store", "memory")?;
    // A hostile file cannot make its own functions and views run.
    conn.pragma_update(None, "trusted_schema", false)?;
    // Memory-mapped reads under a writer have amplified corruption elsewhere, and gain nothing
    // here.
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    #[cfg(target_os = "macos")]
    conn.pragma_update(None, "fullfsync", true)?;
    Ok(())
}

/// The version of SQLite that the program is built with.
pub(crate) fn sqlite_version() -> &'static str {
    rusqlite::version()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pragma(conn: &Connection, name: &str) -> Result<i64> {
        conn.pragma_query_value(None, name, |row| row.get(0))
    }

    #[test]
    fn every_connection_has_the_pragmas_that_durability_and_safety_rest_on()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("invited.db");
        crate::db::file::prepare(&path)?;
        let writer = open_writer(&path, Synchronous::Full)?;
        let readers = r2d2::Pool::builder()
            .max_size(3)
            .build(reader_manager(&path))?;
        let pooled: Vec<_> = (0..3)
            .map(|_| readers.get())
            .collect::<std::result::Result<_, _>>()?;
        for conn in pooled.iter().map(|pooled| &**pooled).chain([&writer]) {
            let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            assert_eq!(mode, "wal");
            for (name, value) in [
                ("synchronous", 2),
                ("foreign_keys", 1),
                ("busy_timeout", 5000),
                ("trusted_schema", 0),
                ("mmap_size", 0),
                ("temp_store", 2),
            ] {
                assert_eq!(pragma(conn, name)?, value, "{name}");
            }
        }
        assert_eq!(pragma(&writer, "wal_autocheckpoint")?, 0);
        assert_eq!(pragma(&writer, "query_only")?, 0);
        assert_eq!(pragma(&writer, "secure_delete")?, 1);
        assert_eq!(pragma(&writer, "cache_size")?, WRITER_CACHE);
        assert!(pooled[0].db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE)?);
        assert_eq!(pragma(&pooled[0], "query_only")?, 1);
        assert_eq!(pragma(&pooled[0], "cache_size")?, READER_CACHE);
        Ok(())
    }

    #[test]
    fn sqlite_is_built_with_access_to_pages_and_without_the_mutex_around_its_page_caches()
    -> Result<()> {
        let conn = Connection::open_in_memory()?;
        let mut options = conn.prepare("pragma compile_options")?;
        let options: Vec<String> = options
            .query_map([], |row| row.get(0))?
            .collect::<Result<_>>()?;
        assert!(
            !options
                .iter()
                .any(|option| option == "ENABLE_MEMORY_MANAGEMENT"),
            "{options:?}"
        );
        assert!(
            options.iter().any(|option| option == "ENABLE_DBPAGE_VTAB"),
            "{options:?}"
        );
        Ok(())
    }
}

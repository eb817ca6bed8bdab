//! A point in time of the data file, which reads see until it ends.

use std::ops::Deref;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use crate::base::clock::Timestamp;
use crate::base::error::Result;

/// How long a long read may run. Endless readers would keep the log from being checkpointed.
const LONG_READ_LIMIT: Duration = Duration::from_secs(5);

/// Instructions of SQLite's machine between two looks at the clock: about a millisecond.
const STEPS_PER_LOOK: i32 = 20_000;

/// A read-only connection for the length of one read.
pub struct Reader<'a> {
    /// The connection.
    pub(super) conn: &'a Connection,
    /// The time at which this read happens.
    pub now: Timestamp,
}

/// A read transaction on a connection of its own: whatever is read from it belongs together. Must
/// not be held across an await.
pub struct Snapshot {
    /// The connection, inside its transaction.
    pub(super) conn: r2d2::PooledConnection<SqliteConnectionManager>,
    /// The time at which it was taken.
    pub(super) now: Timestamp,
}

impl Snapshot {
    /// Reads from the snapshot.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            conn: &self.conn,
            now: self.now,
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // Ends a read transaction, which cannot lose anything.
        let _ = self
            .conn
            .prepare_cached("commit")
            .and_then(|mut commit| commit.execute([]));
    }
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.conn
    }
}

impl Reader<'_> {
    /// Checks that the file can be read at all.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&self) -> Result<()> {
        Ok(self.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?)
    }
}

/// The time limit of a long read. Goes with it, even when it panics: the next read on the
/// connection has its own time.
pub(super) struct TimeLimit<'a>(&'a Connection);

impl<'a> TimeLimit<'a> {
    /// Makes SQLite give up on `conn` after the limit.
    pub(super) fn set(conn: &'a Connection) -> Result<Self> {
        let start = Instant::now();
        conn.progress_handler(
            STEPS_PER_LOOK,
            Some(move || start.elapsed() > LONG_READ_LIMIT),
        )?;
        Ok(Self(conn))
    }
}

impl Drop for TimeLimit<'_> {
    fn drop(&mut self) {
        // Fails only on a connection that is not ours, which none is.
        let _ = self.0.progress_handler(0, None::<fn() -> bool>);
    }
}

//! A point in time of the data file, which reads see until it ends.

use std::ops::Deref;
use std::rc::Rc;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use super::wal_index::Head;
use crate::base::clock::Timestamp;
use crate::base::error::Result;

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
    /// The transaction, which other requests of the same thread may share.
    pub(super) open: Rc<Open>,
    /// The time at which this request reads.
    pub(super) now: Timestamp,
}

impl Snapshot {
    /// Reads from the snapshot.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader {
            conn: &self.open.conn,
            now: self.now,
        }
    }
}

/// An open read transaction. Ends when nobody has it any more.
pub(super) struct Open {
    /// The connection, inside its transaction.
    conn: r2d2::PooledConnection<SqliteConnectionManager>,
    /// What the log's index said before it began; none: it may be older than anything.
    head: Option<Head>,
}

impl Open {
    /// Begins a transaction, before which the index of the log had `head`.
    pub(super) fn begin(
        conn: r2d2::PooledConnection<SqliteConnectionManager>,
        head: Option<Head>,
    ) -> Result<Self> {
        conn.prepare_cached("begin")?.execute([])?;
        Ok(Self { conn, head })
    }

    /// Whether nothing was committed since it began, where the index of the log has `head` now. An
    /// error may have ended the transaction.
    pub(super) fn is_at(&self, head: Option<Head>) -> bool {
        head.is_some() && self.head == head && !self.conn.is_autocommit()
    }
}

impl Drop for Open {
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
    /// The version of the schema of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn schema_version(&self) -> Result<i64> {
        Ok(self.pragma_query_value(None, "user_version", |row| row.get(0))?)
    }

    /// Checks that the file can be read at all.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&self) -> Result<()> {
        Ok(self.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?)
    }
}

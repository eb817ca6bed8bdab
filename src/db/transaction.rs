//! A write transaction, and what it gives to those who write in it: the connection, its one time,
//! new ids.

use std::cell::Cell;
use std::ops::Deref;

use rusqlite::{Connection, OptionalExtension};
use uuid::{ContextV7, Uuid};

use super::Reader;
use super::tally::Tally;
use super::topic::Topic;
use crate::base::clock::Timestamp;
use crate::base::error::Result;

/// The write transaction as a job sees it.
pub struct WriteTx<'a> {
    /// The connection inside its transaction.
    conn: &'a Connection,
    /// The transaction's one time: every row that it writes bears it.
    pub now: Timestamp,
    /// Where new ids come from.
    ids: &'a IdMint,
    /// The topics that the transaction is about, by their bits.
    topics: &'a Cell<u8>,
    /// What the transaction adds to the counts of rows.
    pub(super) tally: &'a Tally,
}

impl<'a> WriteTx<'a> {
    /// A view of the transaction that is open on `conn`.
    pub(super) fn new(
        conn: &'a Connection,
        now: Timestamp,
        ids: &'a IdMint,
        topics: &'a Cell<u8>,
        tally: &'a Tally,
    ) -> Self {
        Self {
            conn,
            now,
            ids,
            topics,
            tally,
        }
    }

    /// The same transaction at another time, for rows that are to look older than they are.
    pub fn at(&self, now: Timestamp) -> WriteTx<'a> {
        WriteTx {
            conn: self.conn,
            now,
            ids: self.ids,
            topics: self.topics,
            tally: self.tally,
        }
    }

    /// The transaction as one that reads.
    pub fn reader(&self) -> Reader<'a> {
        Reader {
            conn: self.conn,
            now: self.now,
        }
    }

    /// Runs a part of the transaction in a savepoint. What it did stays only where it answers that
    /// it is to be kept.
    ///
    /// # Errors
    /// What `part` answers, after all that it did was undone.
    pub(crate) fn part<T>(&self, part: impl FnOnce() -> Result<(T, bool)>) -> Result<T> {
        self.prepare_cached("savepoint part")?.execute([])?;
        let counted = self.tally.mark();
        let outcome = part();
        if !matches!(outcome, Ok((_, true))) {
            self.prepare_cached("rollback to part")?.execute([])?;
            self.tally.undo_to(&counted);
        }
        self.prepare_cached("release part")?.execute([])?;
        outcome.map(|(answer, _)| answer)
    }

    /// Has those who follow `topic` told once the transaction is committed. A job that is undone
    /// may have told them for nothing.
    pub(crate) fn announce(&self, topic: Topic) {
        self.topics.set(self.topics.get() | topic.bit());
    }

    /// Counts an invitation that was inserted as a pending one. Must be called for each: no trigger
    /// does it ([`super::tally`]).
    pub(crate) fn count_new_invitation(&self) {
        self.tally.add_new_invitation();
    }

    /// A new id, greater than all that this process made before.
    pub fn new_id(&self) -> Uuid {
        self.ids.mint(self.now)
    }
}

impl Deref for WriteTx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.conn
    }
}

/// An open write transaction. It is rolled back unless it was committed. The library's own compiles
/// its statements anew each time.
pub(super) struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// Begins one on `conn`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn begin(conn: &'a Connection) -> Result<Self> {
        conn.prepare_cached("begin immediate")?.execute([])?;
        Ok(Self(conn))
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // It fails only where there is nothing to roll back any more.
            let _ = self.0.execute_batch("rollback");
        }
    }
}

/// Mints UUIDv7s that only grow, even when the clock stands still or is set back.
pub(crate) struct IdMint {
    /// Counts within a millisecond.
    context: ContextV7,
    /// The latest time used, in milliseconds since the epoch.
    latest: Cell<i64>,
}

impl IdMint {
    /// A mint that goes on after the ids of the file: the clock may have been ahead when they were
    /// made. Where that cannot be read, requests will meet the damage and say so.
    pub(crate) fn after(conn: &Connection) -> Self {
        // Events are appended in commit order, and each one's id is made after that of what it is
        // about. What has no event has a row in the history of the server.
        let last = |sql| {
            conn.query_row(sql, [], |row| row.get::<_, [u8; 16]>(0))
                .optional()
                .unwrap_or_default()
        };
        let event = last("select id from event order by rowid desc limit 1");
        let last = event.max(last("select id from audit order by id desc limit 1"));
        let next_millis = last.map_or(0, |id| {
            i64::try_from(u128::from_be_bytes(id) >> 80).unwrap_or_default() + 1
        });
        Self::starting_at(next_millis)
    }

    /// A mint that makes no ids before `millis`.
    fn starting_at(millis: i64) -> Self {
        Self {
            context: ContextV7::new(),
            latest: Cell::new(millis),
        }
    }

    /// The next id at `now`.
    fn mint(&self, now: Timestamp) -> Uuid {
        let millis = now.as_millis().max(self.latest.get());
        self.latest.set(millis);
        let seconds = u64::try_from(millis / 1000).unwrap_or_default();
        let nanos = u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000;
        Uuid::new_v7(uuid::Timestamp::from_unix(&self.context, seconds, nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_only_grow_even_when_the_clock_is_set_back() {
        let mint = IdMint::starting_at(0);
        let times = [5_000, 5_000, 5_001, 1, 5_000, 9_000].map(Timestamp::from_millis);
        let ids: Vec<Uuid> = times
            .iter()
            .cycle()
            .take(30_000)
            .map(|&now| mint.mint(now))
            .collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn an_id_bears_the_time_of_its_transaction() {
        let id = IdMint::starting_at(0).mint(Timestamp::from_millis(1_700_000_000_123));
        assert_eq!(id.as_u128() >> 80, 1_700_000_000_123);
        assert_eq!(id.get_version_num(), 7);
    }
}

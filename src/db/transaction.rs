//! A write transaction, and what it gives to those who write in it: the connection, its one time,
//! new ids.

use std::cell::Cell;
use std::ops::Deref;

use rusqlite::Connection;
use uuid::Uuid;

use super::Reader;
use super::ids::IdMint;
use super::tally::Tally;
use super::topic::Topic;
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::ids::{Ids, Kind, Place};
use crate::base::organization_id::OrganizationId;

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
    /// Whether what happens in it is news to others.
    is_news: bool,
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
            is_news: true,
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
            is_news: self.is_news,
        }
    }

    /// The same transaction for what happened elsewhere, long ago: nobody is told of it.
    pub(crate) fn without_news(&self) -> WriteTx<'a> {
        WriteTx {
            is_news: false,
            ..self.at(self.now)
        }
    }

    /// Whether others, as webhooks, are to be told of what happens in it.
    pub(crate) fn is_news(&self) -> bool {
        self.is_news
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
        // Where SQLite gave up the whole transaction, the savepoint is gone. The error says why.
        if outcome.is_err() && self.is_autocommit() {
            return outcome.map(|(answer, _)| answer);
        }
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

    /// Counts an invitation of `organization` that was inserted in `state`, which is that of its
    /// column, and counts for a cap until `capped_until`. Must be called for each: no trigger does
    /// it ([`super::tally`]).
    pub(crate) fn count_new_invitation(
        &self,
        organization: &OrganizationId,
        state: u8,
        capped_until: Option<Timestamp>,
    ) {
        self.tally.add_new_invitation(state);
        if let Some(until) = capped_until {
            self.tally.caps.change(organization.as_str(), until, 1);
        }
    }

    /// How many invitations of `organization` count for its cap. `count` counts those in the file
    /// that lapse behind the first time, up to the second one.
    ///
    /// # Errors
    /// What `count` returns.
    pub(crate) fn count_capped(
        &self,
        organization: &OrganizationId,
        count: impl Fn(Timestamp, Timestamp) -> Result<i64>,
    ) -> Result<i64> {
        let caps = &self.tally.caps;
        caps.get(organization.as_str(), self.now, count)
    }

    /// A new id, greater than all that this process made before.
    pub fn new_id(&self) -> Uuid {
        self.ids.mint(Kind::Row, self.now)
    }

    /// A new id for a mail in the mailbox, greater than those of all mails before.
    pub(crate) fn new_mail_id(&self) -> Uuid {
        self.ids.mint(Kind::Mail, self.now)
    }

    /// A new id for what the server does behind requests.
    pub(crate) fn new_task_id(&self) -> Uuid {
        self.ids.source.uuid(Kind::Task)
    }

    /// Fills `bytes` with what nobody can guess, for a new API key.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(crate) fn fill_for_key(&self, bytes: &mut [u8]) -> Result<()> {
        let source = &self.ids.source;
        source.fill(Kind::Key, bytes).map_err(Error::internal)
    }

    /// A number by which what failed together is spread. By a seed nothing is spread.
    pub(crate) fn spread(&self) -> u32 {
        match self.ids.source {
            Ids::Random => random_spread(),
            Ids::Seeded(_) => u32::MAX / 2,
        }
    }

    /// How far the ids of a seed have come.
    pub(crate) fn place_of_ids(&self) -> Place {
        self.ids.source.place()
    }

    /// Has the ids of a seed go on from `place`: the rows that had those behind it are gone.
    pub(crate) fn set_place_of_ids(&self, place: Place) {
        self.ids.source.go_to(place);
    }
}

/// A random number by which what failed together is spread.
pub(crate) fn random_spread() -> u32 {
    // Without randomness the spread is lost, not what is spread.
    getrandom::u32().unwrap_or(u32::MAX / 2)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Code;
    use crate::db::{write_file, write_unserved};

    #[test]
    fn a_part_answers_why_sqlite_gave_up_the_whole_transaction() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("invited.db");
        write_unserved(&path, |_| Ok(((), true))).expect("a file");
        for gives_up in [true, false] {
            let mut answered = None;
            let written = write_file(&path, |tx| {
                let part = tx.part::<()>(|| {
                    // As SQLite does where an I/O error leaves it no other way.
                    if gives_up {
                        tx.execute_batch("rollback")?;
                    }
                    Err(Error::new(Code::StorageFull, "full"))
                });
                answered = part.as_ref().err().map(|error| error.code);
                part
            });
            assert_eq!(answered, Some(Code::StorageFull));
            assert!(written.is_err());
        }
    }
}

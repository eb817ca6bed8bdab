//! How many invitations of each organization count for its cap, kept by the writer from the first
//! question on: a create in an organization that has a million of them does not count them.
//!
//! A count is that of a time. Rows that begin or cease to count are told by triggers, as for
//! [`super::tally`], and new ones by the statement that inserts them. What lapses by the clock
//! changes no row: the next question counts what has lapsed since the one before, each row once.
//! While a server has the file, nobody else changes invitations, so no count gets old.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Null;
use rusqlite::{Connection, Result as SqlResult};

use crate::base::clock::Timestamp;
use crate::base::error::Result;

/// How many organizations are kept, at some hundred bytes each. With one more, all are forgotten.
const MOST: usize = 10_000;

/// Tell of each row that begins or ceases to count.
const TRIGGERS: &str = "
    create temp trigger invitation_capped_updated
      after update of state, expires_at, capped on main.invitation
      when old.capped is 1 or new.capped is 1
    begin
      select cap_count(old.organization_id, old.expires_at, -1)
      where old.state = 0 and old.capped is 1;
      select cap_count(new.organization_id, new.expires_at, 1)
      where new.state = 0 and new.capped is 1;
    end;
    create temp trigger invitation_capped_deleted
      after delete on main.invitation
      when old.state = 0 and old.capped is 1
    begin
      select cap_count(old.organization_id, old.expires_at, -1);
    end;";

/// The counts, with what the open transaction has changed in them.
#[derive(Clone, Debug, Default)]
pub(super) struct CapCounts(Arc<Mutex<Kept>>);

/// See [`CapCounts`].
#[derive(Debug, Default)]
struct Kept {
    /// The counts, by organization.
    counts: HashMap<String, Count>,
    /// What the open transaction did, for where it is undone.
    done: Vec<Done>,
    /// Whether the open transaction changed rows of an organization that had no count then.
    has_missed: bool,
}

/// How many rows count at a time.
#[derive(Clone, Copy, Debug)]
struct Count {
    /// How many.
    rows: i64,
    /// The time.
    time: Timestamp,
}

/// Something that a transaction did.
#[derive(Debug)]
enum Done {
    /// A row that is pending until a time began (1) or ceased (-1) to count.
    Changed(String, Timestamp, i64),
    /// A count was made that may have changes in it which are not told of here.
    Made(String),
}

impl CapCounts {
    /// Has every change that `conn` makes from now on be told of, but for new invitations.
    ///
    /// # Errors
    /// When `conn` is not the connection to a data file.
    pub(super) fn of(conn: &Connection) -> SqlResult<Self> {
        let counts = Self::default();
        let told = counts.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        conn.create_scalar_function("cap_count", 3, flags, move |call| {
            let organization = call.get_raw(0).as_str()?;
            told.change(
                organization,
                Timestamp::from_millis(call.get(1)?),
                call.get(2)?,
            );
            Ok(Null)
        })?;
        conn.execute_batch(TRIGGERS)?;
        Ok(counts)
    }

    /// How many rows of `organization` count at `now`. `count` counts those that lapse behind the
    /// first time, up to the second one.
    ///
    /// # Errors
    /// What `count` returns.
    pub(super) fn get(
        &self,
        organization: &str,
        now: Timestamp,
        count: impl Fn(Timestamp, Timestamp) -> Result<i64>,
    ) -> Result<i64> {
        let known = self.lock().counts.get(organization).copied();
        let rows = match known {
            None => count(now, Timestamp::from_millis(i64::MAX))?,
            Some(Count { rows, time }) if time == now => return Ok(rows),
            Some(Count { rows, time }) if time < now => rows - count(time, now)?,
            // The clock went back.
            Some(Count { rows, time }) => rows + count(now, time)?,
        };
        self.set(organization, now, rows);
        Ok(rows)
    }

    /// Keeps that `rows` rows of `organization` count at `time`.
    pub(super) fn set(&self, organization: &str, time: Timestamp, rows: i64) {
        let kept = &mut *self.lock();
        let count = Count { rows, time };
        if let Some(known) = kept.counts.get_mut(organization) {
            *known = count;
            return;
        }
        if kept.counts.len() >= MOST {
            kept.counts.clear();
        }
        if kept.has_missed {
            kept.done.push(Done::Made(organization.to_owned()));
        }
        kept.counts.insert(organization.to_owned(), count);
    }

    /// Adds `by` rows of `organization` that lapse at `expires_at`.
    pub(super) fn change(&self, organization: &str, expires_at: Timestamp, by: i64) {
        let kept = &mut *self.lock();
        let Some(count) = kept.counts.get_mut(organization) else {
            kept.has_missed = true;
            return;
        };
        count.add(expires_at, by);
        let organization = organization.to_owned();
        kept.done.push(Done::Changed(organization, expires_at, by));
    }

    /// Forgets every count, where rows change that nobody tells of.
    pub(super) fn forget(&self) {
        let kept = &mut *self.lock();
        kept.counts.clear();
        kept.has_missed = true;
    }

    /// How much the transaction has done.
    pub(super) fn mark(&self) -> usize {
        self.lock().done.len()
    }

    /// Undoes what the transaction has done since then, the last first.
    pub(super) fn undo_to(&self, mark: usize) {
        let kept = &mut *self.lock();
        while kept.done.len() > mark {
            match kept.done.pop() {
                Some(Done::Changed(organization, expires_at, by)) => {
                    if let Some(count) = kept.counts.get_mut(&organization) {
                        count.add(expires_at, -by);
                    }
                }
                Some(Done::Made(organization)) => drop(kept.counts.remove(&organization)),
                None => return,
            }
        }
    }

    /// Lets go of what could be undone: the transaction has ended.
    pub(super) fn end(&self) {
        let kept = &mut *self.lock();
        kept.done.clear();
        kept.has_missed = false;
    }

    /// What is kept. Nothing that holds it can leave it half changed.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// Adds `by` rows that lapse at `expires_at`, if they have not yet.
    fn add(&mut self, expires_at: Timestamp, by: i64) {
        if expires_at > self.time {
            self.rows += by;
        }
    }
}

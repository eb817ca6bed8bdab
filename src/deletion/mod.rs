//! Deletions that go on behind the requests that began them: the rows of organizations, then text, then the log.
//!
//! # Order
//! A deletion of an organization is marked in its first commit ([`begin`]): nobody finds the organization any more, and no
//! key opens it. The [`Worker`] deletes its rows in small jobs, with a rest after each, so that the writes of others go
//! between. When the rows are gone, the pages are scrubbed once for all that wait, and the log is emptied. The table
//! `purge` says what comes next, so a start goes on where a crash or a stop cut it off.

pub mod store;

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::db::{Db, Topic, WriteTx};
use crate::error::{Error, Result};
use crate::key;
use crate::organization::{self, OrganizationId};
use crate::purge::{self, Stage};
use crate::webhook;

/// Rows of stored answers that are looked at in one read.
const ROWS_PER_READ: u32 = 1_000;
/// Rows that are deleted in one job.
const ROWS_PER_JOB: u32 = 200;
/// After a scrub none begins for so many times as long as it took: one after the other, deletions cost a part of a core.
const SCRUB_REST: u32 = 4;
/// How many milliseconds pass before the log is tried again that somebody reads, try by try. Our own reads end within
/// five seconds; another program may read for as long as it likes.
const RESTS_MS: &[u64] = &[100, 100, 200, 200, 400, 1_000, 2_000, 5_000, 10_000, 60_000];
/// After so many tries in vain the log says why.
const TRIES_BEFORE_WARNING: usize = 8;

/// Begins to delete the organization, if its present version passes `check`. From this transaction on it is gone for
/// everybody: its keys are revoked, and its webhooks are told nothing more. Returns the id of the deletion.
///
/// # Errors
/// [`crate::error::Code::NotFound`], or what `check` returns.
pub fn begin(tx: &WriteTx<'_>, id: &OrganizationId, check: impl FnOnce(&[u8]) -> Result<()>) -> Result<Uuid> {
    let present = organization::store::find(tx, id)?.ok_or_else(Error::not_found)?;
    check(&present.to_bytes(id)?)?;
    key::store::unbind(tx, id)?;
    webhook::store::disable_of(tx, id)?;
    // Streams of its events end.
    tx.announce(Topic::Events);
    purge::store::insert_deletion(tx, id)
}

/// Does what is to be done now and as it comes up, for as long as it is polled. Must be called before anything else
/// deletes: what an erasure had begun by then was cut off.
pub fn run(db: Db) -> impl Future<Output = ()> {
    let cut_off = db.read(|reader| purge::store::list(reader, Stage::Begun));
    async move {
        let mut worker = Worker { db, cut_off: cut_off.unwrap_or_default(), next_scrub: Instant::now(), failures: 0 };
        worker.work().await;
    }
}

/// What does the work. There is one.
struct Worker {
    /// The file.
    db: Db,
    /// Erasures that a crash cut off. What they deleted is scrubbed.
    cut_off: Vec<Uuid>,
    /// Before then no scrub begins.
    next_scrub: Instant,
    /// Passes in a row that failed, or found somebody reading the log.
    failures: usize,
}

/// What a pass left to do.
enum Left {
    /// Nothing.
    Nothing,
    /// A scrub that is not to begin yet.
    Scrub,
    /// A log that somebody reads.
    Log,
}

impl Worker {
    /// Makes pass after pass.
    async fn work(&mut self) {
        let mut news = self.db.follow(Topic::Purge);
        loop {
            // What is committed from here on is news again, whether or not this pass sees it.
            news.mark_unchanged();
            let next = match self.pass().await {
                Ok(left) => self.after(&left),
                Err(error) => self.after_error(&error),
            };
            let rest = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = news.changed() => {}
                () = rest => {}
            }
        }
    }

    /// Does all that can be done now.
    async fn pass(&mut self) -> Result<Left> {
        self.end_cut_off().await?;
        while let Some((id, organization)) = self.db.read(purge::store::find_deletion)? {
            delete_rows(&self.db, id, &organization).await?;
        }
        let is_scrubbed = self.scrub().await?;
        let unlogged = self.db.read(|reader| purge::store::list(reader, Stage::Log))?;
        if !unlogged.is_empty() {
            if !self.db.empty_log().await {
                return Ok(Left::Log);
            }
            let job = move |tx: &WriteTx<'_>| unlogged.iter().try_for_each(|&id| purge::store::delete(tx, id));
            self.db.write(job).await?;
        }
        Ok(if is_scrubbed { Left::Nothing } else { Left::Scrub })
    }

    /// Ends the erasures that a crash cut off.
    async fn end_cut_off(&mut self) -> Result<()> {
        if self.cut_off.is_empty() {
            return Ok(());
        }
        let ids = self.cut_off.clone();
        self.db.write(move |tx| ids.iter().try_for_each(|&id| purge::store::end(tx, id))).await?;
        self.cut_off.clear();
        Ok(())
    }

    /// Scrubs the pages, once for all that wait. Returns whether none waits any more.
    async fn scrub(&mut self) -> Result<bool> {
        let ids = self.db.read(|reader| purge::store::list(reader, Stage::Text))?;
        let begun = Instant::now();
        if ids.is_empty() || begun < self.next_scrub {
            return Ok(ids.is_empty());
        }
        self.db.scrub().await?;
        self.next_scrub = Instant::now() + begun.elapsed() * SCRUB_REST;
        let job = move |tx: &WriteTx<'_>| ids.iter().try_for_each(|&id| purge::store::advance(tx, id, Stage::Log));
        self.db.write(job).await?;
        Ok(true)
    }

    /// When the next pass begins, if nothing comes up before.
    fn after(&mut self, left: &Left) -> Option<Instant> {
        if matches!(left, Left::Log) {
            self.failures += 1;
            if self.failures == TRIES_BEFORE_WARNING {
                log::warn!("another program reads the log: deleted text stays in it until that ends");
            }
            return Some(self.rest());
        }
        self.failures = 0;
        matches!(left, Left::Scrub).then_some(self.next_scrub)
    }

    /// When the next pass begins after one that failed.
    fn after_error(&mut self, error: &Error) -> Option<Instant> {
        if self.failures == 0 {
            log::error!("what is deleted stays in the file until this ends: {error}");
        }
        self.failures += 1;
        Some(self.rest())
    }

    /// The end of the rest that follows so many failures.
    fn rest(&self) -> Instant {
        let last = RESTS_MS.len() - 1;
        Instant::now() + Duration::from_millis(RESTS_MS[self.failures.saturating_sub(1).min(last)])
    }
}

/// Deletes every row of `organization`, a small job at a time, and at last its own.
async fn delete_rows(db: &Db, id: Uuid, organization: &OrganizationId) -> Result<()> {
    // Before the invitations: they lead to the answers that were given to their links.
    delete_answers(db, organization).await?;
    loop {
        let (begun, organization) = (Instant::now(), organization.clone());
        if db.write(move |tx| store::delete_some(tx, id, &organization, ROWS_PER_JOB)).await? {
            return Ok(());
        }
        // Half of the disk's time is for others.
        tokio::time::sleep(begun.elapsed()).await;
    }
}

/// Deletes the answers that are stored for requests to `organization`. None is added any more, so one walk is enough.
async fn delete_answers(db: &Db, organization: &OrganizationId) -> Result<()> {
    let mut from = Some(0);
    while let Some(after) = from {
        let whose = organization.clone();
        let (found, next) =
            db.read_long(move |reader| store::find_answers(reader, &whose, after, ROWS_PER_READ)).await?;
        if !found.is_empty() {
            let whose = organization.clone();
            db.write(move |tx| store::delete_answers(tx, &whose, &found)).await?;
        }
        from = next;
    }
    Ok(())
}

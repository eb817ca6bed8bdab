//! Deletions that go on behind the requests that began them: the rows of organizations, then text,
//! then the log.
//!
//! # Order
//! A deletion of an organization is marked in its first commit ([`begin`]): nobody finds the
//! organization any more, and no key opens it. The [`Worker`] deletes its rows in small jobs, with
//! a rest after each, so that the writes of others go between. When the rows are gone, the pages
//! are scrubbed once for all that wait, and the log is emptied. The table `purge` says what comes
//! next, so a start goes on where a crash or a stop cut it off.

pub mod store;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::audit::{self, Action, By, NewEntry};
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Db, Load, Topic, WriteTx};
use crate::key;
use crate::organization;
use crate::purge::{self, Stage};
use crate::webhook;

/// Who writes, in the queue of the writer.
const WRITER: &str = "deletion";
/// Rows of stored answers that are looked at in one read.
const ROWS_PER_READ: u32 = 1_000;
/// Rows that are deleted in one job.
const ROWS_PER_JOB: u32 = 200;
/// After a scrub none begins for so many times as long as it took: one after the other, deletions
/// cost a part of a core.
const SCRUB_REST: u32 = 4;
/// How many milliseconds pass before something is tried again, try by try, such as the log that
/// somebody reads. Our own reads end within five seconds; another program may read for as long as
/// it likes.
const RESTS_MS: &[u64] = &[100, 100, 200, 200, 400, 1_000, 2_000, 5_000, 10_000, 60_000];
/// After so many tries in vain the log says why.
const TRIES_BEFORE_WARNING: usize = 8;

/// Begins to delete the organization, if its present version passes `check`. From this transaction
/// on it is gone for everybody: its keys are revoked, and its webhooks are told nothing more.
/// Returns the id of the deletion.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`], or what `check` returns.
pub fn begin(
    tx: &WriteTx<'_>,
    id: &OrganizationId,
    by: By<'_>,
    check: impl FnOnce(&[u8]) -> Result<()>,
) -> Result<Uuid> {
    let present = organization::store::find(tx, id)?.ok_or_else(Error::not_found)?;
    check(&present.to_bytes(id)?)?;
    let (subject, organizations) = (Some(id.as_str()), Some(std::slice::from_ref(id)));
    let action = Action::OrganizationDeleted;
    audit::store::append(
        tx,
        &NewEntry {
            action,
            by,
            subject,
            organizations,
            details: Value::Null,
        },
    )?;
    key::manage::unbind(tx, id, by)?;
    webhook::history::end_of(tx, id, by)?;
    // Streams of its events end.
    tx.announce(Topic::Events);
    purge::store::insert_deletion(tx, id)
}

/// Does what is to be done now and as it comes up, for as long as it is polled. Must be called
/// before anything else deletes: what an erasure had begun by then was cut off.
pub fn run(db: Db) -> impl Future<Output = ()> {
    let cut_off = db.read(|reader| purge::store::list(reader, Stage::Begun));
    let cut_off =
        cut_off.inspect_err(|error| log::error!("erasures that were cut off stay so: {error}"));
    let (now, walked) = (Instant::now(), BTreeSet::new());
    let mut worker = Worker {
        db,
        cut_off: cut_off.unwrap_or_default(),
        walked,
        next_scrub: now,
        next_try: now,
        tries: 0,
        errors: 0,
    };
    async move { worker.work().await }
}

/// What does the work. There is one.
struct Worker {
    /// The file.
    db: Db,
    /// Erasures that a crash cut off. What they deleted is scrubbed.
    cut_off: Vec<Uuid>,
    /// Deletions of organizations whose stored answers are gone.
    walked: BTreeSet<Uuid>,
    /// Before then no scrub begins.
    next_scrub: Instant,
    /// Before then the log is not tried.
    next_try: Instant,
    /// How often in a row the log could not be emptied.
    tries: usize,
    /// How many passes in a row failed.
    errors: usize,
}

impl Worker {
    /// Makes pass after pass.
    async fn work(&mut self) {
        let mut news = self.db.follow(Topic::Purge);
        loop {
            // What is committed from here on is news again, whether or not this pass sees it.
            news.mark_unchanged();
            let next = match self.pass().await {
                Ok(next) => {
                    self.errors = 0;
                    next
                }
                Err(error) => Some(self.after_error(&error)),
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

    /// Does a part of everything that can be done now. Returns when the next pass begins, if
    /// nothing comes up before.
    async fn pass(&mut self) -> Result<Option<Instant>> {
        self.end_cut_off().await?;
        let has_rows = self.delete_rows().await?;
        let has_text = self.scrub().await?;
        let has_log = self.empty_log().await?;
        let next = [
            has_rows.then(Instant::now),
            has_text.then_some(self.next_scrub),
            has_log.then_some(self.next_try),
        ];
        Ok(next.into_iter().flatten().min())
    }

    /// Ends the erasures that a crash cut off.
    async fn end_cut_off(&mut self) -> Result<()> {
        if self.cut_off.is_empty() {
            return Ok(());
        }
        let ids = self.cut_off.clone();
        self.db
            .write_as(WRITER, Load::ONE, move |tx| {
                ids.iter().try_for_each(|&id| purge::store::end(tx, id))
            })
            .await?;
        self.cut_off.clear();
        Ok(())
    }

    /// Deletes a job's rows of each organization that is being deleted: a large one does not hold
    /// up small ones. Returns whether there is one.
    async fn delete_rows(&mut self) -> Result<bool> {
        let doomed = self.db.read(purge::store::list_deletions)?;
        self.walked
            .retain(|walked| doomed.iter().any(|(id, _)| id == walked));
        for (id, organization) in &doomed {
            if !self.walked.contains(id) {
                delete_answers(&self.db, *id, organization).await?;
                self.walked.insert(*id);
            }
            let (id, organization, begun) = (*id, organization.clone(), Instant::now());
            self.db
                .write_as(WRITER, Load::ONE, move |tx| {
                    store::delete_some(tx, id, &organization, ROWS_PER_JOB)
                })
                .await?;
            // Half of the disk's time is for others.
            tokio::time::sleep(begun.elapsed()).await;
        }
        Ok(!doomed.is_empty())
    }

    /// Scrubs the pages, once for all that wait. Returns whether some go on to wait.
    async fn scrub(&mut self) -> Result<bool> {
        let ids = self
            .db
            .read(|reader| purge::store::list(reader, Stage::Text))?;
        let begun = Instant::now();
        if ids.is_empty() || begun < self.next_scrub {
            return Ok(!ids.is_empty());
        }
        self.db.scrub().await?;
        self.next_scrub = Instant::now() + begun.elapsed() * SCRUB_REST;
        let job = move |tx: &WriteTx<'_>| {
            ids.iter()
                .try_for_each(|&id| purge::store::advance(tx, id, Stage::Log))
        };
        self.db.write_as(WRITER, Load::ONE, job).await?;
        // Whoever read the log at the last try may have gone.
        self.next_try = Instant::now();
        Ok(false)
    }

    /// Empties the log, unless somebody reads it. Returns whether it must be tried again.
    async fn empty_log(&mut self) -> Result<bool> {
        let ids = self
            .db
            .read(|reader| purge::store::list(reader, Stage::Log))?;
        if ids.is_empty() || Instant::now() < self.next_try {
            return Ok(!ids.is_empty());
        }
        if !self.db.empty_log().await {
            self.tries += 1;
            if self.tries == TRIES_BEFORE_WARNING {
                log::warn!(
                    "another program reads the log: deleted text stays in it until that ends"
                );
            }
            self.next_try = Instant::now() + rest_after(self.tries);
            return Ok(true);
        }
        self.tries = 0;
        self.db
            .write_as(WRITER, Load::ONE, move |tx| {
                ids.iter().try_for_each(|&id| purge::store::delete(tx, id))
            })
            .await?;
        Ok(false)
    }

    /// When the next pass begins after one that failed.
    fn after_error(&mut self, error: &Error) -> Instant {
        if self.errors == 0 {
            log::error!("what is deleted stays in the file until this ends: {error}");
        }
        self.errors += 1;
        Instant::now() + rest_after(self.errors)
    }
}

/// How long to rest after so many tries in vain.
fn rest_after(tries: usize) -> Duration {
    Duration::from_millis(RESTS_MS[tries.clamp(1, RESTS_MS.len()) - 1])
}

/// Deletes the stored answers that are about `organization`. None is added any more, so
/// one walk is enough.
async fn delete_answers(db: &Db, id: Uuid, organization: &OrganizationId) -> Result<()> {
    let mut from = Some(0);
    while let Some(after) = from {
        let whose = organization.clone();
        let (found, next) = db
            .read_long(WRITER, move |reader| {
                store::find_answers(reader, &whose, after, ROWS_PER_READ)
            })
            .await?;
        if !found.is_empty() {
            let whose = organization.clone();
            db.write_as(WRITER, Load::ONE, move |tx| {
                store::delete_answers(tx, id, &whose, &found)
            })
            .await?;
        }
        from = next;
    }
    Ok(())
}

//! Retention: invitations that have been closed for long enough are deleted, if the operator wants
//! that.
//!
//! A pass walks over all invitations in the order in which they are stored, a bounded step at a
//! time: reading needs no index that creates would have to pay for, and no write waits for more
//! than a few of its rows. What is due is decided again in the transaction that deletes it, by the
//! time of that: an invitation that was sent again meanwhile stays. The text of what a pass deleted
//! leaves the file after it, as that of any deletion does: see [`crate::purge`].
//!
//! What is deleted early is gone for good, so a clock that has leapt ahead is not believed at once:
//! a pass is left out, and whoever set it wrong has an hour to set it right.

pub mod store;

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::ids::Kind;
use crate::base::origin::Origin;
use crate::db::{Db, Load, WriteTx};
use crate::event;
use crate::purge;

/// The longest time that can be set, in days.
pub(crate) const MAX_DAYS: i64 = 3650;
/// How often a pass begins.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Invitations that are looked at in one read.
const ROWS_PER_READ: u32 = 1_000;
/// Invitations that are deleted in one job.
const ROWS_PER_JOB: usize = 100;
/// How long a pass rests after each read and each job, so that it takes only a part of the disk's
/// time.
const PAUSE: Duration = Duration::from_millis(10);
/// Who deletes, in the history.
const ACTOR: &str = "retention";
/// So far ahead of what is known of it, the clock has leapt.
const LEAP: Duration = Duration::from_secs(24 * 60 * 60);
/// Seconds in a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// For how long closed invitations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Whole days, from 1 to [`MAX_DAYS`].
    pub days: i64,
}

impl Retention {
    /// What was closed before this time is due at `now`. A clock that was set back makes nothing
    /// due.
    fn limit(self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-self.days * DAY_SECONDS)
    }
}

/// The place of an invitation in the table: its organization and its id.
type Place = (String, Uuid);

/// What the clock showed last, and when that was by the machine's other one, which nobody sets.
#[derive(Clone, Copy)]
struct Known {
    /// What it showed.
    shown: Timestamp,
    /// When.
    at: Instant,
}

/// Whether a clock that showed `known` and shows `now` has leapt ahead, where so much time passed.
fn has_leapt(known: Timestamp, passed: Duration, now: Timestamp) -> bool {
    let ahead = now.as_millis().saturating_sub(known.as_millis());
    u128::try_from(ahead).is_ok_and(|ahead| ahead > (passed + LEAP).as_millis())
}

/// Makes a pass at once, and then every hour, for as long as it is polled. One before which the
/// clock has leapt ahead is left out; at a start, the time of the newest event is known of it. A
/// clock that stands still was set on purpose.
pub(crate) async fn run(db: Db, retention: Option<Retention>) {
    let Some(retention) = retention else {
        return;
    };
    let newest = db.read(|reader| event::store::find_newest_time(reader));
    let mut known = newest.ok().flatten().map(|shown| Known {
        shown,
        at: Instant::now(),
    });
    loop {
        let now = db.now();
        let is_ahead = db.clock().stopped_at().is_none()
            && known.is_some_and(|known: Known| has_leapt(known.shown, known.at.elapsed(), now));
        known = Some(Known {
            shown: now,
            at: Instant::now(),
        });
        if is_ahead {
            log::warn!(
                "retention: the clock is more than a day ahead of what was known of it, so nothing \
                 is deleted for an hour; where it is wrong, set it"
            );
        } else {
            match sweep(&db, retention).await {
                Ok(0) => {}
                Ok(deleted) => log::info!(
                    "retention: {deleted} invitations deleted that were closed long enough ago"
                ),
                Err(error) => log::error!("retention: given up until the next pass: {error}"),
            }
        }
        // The machine's time: a clock that is set must not make passes more or less frequent.
        tokio::time::sleep(EVERY).await;
    }
}

/// One pass over all invitations. Returns how many it deleted.
///
/// # Errors
/// When the file cannot be read or written, or too many writes wait: what was deleted by then stays
/// deleted.
pub async fn sweep(db: &Db, retention: Retention) -> Result<usize> {
    let mut purge = None;
    let swept = delete_due(db, retention, &mut purge).await;
    if let Some(id) = purge {
        db.write_as(ACTOR, Load::ONE, move |tx| purge::store::end(tx, id))
            .await?;
    }
    swept
}

/// Deletes what is due, a small job at a time. The first one begins a `purge`. Returns how many
/// invitations that were.
async fn delete_due(db: &Db, retention: Retention, purge: &mut Option<Uuid>) -> Result<usize> {
    let origin = Origin {
        actor: ACTOR.to_owned(),
        request_id: db.ids().uuid(Kind::Task).to_string(),
    };
    let (mut after, mut deleted) = (store::Mark::default(), 0);
    loop {
        let from = after.clone();
        let step = db
            .read_long(ACTOR, move |reader| {
                store::find_due(reader, retention, &from, ROWS_PER_READ)
            })
            .await?;
        for due in step.due.chunks(ROWS_PER_JOB) {
            let (due, origin, begun) = (due.to_vec(), origin.clone(), *purge);
            let job = move |tx: &WriteTx<'_>| {
                let id = begun.map_or_else(|| purge::store::insert_begun(tx), Ok)?;
                Ok((id, store::delete_due(tx, retention, &due, &origin)?))
            };
            let (id, count) = db.write_as(ACTOR, Load::ONE, job).await?;
            *purge = Some(id);
            deleted += count;
            tokio::time::sleep(PAUSE).await;
        }
        match step.last {
            Some(last) => after = last,
            None => return Ok(deleted),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_has_leapt_where_it_is_more_than_a_day_ahead_of_the_time_that_passed() {
        let known = Timestamp::from_millis(1_700_000_000_000);
        let day = 24 * 60 * 60;
        for (seconds, passed, expected) in [
            (-400 * day, Duration::ZERO, false),
            (day, Duration::ZERO, false),
            (day + 1, Duration::ZERO, true),
            (day + 3_600, EVERY, false),
            (day + 3_601, EVERY, true),
        ] {
            let now = known.plus_seconds(seconds);
            assert_eq!(
                has_leapt(known, passed, now),
                expected,
                "{seconds} in {passed:?}"
            );
        }
    }
}

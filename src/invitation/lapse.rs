//! The end of invitations whose time has passed: an event tells of each, once.
//!
//! A pending invitation whose time has passed *is* expired, by the clock: nothing has to happen for
//! that. So the row keeps its state, and only notes that its history tells of the end. A clock that
//! was ahead has ended nothing for good: once it is set back, the invitation is pending again, and
//! its end is not told a second time.
//!
//! The rows themselves are the queue, by an index of the ends that are near and not told yet. So
//! what ends while no server runs is found at the next start, and an invitation that was answered,
//! revoked or sent again meanwhile is not in it any more.
//!
//! # Performance
//! Most invitations are answered long before their end, so a create puts into that index only what
//! ends within two days. The others are put there once a day by a walk over all invitations, a
//! bounded step at a time; it makes up for any jump of the clock, too: what ends later than two
//! days after a walk is met by the next one, which comes a day after it by the same clock.

use std::time::Duration;

use uuid::Uuid;

use super::Status;
use super::store::{self, Lapsed};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::ids::{Ids, Kind};
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::{Db, Load, WriteTx};
use crate::event::{self, EventFields, EventType, NewEvent};

/// How often the server looks for invitations whose time has passed.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After how many seconds the next walk begins: a day. It must be less than what counts as near.
const WALK_SECONDS: i64 = 24 * 60 * 60;
const _: () = assert!(WALK_SECONDS < store::NEAR_SECONDS);
/// Invitations that one read of a walk looks at.
const ROWS_PER_READ: u32 = 1_000;
/// Invitations that one job is about.
const ROWS_PER_JOB: u32 = 100;
/// How long the task rests after each job, so that it takes only a part of the disk's time.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the task rests when the file could not be written.
const REST: Duration = Duration::from_secs(10);
/// Who ends invitations, in the history.
const ACTOR: &str = "clock";

/// Looks `every` so often, for as long as it is polled.
pub(crate) async fn run(db: Db, every: Duration) {
    let mut walked_at = None;
    loop {
        // The machine's time: a clock that is set must not make looks more or less frequent.
        tokio::time::sleep(every).await;
        // Whoever moves a clock that stands still looks himself, so that the order of ids is his.
        let is_still = db.clock().stopped_at().is_some();
        if is_still && matches!(db.ids(), Ids::Seeded(_)) {
            continue;
        }
        if let Err(error) = look(&db, &mut walked_at).await {
            log::error!("the end of invitations cannot be told now: {error}");
            tokio::time::sleep(REST).await;
        }
    }
}

/// Looks once, at all invitations: after a jump of the clock.
///
/// # Errors
/// When the file cannot be read or written: what was told by then stays told.
pub(crate) async fn look_at_all(db: &Db) -> Result<()> {
    walk(db).await?;
    sweep(db).await
}

/// One look: a walk, where the last one began a day ago, and then all that has ended.
async fn look(db: &Db, walked_at: &mut Option<Timestamp>) -> Result<()> {
    let now = db.now();
    // A clock that was ahead at the last walk would keep the next one away.
    *walked_at = walked_at.map(|walked_at| walked_at.min(now));
    let is_due = walked_at.is_none_or(|walked_at| walked_at.plus_seconds(WALK_SECONDS) <= now);
    let walked = if is_due { walk(db).await } else { Ok(()) };
    // Whatever keeps a walk from its end keeps nobody's end from being told.
    sweep(db).await?;
    walked?;
    if is_due {
        *walked_at = Some(now);
    }
    Ok(())
}

/// Walks over all invitations and notes whose end is near.
async fn walk(db: &Db) -> Result<()> {
    let mut after = store::Place::default();
    loop {
        let from = after.clone();
        let read = db.read_long(ACTOR, move |reader| {
            store::list_near(reader, &from, ROWS_PER_READ)
        });
        let step = read.await?;
        for near in step.near.chunks(ROWS_PER_JOB as usize) {
            let (near, load) = (near.to_vec(), load_of(near));
            db.write_as(ACTOR, load, move |tx| {
                near.iter().try_for_each(|near| store::set_near(tx, near))
            })
            .await?;
            tokio::time::sleep(PAUSE).await;
        }
        // A walk takes minutes in a large file, and what ends meanwhile does not wait for it.
        sweep(db).await?;
        match step.last {
            Some(last) => after = last,
            None => return Ok(()),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What a job about these rows takes up.
fn load_of(rows: &[Lapsed]) -> Load {
    Load {
        rows: rows.len(),
        ..Load::ONE
    }
}

/// Tells of every invitation whose time has passed, a small job at a time.
async fn sweep(db: &Db) -> Result<()> {
    loop {
        let lapsed = db.read(|reader| store::list_lapsed(reader, ROWS_PER_JOB))?;
        if lapsed.is_empty() {
            return Ok(());
        }
        let id = db.ids().uuid(Kind::Task);
        db.write_as(ACTOR, load_of(&lapsed), move |tx| {
            let origin = origin(id.to_string());
            lapsed
                .iter()
                .try_for_each(|lapsed| tell(tx, lapsed, &origin))
        })
        .await?;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Who ends invitations, in a pass of this id.
pub(crate) fn origin(request_id: String) -> Origin {
    Origin {
        actor: ACTOR.to_owned(),
        request_id,
    }
}

/// Tells of `lapsed`, unless its history does already, or its time has not passed after all. An
/// organization that is being deleted has no history any more.
pub(crate) fn tell(tx: &WriteTx<'_>, lapsed: &Lapsed, origin: &Origin) -> Result<()> {
    if !store::set_lapse_told(tx, lapsed)? {
        return Ok(());
    }
    match store::find_organization(tx, lapsed.id)? {
        Some(organization) => append(tx, &organization, lapsed.id, origin),
        None => Ok(()),
    }
}

/// Tells of every invitation whose time has passed, as of that time: in a file that was just
/// filled.
pub(crate) fn tell_of_all(tx: &WriteTx<'_>, origin: &Origin) -> Result<()> {
    store::set_all_near(tx)?;
    store::list_lapsed(&tx.reader(), u32::MAX)?
        .iter()
        .try_for_each(|lapsed| tell(&tx.at(lapsed.expires_at), lapsed, origin))
}

/// Adds to the history that the time of an invitation has passed.
pub(crate) fn append(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    invitation: Uuid,
    origin: &Origin,
) -> Result<()> {
    let facts = |status: Status| EventFields {
        status: Some(status.name()),
        ..EventFields::default()
    };
    let event = NewEvent {
        organization,
        kind: EventType::Expired,
        invitation: Some(invitation),
        origin,
        before: Some(&facts(Status::Pending)),
        after: Some(&facts(Status::Expired)),
    };
    event::store::append(tx, &event)
}

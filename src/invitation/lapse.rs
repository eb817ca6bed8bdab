//! The end of invitations whose time has passed: an event tells of each, once.
//!
//! A pending invitation whose time has passed *is* expired, by the clock: nothing has to happen for
//! that. So the row keeps its state, and only notes that its history tells of the end. A clock that
//! was ahead has ended nothing for good: once it is set back, the invitation is pending again, and
//! its end is not told a second time.
//!
//! The rows themselves are the queue, by an index of the ends that are not told yet. So nothing is
//! written ahead of time, what ends while no server runs is found at the next start, and an
//! invitation that was answered, revoked or sent again meanwhile is not in it any more.

use std::time::Duration;

use uuid::Uuid;

use super::Status;
use super::store::{self, Lapsed};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::{Db, Load, WriteTx};
use crate::event::{self, EventFields, EventType, NewEvent};

/// How often the server looks for invitations whose time has passed.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Invitations that one job tells of.
const ROWS_PER_JOB: u32 = 100;
/// How long the task rests after each job, so that it takes only a part of the disk's time.
const PAUSE: Duration = Duration::from_millis(10);
/// How long the task rests when the file could not be written.
const REST: Duration = Duration::from_secs(10);
/// Who ends invitations, in the history.
const ACTOR: &str = "clock";

/// Looks `every` so often, for as long as it is polled.
pub(crate) async fn run(db: Db, every: Duration) {
    loop {
        // The machine's time: a clock that is set must not make looks more or less frequent.
        tokio::time::sleep(every).await;
        if let Err(error) = sweep(&db).await {
            log::error!("the end of invitations cannot be told now: {error}");
            tokio::time::sleep(REST).await;
        }
    }
}

/// Tells of every invitation whose time has passed, a small job at a time.
async fn sweep(db: &Db) -> Result<()> {
    loop {
        let lapsed = db.read(|reader| store::list_lapsed(reader, ROWS_PER_JOB))?;
        if lapsed.is_empty() {
            return Ok(());
        }
        let load = Load {
            rows: lapsed.len(),
            ..Load::ONE
        };
        db.write_as(ACTOR, load, move |tx| {
            let origin = origin(Uuid::new_v4().to_string());
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

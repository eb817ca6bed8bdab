//! The SQL of retention.

use rusqlite::{OptionalExtension, named_params};
use uuid::Uuid;

use super::{Place, Retention};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::{Reader, WriteTx};
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::invitation::{Status, lapse};

/// What makes an invitation due: it was closed, or its time ran out, before `:limit`. Nothing else
/// has to look at the state: one that is pending and has not lapsed ends later than now.
const IS_DUE: &str = "iif(state in (1, 2, 3), closed_at, expires_at) < :limit";

/// What one read found.
pub struct Step {
    /// The invitations that are due.
    pub due: Vec<Place>,
    /// The last one that was looked at, where more may follow.
    pub last: Option<Place>,
}

/// Looks at up to `limit` invitations behind `after`.
pub fn find_due(
    reader: &Reader<'_>,
    retention: Retention,
    after: &Place,
    limit: u32,
) -> Result<Step> {
    let mut statement = reader.prepare_cached(&format!(
        "select organization_id, id, {IS_DUE}
         from invitation
         where (organization_id, id) > (:organization_id, :id)
         order by organization_id, id
         limit :rows"
    ))?;
    let mut rows = statement.query(named_params! {
        ":limit": retention.limit(reader.now).as_millis(),
        ":organization_id": after.0,
        ":id": after.1.as_bytes(),
        ":rows": limit,
    })?;
    let (mut due, mut last, mut seen) = (Vec::new(), None, 0);
    while let Some(row) = rows.next()? {
        let place: Place = (row.get(0)?, Uuid::from_bytes(row.get(1)?));
        if row.get::<_, Option<bool>>(2)?.unwrap_or_default() {
            due.push(place.clone());
        }
        seen += 1;
        last = Some(place);
    }
    Ok(Step {
        due,
        last: last.filter(|_| seen == limit),
    })
}

/// Deletes those of `places` that are due at the time of the transaction, each with an event that
/// does not name the address. Returns how many that were.
pub fn delete_due(
    tx: &WriteTx<'_>,
    retention: Retention,
    places: &[Place],
    origin: &Origin,
) -> Result<usize> {
    let mut statement = tx.prepare_cached(&format!(
        "delete from invitation
         where organization_id = :organization_id
           and id = :id
           and not exists (select 1 from purge where organization_id = :organization_id)
           and {IS_DUE}
         returning state, state = 0 and lapse is not 1"
    ))?;
    let mut deleted = 0;
    for (organization, id) in places {
        let bound = named_params! {
            ":organization_id": organization,
            ":id": id.as_bytes(),
            ":limit": retention.limit(tx.now).as_millis(),
        };
        let Some((state, is_lapse_untold)) = statement
            .query_row(bound, |row| Ok((row.get::<_, u8>(0)?, row.get(1)?)))
            .optional()?
        else {
            continue;
        };
        // What lapsed and was not flipped is pending only in its row.
        let state = if state == Status::Pending as u8 {
            Status::Expired as u8
        } else {
            state
        };
        let status = Status::ALL
            .get(usize::from(state))
            .map(|status| status.name());
        let before = EventFields {
            status,
            ..EventFields::default()
        };
        let organization = OrganizationId::from_stored(organization)?;
        // Its time passed while no server ran.
        if is_lapse_untold {
            let clock = lapse::origin(origin.request_id.clone());
            lapse::append(tx, &organization, *id, &clock)?;
        }
        event::store::append(
            tx,
            &NewEvent {
                organization: &organization,
                kind: EventType::Deleted,
                invitation: Some(*id),
                origin,
                before: Some(&before),
                after: None,
            },
        )?;
        deleted += 1;
    }
    Ok(deleted)
}

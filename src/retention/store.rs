//! The SQL of retention.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, named_params};
use uuid::Uuid;

use super::{Place, Retention};
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::{Reader, WriteTx, unless_damaged};
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
    pub last: Option<Mark>,
}

/// How far a pass has come, in the bytes of the file: a damaged row has a place, too. The first
/// invitation is behind the default one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Of the organization's id.
    organization: Vec<u8>,
    /// Of the invitation's id.
    id: Vec<u8>,
}

impl Mark {
    /// The place of a row of [`find_due`].
    fn of(row: &Row<'_>) -> Result<Self> {
        let bytes = |column| {
            let value = row.get_ref(column)?.as_bytes();
            value.map(<[u8]>::to_vec).map_err(Error::corrupt)
        };
        Ok(Self {
            organization: bytes(0)?,
            id: bytes(1)?,
        })
    }

    /// The organization's id as a text that need be none.
    fn organization(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Text(&self.organization))
    }
}

/// Reads the place of an invitation from a row of [`find_due`].
fn place(row: &Row<'_>) -> Result<Place> {
    Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)))
}

/// Looks at up to `limit` invitations behind `after`.
pub fn find_due(
    reader: &Reader<'_>,
    retention: Retention,
    after: &Mark,
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
        ":organization_id": after.organization(),
        ":id": after.id,
        ":rows": limit,
    })?;
    let (mut due, mut last, mut seen) = (Vec::new(), None, 0);
    while let Some(row) = rows.next()? {
        let is_due = row.get::<_, Option<bool>>(2)?.unwrap_or_default();
        if is_due {
            due.extend(unless_damaged("invitation", place(row))?);
        }
        seen += 1;
        last = Some(Mark::of(row)?);
    }
    Ok(Step {
        due,
        last: last.filter(|_| seen == limit),
    })
}

/// Deletes those of `places` that are due at the time of the transaction, each with an event that
/// does not name the address. Damaged ones stay, and so do those whose history takes no event.
/// Returns how many were deleted.
pub fn delete_due(
    tx: &WriteTx<'_>,
    retention: Retention,
    places: &[Place],
    origin: &Origin,
) -> Result<usize> {
    let mut deleted = 0;
    for place in places {
        let gone = tx.part(|| Ok((delete_one(tx, retention, place, origin)?, true)));
        deleted += usize::from(unless_damaged("invitation", gone)?.unwrap_or_default());
    }
    Ok(deleted)
}

/// Deletes the invitation at a place, if it is due. Returns whether it was.
fn delete_one(
    tx: &WriteTx<'_>,
    retention: Retention,
    (organization, id): &Place,
    origin: &Origin,
) -> Result<bool> {
    let mut statement = tx.prepare_cached(&format!(
        "delete from invitation
         where organization_id = :organization_id
           and id = :id
           and not exists (select 1 from purge where organization_id = :organization_id)
           and {IS_DUE}
         returning state, state = 0 and lapse is not 1"
    ))?;
    let bound = named_params! {
        ":organization_id": organization,
        ":id": id.as_bytes(),
        ":limit": retention.limit(tx.now).as_millis(),
    };
    let Some((state, is_lapse_untold)) = statement
        .query_row(bound, |row| Ok((row.get::<_, u8>(0)?, row.get(1)?)))
        .optional()?
    else {
        return Ok(false);
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
    Ok(true)
}

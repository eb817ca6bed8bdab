//! The SQL of invitations whose time has passed, or passes soon.

use rusqlite::{Row, named_params};
use uuid::Uuid;

use super::read_id;
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Reader, WriteTx, unless_damaged};

/// The end of an invitation is near when it is no more than so many seconds away: two days.
pub(crate) const NEAR_SECONDS: i64 = 2 * 24 * 60 * 60;

/// An invitation whose time has passed or passes soon. Its organization is as the row has it: one
/// that is damaged must not hold up the others.
#[derive(Clone, Debug)]
pub(crate) struct Lapsed {
    /// Whose it is.
    pub organization: String,
    /// Its id.
    pub id: Uuid,
    /// When its time passes.
    pub expires_at: Timestamp,
}

/// What one read of a walk found.
pub(crate) struct Step {
    /// The invitations whose end is near.
    pub near: Vec<Lapsed>,
    /// Where the last one is that was looked at, where more may follow.
    pub last: Option<Place>,
}

/// Where an invitation is in its table: its organization, and its id as the row has it.
pub(crate) type Place = (String, Vec<u8>);

/// What `invitation.lapse` is of an invitation that ends at `expires_at`.
pub(super) fn near(now: Timestamp, expires_at: Timestamp) -> Option<u8> {
    (expires_at < now.plus_seconds(NEAR_SECONDS)).then_some(0)
}

/// Up to `limit` invitations whose time has passed and whose history does not say so yet, those
/// first that ended first.
pub(crate) fn list_lapsed(reader: &Reader<'_>, limit: u32) -> Result<Vec<Lapsed>> {
    let mut statement = reader.prepare_cached(
        "select organization_id, id, expires_at
         from invitation indexed by invitation_lapse
         where state = 0
           and lapse = 0
           and expires_at <= :now
           and length(id) = 16
         order by expires_at
         limit :limit",
    )?;
    let bound = named_params! { ":now": reader.now.as_millis(), ":limit": limit };
    let mut rows = statement.query(bound)?;
    let mut lapsed = Vec::new();
    while let Some(row) = rows.next()? {
        lapsed.extend(unless_damaged("invitation", from_row(row))?);
    }
    Ok(lapsed)
}

/// Reads an invitation from its organization, its id and its end.
fn from_row(row: &Row<'_>) -> Result<Lapsed> {
    Ok(Lapsed {
        organization: row.get(0)?,
        id: read_id(row, 1)?,
        expires_at: Timestamp::from_millis(row.get(2)?),
    })
}

/// Notes that the history of `lapsed` says from now on that its time has passed. Returns whether
/// it has passed at the time of the transaction and was not told before.
pub(crate) fn set_lapse_told(tx: &WriteTx<'_>, lapsed: &Lapsed) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update invitation not indexed
             set lapse = 1
             where organization_id = :organization_id
               and id = :id
               and state = 0
               and lapse = 0
               and expires_at <= :now",
        )?
        .execute(named_params! {
            ":organization_id": lapsed.organization,
            ":id": lapsed.id.as_bytes(),
            ":now": tx.now.as_millis(),
        })?;
    Ok(changed > 0)
}

/// Looks at up to `limit` invitations behind `after`.
pub(crate) fn list_near(reader: &Reader<'_>, after: &Place, limit: u32) -> Result<Step> {
    let mut statement = reader.prepare_cached(
        "select organization_id, id, expires_at,
                state = 0 and lapse is null and expires_at < :until
         from invitation
         where (organization_id, id) > (:organization_id, :id)
         order by organization_id, id
         limit :limit",
    )?;
    let mut rows = statement.query(named_params! {
        ":until": reader.now.plus_seconds(NEAR_SECONDS).as_millis(),
        ":organization_id": after.0,
        ":id": after.1,
        ":limit": limit,
    })?;
    let (mut near, mut last, mut seen) = (Vec::new(), None, 0);
    while let Some(row) = rows.next()? {
        seen += 1;
        let place = || Ok((row.get(0)?, row.get(1)?));
        last = unless_damaged("invitation", place())?.or(last);
        if row.get(3)? {
            near.extend(unless_damaged("invitation", from_row(row))?);
        }
    }
    Ok(Step {
        near,
        last: last.filter(|_| seen == limit),
    })
}

/// Notes that the end of `found` is near, if it still is.
pub(crate) fn set_near(tx: &WriteTx<'_>, found: &Lapsed) -> Result<()> {
    tx.prepare_cached(
        "update invitation not indexed
         set lapse = 0
         where organization_id = :organization_id
           and id = :id
           and state = 0
           and lapse is null
           and expires_at < :until",
    )?
    .execute(named_params! {
        ":organization_id": found.organization,
        ":id": found.id.as_bytes(),
        ":until": tx.now.plus_seconds(NEAR_SECONDS).as_millis(),
    })?;
    Ok(())
}

/// Notes of every invitation whose time has passed that its end is near: in a file that was just
/// filled.
pub(crate) fn set_all_near(tx: &WriteTx<'_>) -> Result<()> {
    tx.prepare_cached(
        "update invitation
         set lapse = 0
         where state = 0
           and lapse is null
           and expires_at <= ?1",
    )?
    .execute([tx.now.as_millis()])?;
    Ok(())
}

//! The SQL of invitations whose time has passed.

use rusqlite::named_params;
use uuid::Uuid;

use super::read_id;
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Reader, WriteTx};

/// An invitation whose time has passed. Its organization is as the row has it: one that is damaged
/// must not hold up the others.
#[derive(Clone, Debug)]
pub(crate) struct Lapsed {
    /// Whose it is.
    pub organization: String,
    /// Its id.
    pub id: Uuid,
    /// When its time had passed.
    pub expires_at: Timestamp,
}

/// Up to `limit` invitations whose time has passed and whose history does not say so yet, those
/// first that ended first.
pub(crate) fn list_lapsed(reader: &Reader<'_>, limit: u32) -> Result<Vec<Lapsed>> {
    let mut statement = reader.prepare_cached(
        "select organization_id, id, expires_at
         from invitation indexed by invitation_lapse
         where state = 0
           and lapse_told is null
           and expires_at <= :now
         order by expires_at
         limit :limit",
    )?;
    let bound = named_params! { ":now": reader.now.as_millis(), ":limit": limit };
    let rows = statement.query_map(bound, |row| {
        Ok(Lapsed {
            organization: row.get(0)?,
            id: read_id(row, 1)?,
            expires_at: Timestamp::from_millis(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that the history of `lapsed` says from now on that its time has passed. Returns whether
/// it has passed at the time of the transaction and was not told before.
pub(crate) fn set_lapse_told(tx: &WriteTx<'_>, lapsed: &Lapsed) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update invitation not indexed
             set lapse_told = 1
             where organization_id = :organization_id
               and id = :id
               and state = 0
               and lapse_told is null
               and expires_at <= :now",
        )?
        .execute(named_params! {
            ":organization_id": lapsed.organization,
            ":id": lapsed.id.as_bytes(),
            ":now": tx.now.as_millis(),
        })?;
    Ok(changed > 0)
}

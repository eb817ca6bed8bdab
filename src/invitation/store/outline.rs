//! The SQL of counts over many invitations.

use rusqlite::{Connection, Row};

use super::row::{read_delivery, read_state};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::unless_damaged;
use crate::invitation::Status;
use crate::outbox::mail::Delivery;

/// What is counted of an invitation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline {
    /// Where it stands.
    pub status: Status,
    /// How far the mail of its last sending has come.
    pub delivery: Delivery,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was accepted, declined or revoked.
    pub closed_at: Option<Timestamp>,
}

/// How many invitations there are, those of all organizations together, up to `most`.
pub(crate) fn count_all(conn: &Connection, most: u32) -> Result<i64> {
    let mut statement =
        conn.prepare_cached("select count(*) from (select 1 from invitation limit ?1)")?;
    Ok(statement.query_row([most], |row| row.get(0))?)
}

/// Hands the `limit` newest invitations of `organization` to `count`, as they stand at `now`.
/// Returns whether there are more.
pub(crate) fn list_newest(
    conn: &Connection,
    now: Timestamp,
    organization: &OrganizationId,
    limit: u32,
    mut count: impl FnMut(&Outline),
) -> Result<bool> {
    let mut statement = conn.prepare_cached(
        "select state, expires_at, delivery, created_at, closed_at
         from invitation
         where organization_id = ?1
           and not exists (select 1 from purge where organization_id = ?1)
         order by id desc
         limit ?2",
    )?;
    let mut rows = statement.query((organization.as_str(), limit + 1))?;
    for _ in 0..limit {
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        if let Some(outline) = unless_damaged("invitation", from_row(row, now))? {
            count(&outline);
        }
    }
    Ok(rows.next()?.is_some())
}

/// Reads the columns of [`list_newest`].
fn from_row(row: &Row<'_>, now: Timestamp) -> Result<Outline> {
    let expires_at = Timestamp::from_millis(row.get(1)?);
    Ok(Outline {
        status: Status::of(read_state(row, 0)?, expires_at, now),
        delivery: read_delivery(row, 2)?,
        created_at: Timestamp::from_millis(row.get(3)?),
        closed_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_millis),
    })
}

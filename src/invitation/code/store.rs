//! The SQL of codes.

use rusqlite::{Connection, OptionalExtension, named_params};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::WriteTx;

/// A code that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// When; the epoch: never.
    pub issued_at: Timestamp,
    /// Wrong answers since then.
    pub tries: u32,
}

/// The place of a code: the invitation, and the MAC of the address.
type Place<'a> = (Uuid, &'a [u8; 32]);

/// What is known of the code at `place`.
pub(crate) fn find_asked(
    conn: &Connection,
    (invitation, address_mac): Place<'_>,
) -> Result<Option<Asked>> {
    let mut statement = conn.prepare_cached(
        "select issued_at, tries from code where invitation_id = ?1 and address_mac = ?2",
    )?;
    let asked = statement.query_row((invitation.as_bytes(), address_mac), |row| {
        Ok(Asked {
            issued_at: Timestamp::from_millis(row.get(0)?),
            tries: row.get(1)?,
        })
    });
    Ok(asked.optional()?)
}

/// Notes that a code was asked for, in place of an earlier one.
pub(crate) fn ask(tx: &WriteTx<'_>, (invitation, address_mac): Place<'_>) -> Result<()> {
    tx.prepare_cached(
        "insert into code (invitation_id, address_mac, issued_at, tries)
         values (:invitation_id, :address_mac, :now, 0)
         on conflict do update set issued_at = :now, tries = 0",
    )?
    .execute(named_params! {
        ":invitation_id": invitation.as_bytes(),
        ":address_mac": address_mac,
        ":now": tx.now.as_millis(),
    })?;
    Ok(())
}

/// Counts a wrong answer, also where no code was asked for.
pub(crate) fn count_try(tx: &WriteTx<'_>, (invitation, address_mac): Place<'_>) -> Result<()> {
    tx.prepare_cached(
        "insert into code (invitation_id, address_mac, issued_at, tries)
         values (:invitation_id, :address_mac, 0, 1)
         on conflict do update set tries = tries + 1",
    )?
    .execute(
        named_params! { ":invitation_id": invitation.as_bytes(), ":address_mac": address_mac },
    )?;
    Ok(())
}

/// Drops the code at `place`.
pub(crate) fn drop_code(tx: &WriteTx<'_>, (invitation, address_mac): Place<'_>) -> Result<()> {
    tx.prepare_cached("delete from code where invitation_id = ?1 and address_mac = ?2")?
        .execute((invitation.as_bytes(), address_mac))?;
    Ok(())
}

/// Drops every code of an invitation.
pub(crate) fn drop_codes(tx: &WriteTx<'_>, invitation: Uuid) -> Result<()> {
    tx.prepare_cached("delete from code where invitation_id = ?1")?
        .execute([invitation.as_bytes()])?;
    Ok(())
}

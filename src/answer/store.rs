//! The SQL of answers: invitations by their token, and codes.

use rusqlite::{Connection, OptionalExtension, named_params};
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::invitation::link::LinkToken;
use crate::invitation::{Invitation, store};
use crate::secret::Keyring;

/// An organization that is looked for in vain. One of that name has no invitation that is looked for there.
const NOBODY: &str = "nobody";

/// A code that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// When; the epoch: never.
    pub issued_at: Timestamp,
    /// Wrong answers since then.
    pub tries: u32,
}

/// The place of a code: the invitation, and the MAC of the address.
type Place<'a> = (Uuid, &'a [u8; 32]);

/// The invitation that `token` opens, as `show` makes it; none where the token is unknown, altered or superseded. `conn` is a
/// reader's or a transaction's.
pub fn open<T>(
    conn: &Connection,
    now: Timestamp,
    keyring: &Keyring,
    token: &LinkToken,
    show: impl FnOnce(&Invitation<'_>, &OrganizationId) -> Result<T>,
) -> Result<Option<T>> {
    let Some(organization) = store::find_organization(conn, token.id)? else {
        return pretend(conn, now, keyring, token).map(|()| None);
    };
    let show_matching = |invitation: &Invitation<'_>| {
        let matches = token.matches(keyring, now, invitation.send_count.unwrap_or_default());
        matches.then(|| show(invitation, &organization)).transpose()
    };
    Ok(store::find(conn, now, (&organization, token.id), show_matching)?.flatten())
}

/// Does for an unknown id what is done for a known one with a wrong token, so that the time tells neither.
fn pretend(conn: &Connection, now: Timestamp, keyring: &Keyring, token: &LinkToken) -> Result<()> {
    if let Some(nobody) = OrganizationId::parse(NOBODY) {
        store::find(conn, now, (&nobody, token.id), |_| Ok(()))?;
    }
    std::hint::black_box(token.matches(keyring, now, 0));
    Ok(())
}

/// What is known of the code at `place`.
pub fn find_asked(conn: &Connection, (invitation, address_mac): Place<'_>) -> Result<Option<Asked>> {
    let mut statement =
        conn.prepare_cached("select issued_at, tries from code where invitation_id = ?1 and address_mac = ?2")?;
    let asked = statement.query_row((invitation.as_bytes(), address_mac), |row| {
        Ok(Asked { issued_at: Timestamp::from_millis(row.get(0)?), tries: row.get(1)? })
    });
    Ok(asked.optional()?)
}

/// Notes that a code was asked for, in place of an earlier one.
pub fn ask(tx: &WriteTx<'_>, (invitation, address_mac): Place<'_>) -> Result<()> {
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
pub fn count_try(tx: &WriteTx<'_>, (invitation, address_mac): Place<'_>) -> Result<()> {
    tx.prepare_cached(
        "insert into code (invitation_id, address_mac, issued_at, tries)
         values (:invitation_id, :address_mac, 0, 1)
         on conflict do update set tries = tries + 1",
    )?
    .execute(named_params! { ":invitation_id": invitation.as_bytes(), ":address_mac": address_mac })?;
    Ok(())
}

/// Drops the code at `place`.
pub fn drop_code(tx: &WriteTx<'_>, (invitation, address_mac): Place<'_>) -> Result<()> {
    tx.prepare_cached("delete from code where invitation_id = ?1 and address_mac = ?2")?
        .execute((invitation.as_bytes(), address_mac))?;
    Ok(())
}

/// Drops every code of an invitation.
pub fn drop_codes(tx: &WriteTx<'_>, invitation: Uuid) -> Result<()> {
    tx.prepare_cached("delete from code where invitation_id = ?1")?.execute([invitation.as_bytes()])?;
    Ok(())
}

//! The SQL of whole invitations, which move from one data file to another.

use rusqlite::{Connection, Row, named_params};

use super::lapse::near;
use super::row::{COLUMNS, COUNT, from_row};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::invitation::whole::Whole;
use crate::invitation::{Invitation, Status};

/// Shows every invitation of `organization` with its note, by id. A pending one counts as expired
/// once its history tells of that, and not by the clock.
///
/// # Errors
/// What `show` returns, or that a row cannot be read.
pub(crate) fn each<E: From<Error>>(
    conn: &Connection,
    organization: &OrganizationId,
    mut show: impl FnMut(&Invitation<'_>, Option<&str>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let sql = format!(
        "select {COLUMNS}, note, state = 0 and lapse is 1
         from invitation
         where organization_id = ?1
         order by id"
    );
    let mut statement = conn.prepare_cached(&sql).map_err(Error::from)?;
    let mut rows = statement
        .query([organization.as_str()])
        .map_err(Error::from)?;
    while let Some(row) = rows.next().map_err(Error::from)? {
        let (invitation, note) = from_whole_row(row, organization)?;
        show(&invitation, note)?;
    }
    Ok(())
}

/// Reads an invitation and its note.
fn from_whole_row<'a>(
    row: &'a Row<'_>,
    organization: &'a OrganizationId,
) -> Result<(Invitation<'a>, Option<&'a str>)> {
    let note = row.get_ref(COUNT)?.as_str_or_null();
    // At the beginning of time nothing has lapsed.
    let mut invitation = from_row(row, organization, Timestamp::from_millis(0))?;
    if row.get(COUNT + 1)? {
        invitation.status = Status::Expired;
    }
    Ok((invitation, note.map_err(Error::corrupt)?))
}

/// Inserts a whole invitation, as it stands. Whether it counts for a cap is the organization's
/// matter. Returns whether it could: its id and its address may be there already.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn insert(tx: &WriteTx<'_>, whole: &Whole, is_capped: bool) -> Result<bool> {
    let is_open = matches!(whole.status, Status::Pending | Status::Expired);
    let lapse = (whole.status == Status::Pending)
        .then(|| near(tx.now, whole.expires_at))
        .flatten();
    let (new, time) = (&whole.new, Timestamp::as_millis);
    let inserted = tx
        .prepare_cached(
            "insert into invitation
               (organization_id, id, email, role, state, created_at, expires_at, updated_at,
                closed_at, accepted_by, inviter_id, inviter_name, inviter_email, note, metadata,
                redirect_url, locale, send_count, last_sent_at, capped, lapse, delivery,
                delivery_attempts, delivery_error)
             values
               (:organization_id, :id, :email, :role, :state, :created_at, :expires_at,
                :updated_at, :closed_at, :accepted_by, :inviter_id, :inviter_name, :inviter_email,
                :note, :metadata, :redirect_url, :locale, :send_count, :last_sent_at, :capped,
                :lapse, :delivery, :delivery_attempts, :delivery_error)
             on conflict do nothing",
        )?
        .execute(named_params! {
            ":organization_id": new.organization.as_str(),
            ":id": whole.id.as_bytes(),
            ":email": new.email.as_str(),
            ":role": new.role.as_str(),
            ":state": whole.status as u8,
            ":created_at": time(whole.created_at),
            ":expires_at": time(whole.expires_at),
            ":updated_at": time(whole.updated_at),
            ":closed_at": whole.closed_at.map(time),
            ":accepted_by": whole.accepted_by,
            ":inviter_id": new.inviter.id,
            ":inviter_name": new.inviter.name,
            ":inviter_email": new.inviter.email,
            ":note": new.note,
            ":metadata": new.metadata,
            ":redirect_url": new.redirect_url,
            ":locale": new.locale,
            ":send_count": whole.send_count,
            ":last_sent_at": whole.last_sent_at.map(time),
            ":capped": (is_capped && is_open).then_some(1),
            ":lapse": lapse,
            ":delivery": whole.delivery as u8,
            ":delivery_attempts": whole.delivery_attempts,
            ":delivery_error": whole.delivery_error,
        })?;
    if inserted > 0 {
        let is_pending = whole.status == Status::Pending;
        let capped_until = (is_capped && is_pending).then_some(whole.expires_at);
        tx.count_new_invitation(&new.organization, whole.status as u8, capped_until);
    }
    Ok(inserted > 0)
}

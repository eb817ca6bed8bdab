//! An invitation from a row of its table.

use rusqlite::Row;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::invitation::{Invitation, Inviter, Status};
use crate::outbox::mail::Delivery;

/// Reads an invitation as it stands at `now`, borrowing its texts from the row.
///
/// The ninth column says whether any column behind it is set: most invitations have none of them,
/// and asking SQLite for each would be half of the cost of a row.
pub(super) fn from_row<'a>(
    row: &'a Row<'_>,
    organization: &'a OrganizationId,
    now: Timestamp,
) -> Result<Invitation<'a>> {
    let text = |column: usize| -> rusqlite::Result<&'a str> { Ok(row.get_ref(column)?.as_str()?) };
    let time = |column: usize| -> rusqlite::Result<Timestamp> {
        Ok(Timestamp::from_millis(row.get(column)?))
    };
    let (state, expires_at) = (state(row, 5)?, time(4)?);
    let invitation = Invitation {
        role: role(row, 0)?,
        id: id(row, 1)?,
        email: text(2)?,
        created_at: time(3)?,
        expires_at,
        organization_id: organization.as_str(),
        status: Status::of(state, expires_at, now),
        updated_at: time(6)?,
        accepted_at: None,
        accepted_by: None,
        declined_at: None,
        revoked_at: None,
        inviter: None,
        metadata: None,
        redirect_url: None,
        send_count: None,
        last_sent_at: None,
        delivery: delivery(row, 7)?,
        delivery_attempts: None,
        delivery_error: None,
    };
    if row.get(8)? {
        with_optional(row, invitation, state)
    } else {
        Ok(invitation)
    }
}

/// Adds the fields that not every invitation has.
fn with_optional<'a>(
    row: &'a Row<'_>,
    invitation: Invitation<'a>,
    state: Status,
) -> Result<Invitation<'a>> {
    let text = |column: usize| -> rusqlite::Result<Option<&'a str>> {
        Ok(row.get_ref(column)?.as_str_or_null()?)
    };
    let time = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row
            .get::<_, Option<i64>>(column)?
            .map(Timestamp::from_millis))
    };
    let closed_at = time(9)?;
    let closed_as = |status: Status| closed_at.filter(|_| state == status);
    Ok(Invitation {
        accepted_at: closed_as(Status::Accepted),
        accepted_by: text(10)?,
        declined_at: closed_as(Status::Declined),
        revoked_at: closed_as(Status::Revoked),
        inviter: Inviter::of(text(11)?, text(12)?, text(19)?),
        metadata: text(13)?
            .map(|metadata| json_text(13, metadata))
            .transpose()?,
        redirect_url: text(14)?,
        send_count: row.get(15)?,
        last_sent_at: time(16)?,
        delivery_attempts: row.get(17)?,
        delivery_error: text(18)?,
        ..invitation
    })
}

/// Reads a role. It is copied into answers as it is, so it must be one.
fn role<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    let text = row.get_ref(column)?.as_str()?;
    if Role::is_valid(text) {
        Ok(text)
    } else {
        Err(unreadable(column, Error::corrupt("no such role")))
    }
}

/// Checks a JSON text that is copied into answers as it is.
fn json_text(column: usize, text: &str) -> rusqlite::Result<&str> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| unreadable(column, error))?;
    Ok(text)
}

/// Reads an id.
pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes = row.get_ref(column)?.as_blob()?;
    Uuid::from_slice(bytes).map_err(|error| unreadable(column, error))
}

/// Reads the state that is written down, which the clock may have overtaken.
pub(super) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let number: u8 = row.get(column)?;
    Status::ALL
        .get(usize::from(number))
        .copied()
        .ok_or_else(|| unreadable(column, Error::corrupt("no such state")))
}

/// Reads how far the delivery has come.
fn delivery(row: &Row<'_>, column: usize) -> rusqlite::Result<Delivery> {
    let number: u8 = row.get(column)?;
    let known = Delivery::ALL.get(usize::from(number)).copied();
    known.ok_or_else(|| unreadable(column, Error::corrupt("no such state of a delivery")))
}

/// The column holds what this program never writes.
fn unreadable(
    column: usize,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Null, Box::new(cause))
}

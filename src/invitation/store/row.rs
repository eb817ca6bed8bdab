//! An invitation from a row of its table.

use rusqlite::Row;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::db::unreadable;
use crate::invitation::{Invitation, Inviter, Status};
use crate::outbox::mail::Delivery;

/// The columns of a row that [`from_row`] reads.
///
/// [`Column::IsExtended`] says whether any column behind it is set: most invitations have none of
/// them, and asking SQLite for each would be half of the cost of a row.
pub(super) const COLUMNS: &str = "
    role, id, email, created_at, expires_at, state, updated_at, delivery,
    is_extended, closed_at, accepted_by, inviter_id, inviter_name, inviter_email, metadata, redirect_url,
    locale, send_count, last_sent_at, delivery_attempts, delivery_error";

/// Where each of [`COLUMNS`] is.
#[derive(Clone, Copy)]
#[allow(
    clippy::missing_docs_in_private_items,
    reason = "the schema says what each one is"
)]
enum Column {
    Role,
    Id,
    Email,
    CreatedAt,
    ExpiresAt,
    State,
    UpdatedAt,
    Delivery,
    IsExtended,
    ClosedAt,
    AcceptedBy,
    InviterId,
    InviterName,
    InviterEmail,
    Metadata,
    RedirectUrl,
    Locale,
    SendCount,
    LastSentAt,
    DeliveryAttempts,
    DeliveryError,
}

/// How many [`COLUMNS`] there are.
pub(super) const COUNT: usize = Column::DeliveryError as usize + 1;

/// Reads an invitation as it stands at `now` from [`COLUMNS`], borrowing its texts from the row.
pub(super) fn from_row<'a>(
    row: &'a Row<'_>,
    organization: &'a OrganizationId,
    now: Timestamp,
) -> Result<Invitation<'a>> {
    let time = |column: Column| -> rusqlite::Result<Timestamp> {
        Ok(Timestamp::from_millis(row.get(column as usize)?))
    };
    let (state, expires_at) = (
        read_state(row, Column::State as usize)?,
        time(Column::ExpiresAt)?,
    );
    let invitation = Invitation {
        role: role(row)?,
        id: id(row)?,
        email: email(row)?,
        created_at: time(Column::CreatedAt)?,
        expires_at,
        organization_id: organization.as_str(),
        status: Status::of(state, expires_at, now),
        updated_at: time(Column::UpdatedAt)?,
        accepted_at: None,
        accepted_by: None,
        declined_at: None,
        revoked_at: None,
        inviter: None,
        metadata: None,
        redirect_url: None,
        locale: None,
        send_count: None,
        last_sent_at: None,
        delivery: read_delivery(row, Column::Delivery as usize)?,
        delivery_attempts: None,
        delivery_error: None,
    };
    if row.get(Column::IsExtended as usize)? {
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
    let text = |column: Column| -> rusqlite::Result<Option<&'a str>> {
        Ok(row.get_ref(column as usize)?.as_str_or_null()?)
    };
    let time = |column: Column| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row
            .get::<_, Option<i64>>(column as usize)?
            .map(Timestamp::from_millis))
    };
    let closed_at = time(Column::ClosedAt)?;
    let closed_as = |status: Status| closed_at.filter(|_| state == status);
    Ok(Invitation {
        accepted_at: closed_as(Status::Accepted),
        accepted_by: text(Column::AcceptedBy)?,
        declined_at: closed_as(Status::Declined),
        revoked_at: closed_as(Status::Revoked),
        inviter: Inviter::of(
            text(Column::InviterId)?,
            text(Column::InviterName)?,
            text(Column::InviterEmail)?,
        ),
        metadata: text(Column::Metadata)?
            .map(|metadata| json_text(metadata))
            .transpose()?,
        redirect_url: text(Column::RedirectUrl)?,
        locale: text(Column::Locale)?,
        send_count: row.get(Column::SendCount as usize)?,
        last_sent_at: time(Column::LastSentAt)?,
        delivery_attempts: row.get(Column::DeliveryAttempts as usize)?,
        delivery_error: text(Column::DeliveryError)?,
        ..invitation
    })
}

/// Reads the role. It is copied into answers as it is, so it must be one.
fn role<'a>(row: &'a Row<'_>) -> rusqlite::Result<&'a str> {
    let text = row.get_ref(Column::Role as usize)?.as_str()?;
    if Role::is_valid(text) {
        Ok(text)
    } else {
        Err(unreadable(Column::Role as usize, "no such role"))
    }
}

/// Reads the address.
fn email<'a>(row: &'a Row<'_>) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(Column::Email as usize)?.as_str()?)
}

/// Checks the metadata, which are copied into answers as they are.
fn json_text(text: &str) -> rusqlite::Result<&str> {
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| unreadable(Column::Metadata as usize, error))?;
    Ok(text)
}

/// Reads the id.
pub(super) fn id(row: &Row<'_>) -> rusqlite::Result<Uuid> {
    read_id(row, Column::Id as usize)
}

/// Reads the id of an invitation from a column of any row.
pub(super) fn read_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes = row.get_ref(column)?.as_blob()?;
    Uuid::from_slice(bytes).map_err(|error| unreadable(column, error))
}

/// Reads the state that is written down, which the clock may have overtaken, from a column of any
/// row.
pub(super) fn read_state(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let number: u8 = row.get(column)?;
    let known = Status::ALL.get(usize::from(number)).copied();
    known.ok_or_else(|| unreadable(column, "no such state"))
}

/// Reads how far the delivery has come from a column of any row.
pub(super) fn read_delivery(row: &Row<'_>, column: usize) -> rusqlite::Result<Delivery> {
    let number: u8 = row.get(column)?;
    let known = Delivery::ALL.get(usize::from(number)).copied();
    known.ok_or_else(|| unreadable(column, "no such state of a delivery"))
}

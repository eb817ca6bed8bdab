//! Deleting an invitation: it leaves the API, its history stays.

use uuid::Uuid;

use super::{Invitation, store};
use crate::db::WriteTx;
use crate::error::{Error, Result};
use crate::event::{self, EventType, Facts, Origin};
use crate::organization::OrganizationId;

/// Deletes an invitation that passes `check`, whatever its status.
///
/// # Errors
/// [`crate::error::Code::NotFound`], or what `check` answers.
pub fn delete(
    tx: &WriteTx<'_>,
    (organization, id): (&OrganizationId, Uuid),
    origin: &Origin,
    check: impl FnOnce(&Invitation<'_>) -> Result<()>,
) -> Result<()> {
    let remember = |invitation: &Invitation<'_>| {
        check(invitation)?;
        Ok((invitation.email.to_owned(), invitation.role.to_owned(), invitation.status))
    };
    let found = store::find(tx, tx.now, (organization, id), remember)?;
    let (email, role, status) = found.ok_or_else(Error::not_found)?;
    store::delete(tx, organization, id)?;
    let before = Facts { email: Some(&email), role: Some(&role), status: Some(status.name()), expires_at: None };
    event::store::append(tx, organization, (EventType::Deleted, id), origin, (Some(&before), None))
}

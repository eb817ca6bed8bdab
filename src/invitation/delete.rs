//! Deleting an invitation: it leaves the API, its history stays.

use uuid::Uuid;

use super::transition::Present;
use super::{Invitation, store};
use crate::db::WriteTx;
use crate::error::Result;
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
    let present = Present::get(tx, (organization, id), check)?;
    store::delete(tx, organization, id)?;
    let before = Facts {
        email: Some(present.email.as_str()),
        role: Some(&present.role),
        status: Some(present.status.name()),
        ..Facts::default()
    };
    event::store::append(tx, organization, (EventType::Deleted, id), origin, (Some(&before), None))
}

//! Deleting an invitation: it leaves the API, its history stays.

use uuid::Uuid;

use super::actor::Actor;
use super::transition::CurrentInvitation;
use super::{Invitation, store};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::event::{self, EventFields, EventType, NewEvent};

/// Deletes an invitation that passes `check`, whatever its status. Whoever may not grant its role
/// may not take it away either.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`], [`crate::base::error::Code::RoleNotGrantable`], or what
/// `check` returns.
pub fn delete(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    by: &Actor,
    check: impl FnOnce(&Invitation<'_>) -> Result<()>,
) -> Result<()> {
    let present = CurrentInvitation::get_if(tx, organization, id, check)?;
    by.rights.check_grant(&present.role)?;
    store::delete(tx, organization, id)?;
    let before = EventFields {
        email: Some(present.email.as_str()),
        role: Some(&present.role),
        status: Some(present.status.name()),
        ..EventFields::default()
    };
    event::store::append(
        tx,
        &NewEvent {
            organization,
            kind: EventType::Deleted,
            invitation: Some(id),
            origin: &by.origin,
            before: Some(&before),
            after: None,
        },
    )
}

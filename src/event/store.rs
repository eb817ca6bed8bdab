//! The SQL of events.

use rusqlite::named_params;
use serde::Serialize;
use uuid::Uuid;

use super::{EventType, Origin};
use crate::db::WriteTx;
use crate::error::{Error, Result};
use crate::organization::OrganizationId;

/// Adds an event to the history of `organization`, which must be known. It is about an invitation, or about the organization
/// itself where there is none. `before` and `after` are written as JSON objects.
pub fn append<F: Serialize>(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    (event, invitation): (EventType, impl Into<Option<Uuid>>),
    origin: &Origin,
    (before, after): (Option<&F>, Option<&F>),
) -> Result<()> {
    let json = |facts: Option<&F>| facts.map(serde_json::to_string).transpose().map_err(Error::internal);
    tx.prepare_cached(
        "insert into event
           (organization_id, id, type, invitation_id, actor, request_id, created_at, before, after)
         values
           (:organization_id, :id, :type, :invitation_id, :actor, :request_id, :created_at, :before, :after)",
    )?
    .execute(named_params! {
        ":organization_id": organization.as_str(),
        ":id": tx.new_id().as_bytes(),
        ":type": event.name(),
        ":invitation_id": invitation.into().map(Uuid::into_bytes),
        ":actor": origin.actor,
        ":request_id": origin.request_id,
        ":created_at": tx.now.as_millis(),
        ":before": json(before)?,
        ":after": json(after)?,
    })?;
    Ok(())
}

//! The SQL of how far the mail of an invitation has come.

use rusqlite::named_params;
use uuid::Uuid;

use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;
use crate::outbox::mail::Delivery;

/// Notes at the invitation how far its mail has come. `error` says why the last try failed. One
/// that went out at the first try needs no count: most rows stay short.
pub(crate) fn set_delivery(
    tx: &WriteTx<'_>,
    invitation: Uuid,
    delivery: Delivery,
    attempts: u32,
    error: Option<&str>,
) -> Result<()> {
    let attempts = (attempts > 1 || error.is_some()).then_some(attempts);
    tx.prepare_cached(
        "update invitation
         set delivery = :delivery, delivery_attempts = :attempts, delivery_error = :error
         where (organization_id, id) = (select organization_id, id from invitation where id = :id)",
    )?
    .execute(named_params! {
        ":delivery": delivery as u8,
        ":attempts": attempts,
        ":error": error,
        ":id": invitation.as_bytes(),
    })?;
    Ok(())
}

/// Notes that the mail of an invitation came back, because of `error`; `delivery` is where it
/// stands by that.
pub(crate) fn set_bounced(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
    id: Uuid,
    delivery: Delivery,
    error: &str,
) -> Result<()> {
    tx.prepare_cached(
        "update invitation not indexed
         set delivery = :delivery,
             delivery_attempts = coalesce(delivery_attempts, 1),
             delivery_error = :error
         where organization_id = :organization_id
           and id = :id",
    )?
    .execute(named_params! {
        ":delivery": delivery as u8,
        ":error": error,
        ":organization_id": organization.as_str(),
        ":id": id.as_bytes(),
    })?;
    Ok(())
}

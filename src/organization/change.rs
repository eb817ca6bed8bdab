//! Putting an organization, in one transaction.

use super::settings::Settings;
use super::{Record, store};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::origin::Origin;
use crate::db::WriteTx;
use crate::event::{self, EventType, NewEvent};
use crate::purge;

/// Gives the organization these settings in place of all that it had; makes it, if it is not known.
/// `check` sees the present version as the API shows it, if there is one. Returns whether it was
/// made, and the new version.
///
/// # Errors
/// What `check` answers; [`crate::base::error::Code::NotFound`] while one of that id is being
/// deleted.
pub(crate) fn put(
    tx: &WriteTx<'_>,
    id: &OrganizationId,
    settings: Settings,
    origin: &Origin,
    check: impl FnOnce(Option<&[u8]>) -> Result<()>,
) -> Result<(bool, Vec<u8>)> {
    purge::store::check_stands(tx, id)?;
    let present = store::find(tx, id)?;
    check(
        present
            .as_ref()
            .map(|present| present.to_bytes(id))
            .transpose()?
            .as_deref(),
    )?;
    store::put(tx, id, &settings)?;
    let before = present.as_ref().map(|present| &present.settings);
    let was_capped = before.is_some_and(|before| before.max_pending.is_some());
    if settings.max_pending.is_some() != was_capped {
        store::set_capped(tx, id, !was_capped)?;
    }
    event::store::append(
        tx,
        &NewEvent {
            organization: id,
            kind: EventType::OrganizationUpdated,
            invitation: None,
            origin,
            before,
            after: Some(&settings),
        },
    )?;
    let created_at = present
        .as_ref()
        .map_or(tx.now, |present| present.created_at);
    let body = Record {
        settings,
        created_at,
        updated_at: tx.now,
    }
    .to_bytes(id)?;
    Ok((present.is_none(), body))
}

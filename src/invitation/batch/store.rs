//! The SQL of a dry run: which rows it may meet.

use rusqlite::named_params;

use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, Stage};
use crate::organization;

/// Copies what creates of `emails` in `organization` may meet: it and its settings, whatever stands
/// for these addresses, and how many invitations its cap counts.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn copy(
    reader: &Reader<'_>,
    stage: &Stage,
    organization: &OrganizationId,
    emails: &[&str],
) -> Result<()> {
    let emails = serde_json::to_string(emails).map_err(Error::internal)?;
    let whose = named_params! { ":organization_id": organization.as_str() };
    stage.copy(reader, "purge", "organization_id = :organization_id", whose)?;
    stage.copy(reader, "organization", "id = :organization_id", whose)?;
    let standing = "organization_id = :organization_id
        and state in (0, 1)
        and email in (select value from json_each(:emails))";
    let bound = named_params! { ":organization_id": organization.as_str(), ":emails": emails };
    stage.copy(reader, "invitation", standing, bound)?;
    let settings = organization::store::get_settings(reader, organization)?;
    if settings.max_pending.is_some() {
        let pending = organization::store::count_pending(reader, organization)?;
        stage.set_capped(organization, reader.now, pending);
    }
    Ok(())
}

//! The SQL of a dry run: which rows it may meet.

use rusqlite::named_params;

use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, Stage};
use crate::organization;

/// Copies what creates of `emails` in `organization` may meet: it and its settings, whatever stands
/// for these addresses, and as many pending invitations as its cap counts.
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
    settings
        .max_pending
        .map_or(Ok(()), |cap| fill(reader, stage, organization, cap))
}

/// Adds pending invitations of nobody, until the organization has as many in the copy as in the
/// file, or as its cap.
fn fill(reader: &Reader<'_>, stage: &Stage, organization: &OrganizationId, cap: i64) -> Result<()> {
    let in_file = organization::store::count_pending(reader, reader.now, organization, cap)?;
    let missing = in_file
        - organization::store::count_pending(stage.connection(), reader.now, organization, cap)?;
    stage
        .connection()
        .prepare_cached(
            "with recursive nobody (number) as (
           select 1 where :missing > 0
           union all
           select number + 1 from nobody where number < :missing
         )
         insert into invitation (organization_id, id, email, role, state, created_at,
         expires_at, updated_at, capped)
         select :id, unhex(printf('%032x', number)), printf('%d', number), 'nobody', 0, 0,
         :until, 0, 1
         from nobody",
        )?
        .execute(
            named_params! { ":missing": missing, ":id": organization.as_str(), ":until": i64::MAX },
        )?;
    Ok(())
}

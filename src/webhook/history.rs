//! What the history of the server says of webhooks. It never holds a URL, since those may carry
//! secrets.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{DisabledReason, Webhook, store};
use crate::audit::{self, Action, By, NewEntry};
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;

/// Writes that something was done to a webhook, which is for the events of `organization`, or of
/// all.
pub(crate) fn append(
    tx: &WriteTx<'_>,
    by: By<'_>,
    action: Action,
    id: Uuid,
    organization: Option<&OrganizationId>,
    details: Value,
) -> Result<()> {
    let (subject, organizations) = (id.to_string(), organization.map(std::slice::from_ref));
    audit::store::append(
        tx,
        &NewEntry {
            action,
            by,
            subject: Some(&subject),
            organizations,
            details,
        },
    )?;
    Ok(())
}

/// Writes that a webhook was changed. Where nothing changed, it writes nothing.
pub(crate) fn append_changes(
    tx: &WriteTx<'_>,
    by: By<'_>,
    before: &Webhook,
    after: &Webhook,
) -> Result<()> {
    let is_enabled = after.disabled.is_none();
    let fields = [
        ("url", before.url != after.url),
        ("types", before.types != after.types),
        ("description", before.description != after.description),
        ("enabled", before.disabled.is_none() != is_enabled),
    ];
    let changed: Vec<_> = fields
        .into_iter()
        .filter_map(|(name, has_changed)| has_changed.then_some(name))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let mut details = json!({ "changed": changed });
    if changed.contains(&"enabled") {
        details["enabled"] = is_enabled.into();
    }
    append(
        tx,
        by,
        Action::WebhookUpdated,
        after.id,
        after.organization.as_ref(),
        details,
    )
}

/// Disables a webhook that is enabled, since its endpoint gives cause. Returns whether it was.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn disable(tx: &WriteTx<'_>, id: Uuid, reason: DisabledReason) -> Result<bool> {
    if !store::disable(tx, id, reason)? {
        return Ok(false);
    }
    if let Some(webhook) = store::find(tx, id)? {
        let details = json!({ "reason": reason.name() });
        append(
            tx,
            By::SERVER,
            Action::WebhookDisabled,
            id,
            webhook.organization.as_ref(),
            details,
        )?;
    }
    Ok(true)
}

/// Ends the webhooks of an organization that is being deleted: see [`store::disable_of`].
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn end_of(tx: &WriteTx<'_>, organization: &OrganizationId, by: By<'_>) -> Result<()> {
    for id in store::list_of(tx, organization)? {
        append(
            tx,
            by,
            Action::WebhookDeleted,
            id,
            Some(organization),
            Value::Null,
        )?;
    }
    store::disable_of(tx, organization)
}

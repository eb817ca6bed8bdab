//! Making, changing and deleting webhooks, and sending through one by hand. Each change stands in
//! the history of the server.

use serde_json::Value;
use uuid::Uuid;

use super::new::{NewWebhook, WebhookPatch};
use super::{DisabledReason, Webhook, delivery, history, store};
use crate::audit::{Action, By};
use crate::base::error::{Error, Result};
use crate::db::{Topic, WriteTx};
use crate::key::Rights;
use crate::outbox::webhook::store as queue;
use crate::secret::SecretId;

/// Makes a webhook where there may be `most`, whose secret is derived from `signing`.
///
/// # Errors
/// [`crate::base::error::Code::WebhookLimitReached`]; [`crate::base::error::Code::NotFound`] while
/// its organization is being deleted.
pub(crate) fn create(
    tx: &WriteTx<'_>,
    new: &NewWebhook,
    signing: SecretId,
    most: u32,
    by: By<'_>,
) -> Result<Webhook> {
    store::check_room(tx, new.organization.as_ref(), most)?;
    let webhook = store::insert(tx, new.clone(), signing)?;
    record(tx, by, Action::WebhookCreated, &webhook)?;
    Ok(webhook)
}

/// Changes the webhook `id` as `patch` says, for a caller with `rights`. Where that is how it is
/// already, nothing is written.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] where there is none that they may know of.
pub(crate) fn update(
    tx: &WriteTx<'_>,
    id: Uuid,
    patch: &WebhookPatch,
    rights: &Rights,
    by: By<'_>,
) -> Result<Webhook> {
    let before = store::get(tx, id, rights)?;
    let mut webhook = before.clone();
    webhook.apply(patch.clone());
    if webhook == before {
        return Ok(webhook);
    }
    webhook.updated_at = tx.now;
    store::update(tx, &webhook)?;
    history::append_changes(tx, by, &before, &webhook)?;
    tx.announce(Topic::Webhooks);
    Ok(webhook)
}

/// Gives the webhook `id` a new secret, derived from `signing`.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] where there is none that `rights` let one know of.
pub(crate) fn rotate(
    tx: &WriteTx<'_>,
    id: Uuid,
    signing: SecretId,
    rights: &Rights,
    by: By<'_>,
) -> Result<Webhook> {
    let mut webhook = store::get(tx, id, rights)?;
    webhook.secrets = webhook.secrets.rotated(signing, tx.now);
    webhook.updated_at = tx.now;
    store::update(tx, &webhook)?;
    record(tx, by, Action::WebhookSecretRotated, &webhook)?;
    Ok(webhook)
}

/// Deletes the webhook `id` with its deliveries.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] where there is none that `rights` let one know of.
pub(crate) fn delete(tx: &WriteTx<'_>, id: Uuid, rights: &Rights, by: By<'_>) -> Result<()> {
    let webhook = store::get(tx, id, rights)?;
    record(tx, by, Action::WebhookDeleted, &webhook)?;
    store::delete(tx, id)
}

/// Queues a test for the webhook `id`. Returns the id of its delivery.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] where there is none that `rights` let one know of,
/// [`crate::base::error::Code::WebhookDisabled`].
pub(crate) fn test(tx: &WriteTx<'_>, id: Uuid, rights: &Rights) -> Result<Uuid> {
    store::get(tx, id, rights)?.check_enabled()?;
    queue::queue_test(tx, id)
}

/// Queues a delivery of the webhook `id` again, whatever became of it.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] where there is none that `rights` let one know of,
/// [`crate::base::error::Code::WebhookDisabled`].
pub(crate) fn redeliver(tx: &WriteTx<'_>, id: Uuid, delivery: Uuid, rights: &Rights) -> Result<()> {
    let webhook = store::get(tx, id, rights)?;
    delivery::store::find(tx, id, delivery)?.ok_or_else(Error::not_found)?;
    webhook.check_enabled()?;
    queue::requeue(tx, id, delivery)
}

/// Writes into the history of the server what was done to a webhook.
fn record(tx: &WriteTx<'_>, by: By<'_>, action: Action, webhook: &Webhook) -> Result<()> {
    let organization = webhook.organization.as_ref();
    history::append(tx, by, action, webhook.id, organization, Value::Null)
}

impl Webhook {
    /// Takes over what is to change.
    fn apply(&mut self, patch: WebhookPatch) {
        self.url = patch.url.unwrap_or_else(|| self.url.clone());
        self.types = patch.types.unwrap_or_else(|| self.types.take());
        self.description = patch.description.unwrap_or_else(|| self.description.take());
        self.disabled = match patch.enabled {
            None => self.disabled,
            Some(true) => None,
            Some(false) => self.disabled.or(Some(DisabledReason::Paused)),
        };
    }
}

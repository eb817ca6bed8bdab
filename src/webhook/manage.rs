//! Making, changing and deleting webhooks, and sending through one by hand. Each change stands in
//! the history of the server.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::new::{NewWebhook, WebhookPatch};
use super::{DisabledReason, Webhook, delivery, history, store};
use crate::audit::{Action, By};
use crate::base::error::{Error, Result};
use crate::base::origin::Origin;
use crate::db::{Db, Topic, WriteTx};
use crate::key::{Author, Rights};
use crate::outbox::webhook::store as queue;
use crate::secret::SecretId;

/// Deliveries that one job deletes.
const ROWS_PER_JOB: u32 = 500;

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

/// Deletes the webhook `id` with its deliveries. Where these are many, it is paused, and they go
/// first, part by part: if that does not come to its end, it stays paused.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] where there is none that `rights` let one know of, and
/// those of [`Author::write`].
pub(crate) async fn delete(
    db: &Db,
    author: &Author,
    id: Uuid,
    rights: Arc<Rights>,
    origin: Origin,
) -> Result<()> {
    let part = move |tx: &WriteTx<'_>, ()| delete_part(tx, id, &rights, origin.by());
    author.write_in_parts(db, ROWS_PER_JOB, (), part).await
}

/// Deletes some deliveries of the webhook `id`, or with the last ones the webhook.
fn delete_part(tx: &WriteTx<'_>, id: Uuid, rights: &Rights, by: By<'_>) -> Result<ControlFlow<()>> {
    let webhook = store::get(tx, id, rights)?;
    if delivery::store::delete_some(tx, id, ROWS_PER_JOB)? == ROWS_PER_JOB as usize {
        update(tx, id, &WebhookPatch::PAUSE, rights, by)?;
        return Ok(ControlFlow::Continue(()));
    }
    record(tx, by, Action::WebhookDeleted, &webhook)?;
    store::delete(tx, id)?;
    Ok(ControlFlow::Break(()))
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

//! The SQL of webhooks.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use url::Url;
use uuid::Uuid;

use super::new::NewWebhook;
use super::{DisabledReason, Previous, Secrets, Webhook};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, WriteTx, unless_damaged, unreadable};
use crate::event::{EventType, query};
use crate::key::Rights;
use crate::purge;
use crate::secret::SecretId;

/// Columns of a [`Webhook`], in the order that [`from_row`] reads.
const COLUMNS: &str = "id, organization_id, url, types, description, generation, secret_id, \
    previous_secret_id, previous_until, disabled_reason, created_at, updated_at";

/// A condition on a webhook: it is everybody's, or of an organization that is not being deleted.
const STANDS: &str =
    "not exists (select 1 from purge where organization_id = webhook.organization_id)";

/// The webhook `id`. `conn` is a reader's or a transaction's.
pub(crate) fn find(conn: &Connection, id: Uuid) -> Result<Option<Webhook>> {
    let mut statement = conn.prepare_cached(&format!(
        "select {COLUMNS} from webhook where id = ?1 and {STANDS}"
    ))?;
    Ok(statement.query_row([id.as_bytes()], from_row).optional()?)
}

/// The webhook `id`, for a caller with `rights`.
///
/// # Errors
/// [`Code::NotFound`] where there is none that they may know of.
pub(crate) fn get(conn: &Connection, id: Uuid, rights: &Rights) -> Result<Webhook> {
    let found = find(conn, id)?.ok_or_else(Error::not_found)?;
    if rights.see_webhook(found.organization.as_ref()) {
        Ok(found)
    } else {
        Err(Error::foreign())
    }
}

/// Every webhook, oldest first: a setting bounds how many there are.
pub(crate) fn list(reader: &Reader<'_>) -> Result<Vec<Webhook>> {
    let mut statement = reader.prepare_cached(&format!(
        "select {COLUMNS} from webhook where {STANDS} order by id"
    ))?;
    let webhooks = statement.query_map([], from_row)?;
    webhooks
        .filter_map(|webhook| unless_damaged("webhook", webhook.map_err(Error::from)).transpose())
        .collect()
}

/// Checks that there is room for one more webhook of `organization`, where there may be `most`:
/// each event asks all of them. One organization has half of the room at most. How many webhooks
/// others have is not told.
///
/// # Errors
/// [`Code::WebhookLimitReached`].
pub(crate) fn check_room(
    tx: &WriteTx<'_>,
    organization: Option<&OrganizationId>,
    most: u32,
) -> Result<()> {
    let count = "select count(*), count(*) filter (where organization_id = ?1) from webhook";
    let (all, own): (u32, u32) =
        tx.query_row(count, [organization.map(OrganizationId::as_str)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let half = most / 2;
    let detail = match organization {
        Some(_) if own >= half => {
            format!("The organization has {half} webhooks, which is as many as one may have.")
        }
        _ if all >= most => "The server keeps no more webhooks.".to_owned(),
        _ => return Ok(()),
    };
    Err(Error::new(Code::WebhookLimitReached, detail))
}

/// Makes a webhook, whose signing secret is derived from the server's secret `secret_id`.
///
/// # Errors
/// [`Code::NotFound`] while its organization is being deleted.
pub fn insert(tx: &WriteTx<'_>, new: NewWebhook, secret_id: SecretId) -> Result<Webhook> {
    new.organization.as_ref().map_or(Ok(()), |organization| {
        purge::store::check_stands(tx, organization)
    })?;
    let webhook = Webhook {
        id: tx.new_id(),
        organization: new.organization,
        url: new.url,
        types: new.types,
        description: new.description,
        secrets: Secrets::first(secret_id),
        disabled: None,
        created_at: tx.now,
        updated_at: tx.now,
    };
    tx.prepare_cached(
        "insert into webhook (id, organization_id, url, types, description, generation,
         secret_id, created_at, updated_at)
         values (:id, :organization_id, :url, :types, :description, :generation, :secret_id,
         :now, :now)",
    )?
    .execute(named_params! {
        ":id": webhook.id.as_bytes(),
        ":organization_id": webhook.organization.as_ref().map(OrganizationId::as_str),
        ":url": webhook.url.as_str(),
        ":types": types_text(&webhook)?,
        ":description": webhook.description,
        ":generation": webhook.secrets.generation,
        ":secret_id": secret_id.as_bytes(),
        ":now": tx.now.as_millis(),
    })?;
    Ok(webhook)
}

/// Writes what may change of a webhook.
pub(crate) fn update(tx: &WriteTx<'_>, webhook: &Webhook) -> Result<()> {
    tx.prepare_cached(
        "update webhook
         set url = :url,
             types = :types,
             description = :description,
             generation = :generation,
             secret_id = :secret_id,
             previous_secret_id = :previous_secret_id,
             previous_until = :previous_until,
             disabled_at = iif(:disabled_reason is null, null, coalesce(disabled_at, :now)),
             disabled_reason = :disabled_reason,
             updated_at = :updated_at
         where id = :id",
    )?
    .execute(named_params! {
        ":url": webhook.url.as_str(),
        ":types": types_text(webhook)?,
        ":description": webhook.description,
        ":generation": webhook.secrets.generation,
        ":secret_id": webhook.secrets.secret_id.as_bytes(),
        ":previous_secret_id": webhook.secrets.previous.as_ref().map(|previous| previous.secret_id.as_bytes()),
        ":previous_until": webhook.secrets.previous.map(|previous| previous.until.as_millis()),
        ":disabled_reason": webhook.disabled.map(DisabledReason::name),
        ":now": tx.now.as_millis(),
        ":updated_at": webhook.updated_at.as_millis(),
        ":id": webhook.id.as_bytes(),
    })?;
    Ok(())
}

/// Disables a webhook that is enabled. Returns whether it was.
pub(crate) fn disable(tx: &WriteTx<'_>, id: Uuid, reason: DisabledReason) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update webhook
             set disabled_at = :now, disabled_reason = :reason, updated_at = :now
             where id = :id
               and disabled_at is null",
        )?
        .execute(
            named_params! { ":now": tx.now.as_millis(), ":reason": reason.name(),
            ":id": id.as_bytes() },
        )?;
    Ok(changed > 0)
}

/// Deletes a webhook with its deliveries.
pub fn delete(tx: &WriteTx<'_>, id: Uuid) -> Result<()> {
    tx.prepare_cached("delete from webhook where id = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

/// The webhooks of `organization`, by their ids.
pub(crate) fn list_of(tx: &WriteTx<'_>, organization: &OrganizationId) -> Result<Vec<Uuid>> {
    let mut statement =
        tx.prepare_cached("select id from webhook where organization_id = ?1 order by id")?;
    let ids = statement.query_map([organization.as_str()], |row| {
        row.get(0).map(Uuid::from_bytes)
    })?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Disables the webhooks of an organization that is being deleted: nothing more is sent to them.
pub(crate) fn disable_of(tx: &WriteTx<'_>, organization: &OrganizationId) -> Result<()> {
    tx.prepare_cached(
        "update webhook
         set disabled_at = :now, disabled_reason = :reason
         where organization_id = :organization_id
           and disabled_at is null",
    )?
    .execute(named_params! {
        ":now": tx.now.as_millis(),
        ":reason": DisabledReason::Gone.name(),
        ":organization_id": organization.as_str(),
    })?;
    Ok(())
}

/// The types of a webhook as a JSON array; none: all.
fn types_text(webhook: &Webhook) -> Result<Option<String>> {
    let names = webhook.types.as_deref().map(query::names);
    names
        .map(|names| serde_json::to_string(&names))
        .transpose()
        .map_err(Error::internal)
}

/// Reads a [`Webhook`] from a row of [`COLUMNS`].
fn from_row(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    let organization = row.get_ref(1)?.as_str_or_null()?;
    let types = row.get_ref(3)?.as_str_or_null()?;
    let disabled = row.get_ref(9)?.as_str_or_null()?;
    Ok(Webhook {
        id: Uuid::from_bytes(row.get(0)?),
        organization: organization
            .map(|id| OrganizationId::from_stored(id).map_err(|error| unreadable(1, error)))
            .transpose()?,
        url: Url::parse(row.get_ref(2)?.as_str()?).map_err(|error| unreadable(2, error))?,
        types: types
            .map(|types| read_types(types).ok_or_else(|| unreadable(3, "no list of types")))
            .transpose()?,
        description: row.get(4)?,
        secrets: secrets_from_row(row, 5)?,
        disabled: disabled
            .map(|name| DisabledReason::parse(name).ok_or_else(|| unreadable(9, "no such reason")))
            .transpose()?,
        created_at: Timestamp::from_millis(row.get(10)?),
        updated_at: Timestamp::from_millis(row.get(11)?),
    })
}

/// Reads the [`Secrets`] of a webhook from four columns, the first at `at`: `generation`,
/// `secret_id`, `previous_secret_id`, `previous_until`.
fn secrets_from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Secrets> {
    let previous: (Option<[u8; 16]>, Option<i64>) = (row.get(at + 2)?, row.get(at + 3)?);
    let previous = match previous {
        (Some(id), Some(until)) => Some(Previous {
            secret_id: SecretId::from_bytes(id),
            until: Timestamp::from_millis(until),
        }),
        _ => None,
    };
    Ok(Secrets {
        generation: row.get(at)?,
        secret_id: SecretId::from_bytes(row.get(at + 1)?),
        previous,
    })
}

/// Reads a JSON array of types.
fn read_types(text: &str) -> Option<Vec<EventType>> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    names.iter().map(|name| EventType::parse(name)).collect()
}

//! The SQL of secrets: what the data file knows of them, and what depends on each.

use rusqlite::named_params;

use super::SecretId;
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Reader, WriteTx};

/// What the data file knows of a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Its check value.
    pub id: SecretId,
    /// Until when it verifies links and codes; none: it has no end yet.
    pub verifies_until: Option<Timestamp>,
    /// Webhooks whose signing secrets are derived from it.
    pub webhooks: u32,
}

impl Known {
    /// Whether links and codes that it signed are good at `now`.
    pub(crate) fn verifies(&self, now: Timestamp) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }

    /// Whether anything needs it at `now`.
    pub(crate) fn is_needed(&self, now: Timestamp) -> bool {
        self.verifies(now) || self.webhooks > 0
    }
}

/// Every secret that the file knows, oldest first.
pub(crate) fn list(reader: &Reader<'_>) -> Result<Vec<Known>> {
    let mut statement = reader.prepare_cached(
        "select id, verifies_until,
                (select count(*)
                 from webhook
                 where secret_id = secret.id
                    or (previous_secret_id = secret.id and previous_until > :now))
         from secret
         order by created_at, id",
    )?;
    let known = statement.query_map(named_params! { ":now": reader.now.as_millis() }, |row| {
        Ok(Known {
            id: SecretId::from_bytes(row.get(0)?),
            verifies_until: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis),
            webhooks: row.get(2)?,
        })
    })?;
    Ok(known.collect::<rusqlite::Result<_>>()?)
}

/// How many links can be answered now.
pub(crate) fn count_pending(reader: &Reader<'_>) -> Result<u32> {
    let sql = "select count(*) from invitation where state = 0 and expires_at > ?1";
    Ok(reader.query_row(sql, [reader.now.as_millis()], |row| row.get(0))?)
}

/// Notes that a secret signs from now on.
pub(crate) fn insert_signing(tx: &WriteTx<'_>, id: SecretId) -> Result<()> {
    tx.prepare_cached(
        "insert into secret (id, created_at)
         values (:id, :now)
         on conflict do update set verifies_until = null",
    )?
    .execute(named_params! { ":id": id.as_bytes(), ":now": tx.now.as_millis() })?;
    Ok(())
}

/// Gives every secret but the signing one an end at `until`, unless it has one.
pub(crate) fn end_earlier(tx: &WriteTx<'_>, signing: SecretId, until: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "update secret set verifies_until = :until where id <> :id and verifies_until is null",
    )?
    .execute(named_params! { ":until": until.as_millis(), ":id": signing.as_bytes() })?;
    Ok(())
}

/// Ends every secret at `until`, unless it ends before.
pub(crate) fn end_all(tx: &WriteTx<'_>, until: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "update secret set verifies_until = min(coalesce(verifies_until, :until), :until)",
    )?
    .execute(named_params! { ":until": until.as_millis() })?;
    Ok(())
}

/// Derives the signing secrets of webhooks from `to` that were derived from `from`.
pub(crate) fn move_webhooks(tx: &WriteTx<'_>, from: SecretId, to: SecretId) -> Result<()> {
    tx.prepare_cached("update webhook set secret_id = :to where secret_id = :from")?
        .execute(named_params! { ":to": to.as_bytes(), ":from": from.as_bytes() })?;
    Ok(())
}

/// Forgets a secret from which no webhook's present signing secret is derived.
pub(crate) fn delete(tx: &WriteTx<'_>, id: SecretId) -> Result<()> {
    tx.prepare_cached("delete from secret where id = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

//! The SQL of stored answers.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{HOUR_MS, KEPT_MS, StoredResponse, Ticket};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::WriteTx;

/// The hours whose answers are stored, the present one included.
const HOURS_KEPT: i64 = KEPT_MS / HOUR_MS + 1;

/// The body hash and the answer that are stored for the key of `ticket`; none where they
/// are about an organization that is being deleted. `conn` is a reader's or a transaction's.
pub(crate) fn find(
    conn: &Connection,
    now: Timestamp,
    ticket: &Ticket,
) -> Result<Option<([u8; 32], StoredResponse)>> {
    let mut statement = conn.prepare_cached(
        "select body_hash, status, location, body, organization_id
         from idempotency
         where actor = :actor
           and operation = :operation
           and key = :key
           and created_at > :kept_since
           and not exists (select 1
                           from purge
                           where purge.organization_id = idempotency.organization_id)",
    )?;
    let found = statement.query_row(
        named_params! {
            ":actor": ticket.actor,
            ":operation": ticket.operation,
            ":key": ticket.key,
            ":kept_since": now.as_millis() - KEPT_MS,
        },
        |row| {
            let answer = StoredResponse {
                status: row.get(1)?,
                location: row.get(2)?,
                body: row.get(3)?,
                organization: row
                    .get_ref(4)?
                    .as_str_or_null()?
                    .and_then(OrganizationId::parse),
                replayed: true,
            };
            Ok((row.get(0)?, answer))
        },
    );
    Ok(found.optional()?)
}

/// Checks that the caller of `ticket` has room for one more answer. The last one may exceed it.
///
/// # Errors
/// [`Code::RateLimited`], until the oldest hour with stored answers is 24 hours old.
pub(crate) fn check_room(tx: &WriteTx<'_>, ticket: &Ticket) -> Result<()> {
    if ticket.room == 0 {
        return Ok(());
    }
    let mut statement = tx.prepare_cached(
        "select coalesce(sum(bytes), 0), coalesce(min(hour), 0)
         from idempotency_use
         where payer = :payer
           and hour > :before
           and hour <= :now",
    )?;
    let hour = hour_of(tx);
    let bound =
        named_params! { ":payer": ticket.payer(), ":before": hour - HOURS_KEPT, ":now": hour };
    let (bytes, oldest): (i64, i64) =
        statement.query_row(bound, |row| Ok((row.get(0)?, row.get(1)?)))?;
    if bytes < ticket.room {
        return Ok(());
    }
    let detail = format!(
        "{} MiB of answers are stored for this caller, as many as there may be in 24 hours. \
         Nothing was changed: send the request without its Idempotency-Key, or later.",
        ticket.room >> 20
    );
    let free_at = (oldest + HOURS_KEPT) * HOUR_MS;
    let seconds = u64::try_from((free_at - tx.now.as_millis()) / 1000 + 1).unwrap_or(1);
    Err(Error::new(Code::RateLimited, detail).retry_after(seconds))
}

/// Counts `bytes` that are stored for `payer`, and forgets what was counted more than 24 hours ago.
fn count(tx: &WriteTx<'_>, payer: &str, bytes: usize) -> Result<()> {
    let hour = hour_of(tx);
    tx.prepare_cached(
        "delete from idempotency_use
         where rowid in (select rowid from idempotency_use order by rowid limit 2)
           and hour <= :before",
    )?
    .execute(named_params! { ":before": hour - HOURS_KEPT })?;
    tx.prepare_cached(
        "insert into idempotency_use (payer, hour, bytes)
         values (:payer, :hour, :bytes)
         on conflict do update set bytes = bytes + :bytes",
    )?
    .execute(named_params! { ":payer": payer, ":hour": hour,
    ":bytes": i64::try_from(bytes).unwrap_or(i64::MAX) })?;
    Ok(())
}

/// The hour of the transaction, since the epoch.
fn hour_of(tx: &WriteTx<'_>) -> i64 {
    tx.now.as_millis().div_euclid(HOUR_MS)
}

/// Stores `answer`, in place of one that is older than 24 hours, and drops two other old ones: the
/// table stays as small as a day's requests without a sweep of its own.
pub(crate) fn insert(tx: &WriteTx<'_>, ticket: &Ticket, answer: &StoredResponse) -> Result<()> {
    tx.prepare_cached(
        "delete from idempotency
         where rowid in (select rowid from idempotency order by rowid limit 2)
           and created_at <= :kept_since",
    )?
    .execute(named_params! { ":kept_since": tx.now.as_millis() - KEPT_MS })?;
    tx.prepare_cached(
        "insert or replace into idempotency
           (actor, operation, key, body_hash, created_at, status, location, body,
            organization_id)
         values
           (:actor, :operation, :key, :body_hash, :created_at, :status, :location, :body,
            :organization_id)",
    )?
    .execute(named_params! {
        ":actor": ticket.actor,
        ":operation": ticket.operation,
        ":key": ticket.key,
        ":body_hash": ticket.body_hash,
        ":created_at": tx.now.as_millis(),
        ":status": answer.status,
        ":location": answer.location,
        ":body": answer.body,
        ":organization_id": answer.organization.as_ref().map(OrganizationId::as_str),
    })?;
    count(tx, ticket.payer(), ticket.size_of(answer))
}

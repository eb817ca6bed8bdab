//! The SQL of stored answers.

use rusqlite::{OptionalExtension, named_params};

use super::{Answer, KEPT_MS, Ticket};
use crate::db::WriteTx;
use crate::error::Result;

/// The body hash and the answer that are stored for the key of `ticket`; none where that names an organization, or the
/// invitation of one, that is being deleted.
pub fn find(tx: &WriteTx<'_>, ticket: &Ticket) -> Result<Option<([u8; 32], Answer)>> {
    let mut statement = tx.prepare_cached(
        "select body_hash, status, location, body
         from idempotency
         where actor = :actor
           and operation = :operation
           and key = :key
           and created_at > :kept_since
           and not exists (
             select 1
             from purge
             where organization_id is not null
               and (instr(:operation, '/v1/organizations/' || organization_id || '/')
                    or organization_id = (select organization_id
                                          from invitation
                                          where id = unhex(substr(:operation, -32))))
           )",
    )?;
    let found = statement.query_row(
        named_params! {
            ":actor": ticket.actor,
            ":operation": ticket.operation,
            ":key": ticket.key,
            ":kept_since": tx.now.as_millis() - KEPT_MS,
        },
        |row| {
            let answer = Answer { status: row.get(1)?, location: row.get(2)?, body: row.get(3)?, replayed: true };
            Ok((row.get(0)?, answer))
        },
    );
    Ok(found.optional()?)
}

/// Stores `answer`, in place of one that is older than 24 hours, and drops two other old ones: the table stays as small as
/// a day's requests without a sweep of its own.
pub fn insert(tx: &WriteTx<'_>, ticket: &Ticket, answer: &Answer) -> Result<()> {
    tx.prepare_cached(
        "delete from idempotency
         where rowid in (select rowid from idempotency order by rowid limit 2)
           and created_at <= :kept_since",
    )?
    .execute(named_params! { ":kept_since": tx.now.as_millis() - KEPT_MS })?;
    tx.prepare_cached(
        "insert or replace into idempotency
           (actor, operation, key, body_hash, created_at, status, location, body)
         values
           (:actor, :operation, :key, :body_hash, :created_at, :status, :location, :body)",
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
    })?;
    Ok(())
}

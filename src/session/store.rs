//! The SQL of sessions and of sign-in links.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{Hash, Session};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Reader, WriteTx, unreadable};
use crate::key::token::KeyId;

/// The session whose token has this hash, or had it before it was replaced.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn find(connection: &Connection, hash: &Hash) -> Result<Option<Session>> {
    let mut statement = connection.prepare_cached(
        "select token_hash, key_id, created_at, renewed_at, replaced_hash is not null
         from session
         where token_hash = ?1 or replaced_hash = ?1",
    )?;
    let found = statement.query_row([hash], |row| {
        Ok(Session {
            hash: row.get(0)?,
            shown: *hash,
            has_replaced: row.get(4)?,
            key: key_id(row, 1)?,
            created_at: Timestamp::from_millis(row.get(2)?),
            renewed_at: Timestamp::from_millis(row.get(3)?),
        })
    });
    Ok(found.optional()?)
}

/// Inserts a session of `key` with a token of this hash.
pub(super) fn insert(tx: &WriteTx<'_>, hash: &Hash, key: &KeyId) -> Result<()> {
    tx.prepare_cached(
        "insert into session (token_hash, key_id, created_at, renewed_at)
         values (:hash, :key, :now, :now)",
    )?
    .execute(named_params! { ":hash": hash, ":key": key.as_str(), ":now": tx.now.as_millis() })?;
    Ok(())
}

/// Replaces the token of `session`; the one that the browser has shown is still taken. Returns
/// whether the session was there with its token.
pub(super) fn replace(tx: &WriteTx<'_>, session: &Session, new: &Hash) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update session
             set token_hash = :new,
                 replaced_hash = :shown,
                 renewed_at = :now
             where token_hash = :old",
        )?
        .execute(
            named_params! { ":new": new, ":shown": session.shown, ":old": session.hash,
            ":now": tx.now.as_millis() },
        )?;
    Ok(changed > 0)
}

/// Forgets the token that the one with this hash has replaced.
pub(super) fn forget_replaced(tx: &WriteTx<'_>, hash: &Hash) -> Result<()> {
    tx.prepare_cached("update session set replaced_hash = null where token_hash = ?1")?
        .execute([hash])?;
    Ok(())
}

/// Deletes the session whose token has this hash, or had it until it was replaced. Returns whether
/// there was one.
pub(super) fn delete(tx: &WriteTx<'_>, hash: &Hash) -> Result<bool> {
    let deleted = tx
        .prepare_cached("delete from session where token_hash = ?1 or replaced_hash = ?1")?
        .execute([hash])?;
    Ok(deleted > 0)
}

/// Deletes the sessions of `key` but for the `kept` that got their tokens last. Returns how many
/// that were.
pub(super) fn delete_oldest(tx: &WriteTx<'_>, key: &KeyId, kept: u32) -> Result<usize> {
    let deleted = tx
        .prepare_cached(
            "delete from session
             where token_hash in (
               select token_hash
               from session
               where key_id = :key
               order by renewed_at desc, created_at desc
               limit -1 offset :kept
             )",
        )?
        .execute(named_params! { ":key": key.as_str(), ":kept": kept })?;
    Ok(deleted)
}

/// Deletes all sessions and all links. Returns the keys that the sessions stood for.
pub(super) fn delete_all(tx: &WriteTx<'_>) -> Result<Vec<KeyId>> {
    tx.execute("delete from login", [])?;
    let mut statement = tx.prepare_cached("delete from session returning key_id")?;
    let keys = statement.query_map([], |row| key_id(row, 0))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

/// Deletes the sessions that began before `begun`, or got their token before `renewed`.
pub(super) fn delete_ended(tx: &WriteTx<'_>, begun: Timestamp, renewed: Timestamp) -> Result<()> {
    tx.prepare_cached("delete from session where created_at <= ?1 or renewed_at <= ?2")?
        .execute([begun.as_millis(), renewed.as_millis()])?;
    Ok(())
}

/// How many sessions of `key` began after `begun`, and got their token after `renewed`.
pub(super) fn count(
    reader: &Reader<'_>,
    key: &KeyId,
    begun: Timestamp,
    renewed: Timestamp,
) -> Result<u32> {
    let mut statement = reader.prepare_cached(
        "select count(*)
         from session
         where key_id = :key
           and created_at > :begun
           and renewed_at > :renewed",
    )?;
    let bound = named_params! { ":key": key.as_str(), ":begun": begun.as_millis(),
    ":renewed": renewed.as_millis() };
    Ok(statement.query_row(bound, |row| row.get(0))?)
}

/// Inserts a sign-in link of `key` whose token has this hash.
pub(super) fn insert_link(
    tx: &WriteTx<'_>,
    hash: &Hash,
    key: &KeyId,
    expires_at: Timestamp,
) -> Result<()> {
    tx.prepare_cached(
        "insert into login (token_hash, key_id, expires_at)
         values (:hash, :key, :end)",
    )?
    .execute(
        named_params! { ":hash": hash, ":key": key.as_str(), ":end": expires_at.as_millis() },
    )?;
    Ok(())
}

/// Deletes the link with this hash. Returns its key where the link was still good.
pub(super) fn take_link(tx: &WriteTx<'_>, hash: &Hash) -> Result<Option<KeyId>> {
    let mut statement = tx.prepare_cached(
        "delete from login
         where token_hash = :hash
           and expires_at > :now
         returning key_id",
    )?;
    let bound = named_params! { ":hash": hash, ":now": tx.now.as_millis() };
    Ok(statement
        .query_row(bound, |row| key_id(row, 0))
        .optional()?)
}

/// Deletes the links whose time is over at `now`.
pub(super) fn delete_links_before(tx: &WriteTx<'_>, now: Timestamp) -> Result<()> {
    tx.prepare_cached("delete from login where expires_at <= ?1")?
        .execute([now.as_millis()])?;
    Ok(())
}

/// Reads the id of a key.
fn key_id(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<KeyId> {
    KeyId::parse(row.get_ref(column)?.as_str()?).ok_or_else(|| unreadable(column, "no id of a key"))
}

//! The SQL of API keys.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::token::{HashedSecret, KeyId, PlainKey};
use super::{Key, NewKey, Rights, Scopes};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::db::{Reader, Topic, WriteTx, unless_damaged, unreadable};

/// Columns of a [`Key`], in the order that [`from_row`] reads.
const COLUMNS: &str = "id, name, scopes, organizations, roles, created_at, expires_at, \
    revoked_at, created_by, last_used_at";

/// What the key `id` with this secret may do and when it ends, if it is a live key of this file.
pub(crate) fn find_rights(
    reader: &Reader<'_>,
    id: &KeyId,
    hashed: &HashedSecret,
) -> Result<Option<(Rights, Option<Timestamp>)>> {
    let mut statement = reader.prepare_cached(
        "select scopes, organizations, roles, secret_hash, expires_at
         from api_key
         where id = :id
           and revoked_at is null
           and (expires_at is null or expires_at > :now)",
    )?;
    let found = statement
        .query_row(
            named_params! { ":id": id.as_str(), ":now": reader.now.as_millis() },
            |row| {
                if !hashed.is_stored_as(row.get_ref(3)?.as_blob()?) {
                    return Ok(None);
                }
                let expires_at = row.get::<_, Option<i64>>(4)?;
                Ok(Some((
                    rights_from_row(row, 0)?,
                    expires_at.map(Timestamp::from_millis),
                )))
            },
        )
        .optional()?;
    Ok(found.flatten())
}

/// Whether there is any key, dead ones included.
pub(crate) fn exist(reader: &Reader<'_>) -> Result<bool> {
    Ok(
        reader.query_row("select exists (select 1 from api_key)", [], |row| {
            row.get(0)
        })?,
    )
}

/// Inserts `key`, of which only a hash is stored, for `created_by`.
pub(crate) fn insert(
    tx: &WriteTx<'_>,
    key: &PlainKey,
    new: &NewKey,
    created_by: &str,
) -> Result<()> {
    let names = |list: Vec<&str>| serde_json::to_string(&list).map_err(Error::internal);
    let organizations = new.rights.organizations.as_ref();
    let roles = new.rights.roles.as_ref();
    tx.prepare_cached(
        "insert into api_key (id, secret_hash, name, scopes, organizations, roles, created_by,
         created_at, expires_at)
         values (:id, :secret_hash, :name, :scopes, :organizations, :roles, :created_by, :now,
         :expires_at)",
    )?
    .execute(named_params! {
        ":id": key.id.as_str(),
        ":secret_hash": key.hashed().as_bytes(),
        ":name": new.name,
        ":scopes": new.rights.scopes.bits(),
        ":organizations": organizations.map(|list| names(list.iter().map(OrganizationId::as_str).collect())).transpose()?,
        ":roles": roles.map(|list| names(list.iter().map(Role::as_str).collect())).transpose()?,
        ":created_by": created_by,
        ":now": tx.now.as_millis(),
        ":expires_at": new.expires_at.map(Timestamp::as_millis),
    })?;
    Ok(())
}

/// Revokes the key `id`. Returns whether there was a key that was not revoked yet.
pub fn revoke(tx: &WriteTx<'_>, id: &KeyId) -> Result<bool> {
    let changed = tx
        .prepare_cached(
            "update api_key set revoked_at = :now where id = :id and revoked_at is null",
        )?
        .execute(named_params! { ":id": id.as_str(), ":now": tx.now.as_millis() })?;
    // Streams that were opened with it end.
    tx.announce(Topic::Events);
    Ok(changed > 0)
}

/// Writes when the key `id` was last used.
pub(crate) fn set_last_used(tx: &WriteTx<'_>, id: &KeyId, at: Timestamp) -> Result<()> {
    tx.prepare_cached("update api_key set last_used_at = :at where id = :id")?
        .execute(named_params! { ":id": id.as_str(), ":at": at.as_millis() })?;
    Ok(())
}

/// The keys that [`unbind`] would revoke: those that are bound to nothing but `organization`.
pub(crate) fn list_bound_only_to(
    tx: &WriteTx<'_>,
    organization: &OrganizationId,
) -> Result<Vec<Key>> {
    let mut statement = tx.prepare_cached(&format!(
        "select {COLUMNS}
         from api_key
         where revoked_at is null
           and organizations is not null
           and not exists (select 1 from json_each(organizations) where value <> ?1)"
    ))?;
    let keys = statement.query_map([organization.as_str()], from_row)?;
    keys.filter_map(|key| unless_damaged("api_key", key.map_err(Error::from)).transpose())
        .collect()
}

/// Takes `organization` from the keys that are bound to it. One that is bound to nothing else is
/// revoked, and keeps its binding: without one it would open everything.
pub(crate) fn unbind(tx: &WriteTx<'_>, organization: &OrganizationId) -> Result<()> {
    tx.prepare_cached(
        "update api_key
         set (revoked_at, organizations) =
             (select iif(count(*) = 0, coalesce(revoked_at, :now), revoked_at),
                     iif(count(*) = 0, organizations, json_group_array(value))
              from json_each(organizations)
              where value <> :organization_id)
         where organizations is not null
           and exists (select 1 from json_each(organizations) where value = :organization_id)",
    )?
    .execute(
        named_params! { ":organization_id": organization.as_str(), ":now": tx.now.as_millis() },
    )?;
    Ok(())
}

/// Checks that the key `id` is live at the time of the transaction.
///
/// # Errors
/// [`crate::base::error::Code::Unauthorized`].
pub(crate) fn check_live(tx: &WriteTx<'_>, id: &KeyId) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "select 1
         from api_key
         where id = :id
           and revoked_at is null
           and (expires_at is null or expires_at > :now)",
    )?;
    let is_live =
        statement.exists(named_params! { ":id": id.as_str(), ":now": tx.now.as_millis() })?;
    is_live.then_some(()).ok_or_else(Error::unauthorized)
}

/// The key `id`, dead or alive. `conn` is a reader's or a transaction's.
pub fn find(conn: &Connection, id: &KeyId) -> Result<Option<Key>> {
    let mut statement =
        conn.prepare_cached(&format!("select {COLUMNS} from api_key where id = ?1"))?;
    Ok(statement.query_row([id.as_str()], from_row).optional()?)
}

/// Every key, oldest first.
pub(crate) fn list(reader: &Reader<'_>) -> Result<Vec<Key>> {
    let mut statement = reader.prepare_cached(&format!(
        "select {COLUMNS} from api_key order by created_at, id"
    ))?;
    let keys = statement.query_map([], from_row)?;
    keys.filter_map(|key| unless_damaged("api_key", key.map_err(Error::from)).transpose())
        .collect()
}

/// Reads a [`Key`] from a row of [`COLUMNS`].
fn from_row(row: &Row<'_>) -> rusqlite::Result<Key> {
    let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    Ok(Key {
        id: KeyId::parse(row.get_ref(0)?.as_str()?)
            .ok_or_else(|| unreadable(0, "no id of a key"))?,
        name: row.get(1)?,
        rights: rights_from_row(row, 2)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        expires_at: time(row.get(6)?),
        revoked_at: time(row.get(7)?),
        created_by: row.get(8)?,
        last_used_at: time(row.get(9)?),
    })
}

/// Reads scopes, organizations and roles from three columns, the first of which is `first`.
fn rights_from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Rights> {
    Ok(Rights {
        scopes: Scopes::from_bits(row.get(first)?),
        organizations: names(row, first + 1, OrganizationId::parse)?,
        roles: names(row, first + 2, Role::parse)?,
    })
}

/// Reads a JSON array of names; null is none.
fn names<T>(
    row: &Row<'_>,
    column: usize,
    parse: fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<Vec<T>>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else {
        return Ok(None);
    };
    let names: Vec<String> =
        serde_json::from_str(text).map_err(|error| unreadable(column, error))?;
    // A binding that cannot be read must never widen the key.
    names
        .iter()
        .map(|name| parse(name).ok_or_else(|| unreadable(column, "no such entry of a list")))
        .collect::<rusqlite::Result<_>>()
        .map(Some)
}

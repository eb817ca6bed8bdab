//! The SQL of what is still to leave the file.

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::{Stage, being_deleted};
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, Topic, WriteTx};

/// Begins the deletion of an organization: from this transaction on nobody finds it. Returns the id
/// of the deletion.
pub(crate) fn insert_deletion(tx: &WriteTx<'_>, organization: &OrganizationId) -> Result<Uuid> {
    insert(tx, Stage::Rows, Some(organization))
}

/// Begins a deletion of rows that whoever calls this deletes, and ends with [`end`]. Returns its
/// id.
pub fn insert_begun(tx: &WriteTx<'_>) -> Result<Uuid> {
    insert(tx, Stage::Begun, None)
}

/// Inserts a row.
fn insert(tx: &WriteTx<'_>, stage: Stage, organization: Option<&OrganizationId>) -> Result<Uuid> {
    let id = tx.new_id();
    tx.prepare_cached("insert into purge (id, stage, organization_id) values (?1, ?2, ?3)")?
        .execute((
            id.as_bytes(),
            stage as u8,
            organization.map(OrganizationId::as_str),
        ))?;
    tx.announce(Topic::Purge);
    tx.announce(Topic::Organizations);
    Ok(id)
}

/// Notes that the rows of a deletion are gone: its text comes next.
pub(crate) fn end(tx: &WriteTx<'_>, id: Uuid) -> Result<()> {
    advance(tx, id, Stage::Text)
}

/// Notes that a deletion has come to `stage`, in which it has no organization.
pub(crate) fn advance(tx: &WriteTx<'_>, id: Uuid, stage: Stage) -> Result<()> {
    tx.prepare_cached("update purge set stage = ?2, organization_id = null where id = ?1")?
        .execute((id.as_bytes(), stage as u8))?;
    tx.announce(Topic::Purge);
    Ok(())
}

/// Takes a deletion of which nothing is left from the table.
pub(crate) fn delete(tx: &WriteTx<'_>, id: Uuid) -> Result<()> {
    tx.prepare_cached("delete from purge where id = ?1")?
        .execute([id.as_bytes()])?;
    tx.announce(Topic::Purge);
    Ok(())
}

/// Where the deletion `id` is; none: nothing is left of it.
pub(crate) fn find_stage(reader: &Reader<'_>, id: Uuid) -> Result<Option<Stage>> {
    let mut statement = reader.prepare_cached("select stage from purge where id = ?1")?;
    let stage = statement
        .query_row([id.as_bytes()], |row| row.get::<_, u8>(0))
        .optional()?;
    Ok(stage.map(|stage| match stage {
        0 => Stage::Rows,
        1 => Stage::Begun,
        2 => Stage::Text,
        _ => Stage::Log,
    }))
}

/// The deletions in `stage`, oldest first.
pub(crate) fn list(reader: &Reader<'_>, stage: Stage) -> Result<Vec<Uuid>> {
    let mut statement =
        reader.prepare_cached("select id from purge where stage = ?1 order by id")?;
    let ids = statement.query_map([stage as u8], |row| row.get(0).map(Uuid::from_bytes))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// The deletions of organizations that still have rows, oldest first.
pub(crate) fn list_deletions(reader: &Reader<'_>) -> Result<Vec<(Uuid, OrganizationId)>> {
    let mut statement = reader.prepare_cached(
        "select id, organization_id from purge where organization_id is not null order by id",
    )?;
    let mut rows = statement.query([])?;
    let mut deletions = Vec::new();
    while let Some(row) = rows.next()? {
        let organization = row.get_ref(1)?.as_str().map_err(Error::internal)?;
        let organization = OrganizationId::from_stored(organization)?;
        deletions.push((Uuid::from_bytes(row.get(0)?), organization));
    }
    Ok(deletions)
}

/// Whether the deletion `id` of `organization` still goes on: in development a reset may have ended
/// it, and what has that name by now is another organization.
pub(crate) fn is_deleting(
    tx: &WriteTx<'_>,
    id: Uuid,
    organization: &OrganizationId,
) -> Result<bool> {
    let mut statement =
        tx.prepare_cached("select 1 from purge where id = ?1 and organization_id = ?2")?;
    Ok(statement.exists((id.as_bytes(), organization.as_str()))?)
}

/// Checks that `organization` is not being deleted, before something is made in it.
///
/// # Errors
/// [`crate::base::error::Code::NotFound`] that says so.
pub(crate) fn check_stands(conn: &Connection, organization: &OrganizationId) -> Result<()> {
    let mut statement = conn.prepare_cached("select 1 from purge where organization_id = ?1")?;
    if statement.exists([organization.as_str()])? {
        Err(being_deleted())
    } else {
        Ok(())
    }
}

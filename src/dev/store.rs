//! The SQL that empties the file, and the one change that only a seed makes.

use rusqlite::named_params;
use uuid::Uuid;

use crate::db::WriteTx;
use crate::error::Result;
use crate::organization::OrganizationId;

/// Deletes every row of every table of the file; the tables stay.
pub fn empty(tx: &WriteTx<'_>) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "select name
         from sqlite_schema
         where type = 'table'
           and name not like 'sqlite\\_%' escape '\\'",
    )?;
    let tables: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    // References are checked when all tables are empty, so their order does not matter.
    tx.pragma_update(None, "defer_foreign_keys", true)?;
    let emptied = tables.iter().try_for_each(|table| tx.execute(&format!("delete from \"{table}\""), []).map(drop));
    tx.pragma_update(None, "defer_foreign_keys", false)?;
    Ok(emptied?)
}

/// Notes who accepted an invitation.
pub fn set_accepted_by(tx: &WriteTx<'_>, organization: &OrganizationId, id: Uuid, subject: &str) -> Result<()> {
    tx.prepare_cached(
        "update invitation
         set accepted_by = :subject
         where organization_id = :organization_id
           and id = :id",
    )?
    .execute(named_params! {
        ":subject": subject,
        ":organization_id": organization.as_str(),
        ":id": id.as_bytes(),
    })?;
    Ok(())
}

//! The SQL of organizations.

use super::OrganizationId;
use crate::clock::Timestamp;
use crate::db::{Reader, WriteTx};
use crate::error::Result;

/// Makes the organization known, if it is not yet.
pub fn ensure(tx: &WriteTx<'_>, id: &OrganizationId) -> Result<()> {
    // Nearly always it is known: a look is cheaper than an insert that does nothing. Only this transaction writes.
    if !tx.prepare_cached("select 1 from organization where id = ?1")?.exists([id.as_str()])? {
        tx.prepare_cached("insert into organization (id, created_at) values (?1, ?2)")?
            .execute((id.as_str(), tx.now.as_millis()))?;
    }
    Ok(())
}

/// Whether any organization is known.
pub fn exist(reader: &Reader<'_>) -> Result<bool> {
    Ok(reader.query_row("select exists (select 1 from organization)", [], |row| row.get(0))?)
}

/// Every organization, by id, with the time of its first invitation.
pub fn list(reader: &Reader<'_>, mut each: impl FnMut(&str, Timestamp)) -> Result<()> {
    let mut statement = reader.prepare_cached("select id, created_at from organization order by id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str().map_err(crate::error::Error::internal)?, Timestamp::from_millis(row.get(1)?));
    }
    Ok(())
}

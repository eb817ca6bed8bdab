//! The SQL that empties the file.

use crate::base::error::Result;
use crate::db::{Topic, WriteTx};

/// Deletes every row of every table of the file but `secret` and `tally`; the tables stay. Which
/// secrets the file belongs to is a fact about the server, which goes on. The other one counts the
/// rows as they go.
pub fn empty(tx: &WriteTx<'_>) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "select name
         from sqlite_schema
         where type = 'table'
           and name not in ('secret', 'tally')
           and name not like 'sqlite\\_%' escape '\\'",
    )?;
    let tables: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // References are checked when all tables are empty, so their order does not matter.
    tx.pragma_update(None, "defer_foreign_keys", true)?;
    let emptied = tables.iter().try_for_each(|table| {
        tx.execute(&format!("delete from \"{table}\""), [])
            .map(drop)
    });
    tx.pragma_update(None, "defer_foreign_keys", false)?;
    // Streams of events end.
    tx.announce(Topic::Events);
    Ok(emptied?)
}

//! The SQL that empties the file.

use crate::base::error::Result;
use crate::base::ids::Place;
use crate::db::{Topic, WriteTx};

/// Empties the file, and has `fill` put something into it. The ids of a seed begin anew.
///
/// # Errors
/// What `fill` returns, or that the file cannot be written: the transaction must not be committed.
pub(crate) fn replace<T>(tx: &WriteTx<'_>, fill: impl FnOnce() -> Result<T>) -> Result<T> {
    let place = tx.place_of_ids();
    tx.set_place_of_ids(Place::default());
    empty(tx)
        .and_then(|()| fill())
        .inspect_err(|_| tx.set_place_of_ids(place))
}

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
    tx.announce(Topic::Organizations);
    Ok(emptied?)
}

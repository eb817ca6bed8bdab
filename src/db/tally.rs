//! How many rows of which kind there are, kept by the writer as they change: nobody has to count
//! them.
//!
//! Triggers do it, so that no change of a row is left out, whatever makes it: a cascade, a rolled
//! back part of a transaction, a command beside the server. They belong to the connection that
//! writes and are not in the file: a file in which code lies is refused ([`super::schema`]).

use rusqlite::{Connection, Result as SqlResult};

use super::Reader;
use crate::base::error::Result;

/// The number of an invitation's status: what its history says. A pending one whose end is told
/// there has expired.
const INVITATION: &str = "iif(ROW.state = 0 and ROW.lapse is 1, 4, ROW.state)";
/// The number of the kind and the state of a mail in the queue.
const MAIL: &str = "10 + 4 * ROW.kind + case when ROW.lease is not null then 2
    when ROW.lane is not null then 1
    when ROW.attempts = 0 then 0
    else 3 end";
/// The number of the state of a delivery that waits; none has the number of one that has ended.
const DELIVERY: &str = "iif(ROW.state <> 0, null, 29 + coalesce(ROW.lane, 3))";

/// What is counted: a table, the columns by which its rows change what they count as, and the
/// number of what a row counts as.
const COUNTED: [(&str, &str, &str); 3] = [
    ("invitation", "state, lapse", INVITATION),
    ("mail", "lease, lane, attempts", MAIL),
    ("webhook_delivery", "state, lane", DELIVERY),
];

/// A number of rows.
#[derive(Debug)]
pub(crate) struct Count {
    /// Of what.
    pub what: String,
    /// Of which kind.
    pub kind: String,
    /// In which state.
    pub state: String,
    /// How many.
    pub count: u64,
}

/// Has every change that `conn` makes from now on be counted.
pub(super) fn keep(conn: &Connection) -> SqlResult<()> {
    COUNTED.iter().try_for_each(|(table, columns, number)| {
        let [old, new] = ["old", "new"].map(|row| number.replace("ROW", row));
        let less = format!("update tally set count = count - 1 where id = {old};");
        let more = format!("update tally set count = count + 1 where id = {new};");
        conn.execute_batch(&format!(
            "create temp trigger {table}_inserted after insert on main.{table}
             begin {more} end;
             create temp trigger {table}_deleted after delete on main.{table}
             begin {less} end;
             create temp trigger {table}_updated after update of {columns} on main.{table}
             when ({old}) is not ({new})
             begin {less} {more} end;"
        ))
    })
}

/// How many rows of everything there are.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn list(reader: &Reader<'_>) -> Result<Vec<Count>> {
    let mut statement =
        reader.prepare_cached("select what, kind, state, count from tally order by id")?;
    let counts = statement.query_map([], |row| {
        let count: i64 = row.get(3)?;
        Ok(Count {
            what: row.get(0)?,
            kind: row.get(1)?,
            state: row.get(2)?,
            // Whoever deletes rows by another program has them counted still.
            count: u64::try_from(count).unwrap_or_default(),
        })
    })?;
    Ok(counts.collect::<SqlResult<_>>()?)
}

//! A copy of all rows of the file, which can be put back later. Only development keeps any.
//!
//! A copy is a temporary file that SQLite makes without a name: it goes with the process, however
//! that ends. Most copies never leave the page cache.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, Result as SqlResult};

use super::transaction::WriteTx;
use super::{Reader, connection};
use crate::base::error::Result;

/// The table that is not replaced: to which secrets the file belongs is a fact about the server,
/// which goes on.
const SECRETS: &str = "secret";

/// The table that counts the rows of the others as they are replaced.
const TALLY: &str = "tally";

/// All rows of the file at a point in time.
pub(crate) struct RowCopy {
    /// The connection to the copy.
    conn: Connection,
}

impl RowCopy {
    /// Copies all rows that `reader` sees, at one point in time.
    ///
    /// # Errors
    /// When the file cannot be read, or the copy has no place.
    pub(crate) fn take(reader: &Reader<'_>) -> Result<Self> {
        let conn = connection::open_temporary()?;
        let (from, into) = (
            reader.unchecked_transaction()?,
            conn.unchecked_transaction()?,
        );
        for table in list_tables(&into)? {
            copy_rows(&from, &into, &table, "insert")?;
        }
        into.commit()?;
        Ok(Self { conn })
    }

    /// Puts the rows of the copy in the place of all that is in the file now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn put_back(&self, tx: &WriteTx<'_>) -> Result<()> {
        let tables = list_tables(&self.conn)?;
        // References are checked when all rows are there, so the order of tables does not matter.
        tx.pragma_update(None, "defer_foreign_keys", true)?;
        let replaced = tables
            .iter()
            .try_for_each(|table| self.replace_rows(tx, table));
        tx.pragma_update(None, "defer_foreign_keys", false)?;
        replaced?;
        Ok(tx.tally.add_uncounted(tx)?)
    }

    /// Replaces the rows of `table` by those of the copy.
    fn replace_rows(&self, tx: &WriteTx<'_>, table: &str) -> SqlResult<()> {
        if table == SECRETS {
            // What was signed by a secret of then may name one that is gone since.
            return copy_rows(&self.conn, tx, table, "insert or ignore");
        }
        tx.execute(&format!("delete from {table}"), [])?;
        copy_rows(&self.conn, tx, table, "insert")
    }
}

/// The tables of a new file but the one that counts. Those of other programs are not among them.
fn list_tables(copy: &Connection) -> SqlResult<Vec<String>> {
    copy.prepare(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite%' \
         and name <> ?1",
    )?
    .query_map([TALLY], |row| row.get(0))?
    .collect()
}

/// Copies all rows of `table`, in their order.
fn copy_rows(from: &Connection, into: &Connection, table: &str, insert: &str) -> SqlResult<()> {
    let names = list_stored_columns(from, table)?;
    let (columns, names) = (names.len(), names.join(", "));
    let places = vec!["?"; columns].join(", ");
    let mut select = from.prepare(&format!("select {names} from {table}"))?;
    let mut insert = into.prepare(&format!(
        "{insert} into {table} ({names}) values ({places})"
    ))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            let value = ToSqlOutput::Borrowed(row.get_ref(column)?);
            insert.raw_bind_parameter(column + 1, value)?;
        }
        insert.raw_execute()?;
    }
    Ok(())
}

/// The columns of `table` but those that the database makes itself.
pub(super) fn list_stored_columns(conn: &Connection, table: &str) -> SqlResult<Vec<String>> {
    conn.prepare_cached("select name from pragma_table_info(?1)")?
        .query_map([table], |row| row.get(0))?
        .collect()
}

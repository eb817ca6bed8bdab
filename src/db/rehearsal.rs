//! Runs a job without effect, on a copy in memory of the few rows that it may meet: the same code
//! as in the writer, and nobody waits for it.

use std::cell::Cell;

use rusqlite::types::Value;
use rusqlite::{Connection, Params, params_from_iter};

use super::ids::IdMint;
use super::row_copy::list_stored_columns;
use super::tally::Tally;
use super::transaction::WriteTx;
use super::{Db, Reader, connection};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::ids::Ids;
use crate::base::organization_id::OrganizationId;

/// A file in memory with the present schema.
pub(crate) struct Stage {
    /// The connection to it.
    conn: Connection,
    /// What counts its rows.
    tally: Tally,
}

impl Stage {
    /// An empty one.
    fn new() -> Result<Self> {
        let conn = connection::open_in_memory()?;
        let tally = Tally::of(&conn)?;
        Ok(Self { conn, tally })
    }

    /// Copies the rows of `table` that fulfil `condition`, in which `bound` stands for its
    /// parameters.
    ///
    /// # Errors
    /// When the file cannot be read, or the condition is not one.
    pub(crate) fn copy(
        &self,
        reader: &Reader<'_>,
        table: &str,
        condition: &str,
        bound: impl Params,
    ) -> Result<()> {
        let names = list_stored_columns(&self.conn, table)?;
        let (columns, names) = (names.len(), names.join(", "));
        let mut select =
            reader.prepare_cached(&format!("select {names} from {table} where {condition}"))?;
        let places = vec!["?"; columns].join(", ");
        let mut insert = self
            .conn
            .prepare_cached(&format!("insert into {table} ({names}) values ({places})"))?;
        let mut rows = select.query(bound)?;
        while let Some(row) = rows.next()? {
            let values: rusqlite::Result<Vec<Value>> =
                (0..columns).map(|column| row.get(column)).collect();
            insert.execute(params_from_iter(values?))?;
        }
        Ok(())
    }

    /// Has `rows` invitations of `organization` count for its cap at `now`, whatever was copied.
    pub(crate) fn set_capped(&self, organization: &OrganizationId, now: Timestamp, rows: i64) {
        self.tally.caps.set(organization.as_str(), now, rows);
    }
}

impl Db {
    /// Runs `job` on what `copy` takes along from one snapshot, on a thread of the blocking pool,
    /// when it is the turn of `actor`. Nothing of it is kept.
    ///
    /// # Errors
    /// What `copy` or `job` returns; [`crate::base::error::Code::ReadTimeout`] when the copy takes
    /// too long.
    pub(crate) async fn rehearse<T: Send + 'static>(
        &self,
        actor: &str,
        copy: impl Fn(&Reader<'_>, &Stage) -> Result<()> + Send + 'static,
        job: impl Fn(&WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let play = move |reader: &Reader<'_>| {
            let stage = Stage::new()?;
            copy(reader, &stage)?;
            let (ids, topics) = (IdMint::after(&stage.conn, Ids::Random), Cell::new(0));
            job(&WriteTx::new(
                &stage.conn,
                reader.now,
                &ids,
                &topics,
                &stage.tally,
            ))
        };
        self.read_long(actor, play).await
    }
}

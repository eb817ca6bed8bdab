//! How many rows of which kind there are, kept by the writer as they change: nobody has to count
//! them.
//!
//! Triggers do it, so that no change of a row is left out, whatever makes it: a cascade, an erasure,
//! a command beside the server. They belong to the connection that writes and are not in the file: a
//! file in which code lies is refused ([`super::schema`]). They add to sums in memory, which are
//! written once a commit, by the same commit: many creates share one write of them. Whoever undoes a
//! part of a transaction takes the sums back to where they were.
//!
//! New invitations have no trigger: their one statement counts them itself
//! ([`super::WriteTx::count_new_invitation`]). Where a statement has a trigger, SQLite keeps a copy of
//! each page that it changes, in case the trigger fails: a fifth of SQLite's part of a create.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Null;
use rusqlite::{Connection, Result as SqlResult};

use super::cap_counts::CapCounts;
use super::{Reader, WriteTx};
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

/// A table whose rows are counted.
struct Counted {
    /// Its name.
    table: &'static str,
    /// The columns by which a row changes what it counts as.
    columns: &'static str,
    /// The number of what a row counts as.
    number: &'static str,
    /// Whether a trigger counts new rows.
    has_insert: bool,
}

/// All of them.
const COUNTED: [Counted; 3] = [
    Counted {
        table: "invitation",
        columns: "state, lapse",
        number: INVITATION,
        has_insert: false,
    },
    Counted {
        table: "mail",
        columns: "lease, lane, attempts",
        number: MAIL,
        has_insert: true,
    },
    Counted {
        table: "webhook_delivery",
        columns: "state, lane",
        number: DELIVERY,
        has_insert: true,
    },
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

impl Counted {
    /// The statements that make its triggers.
    fn triggers(&self) -> String {
        let Self { table, columns, .. } = self;
        let [old, new] = ["old", "new"].map(|row| self.number.replace("ROW", row));
        let less = format!("select tally({old}, -1);");
        let more = format!("select tally({new}, 1);");
        let insert = format!(
            "create temp trigger {table}_inserted after insert on main.{table}
             begin {more} end;"
        );
        let others = format!(
            "create temp trigger {table}_deleted after delete on main.{table}
             begin {less} end;
             create temp trigger {table}_updated after update of {columns} on main.{table}
             begin {less} {more} end;"
        );
        if self.has_insert {
            insert + &others
        } else {
            others
        }
    }
}

/// Above the numbers of all that is counted.
const NUMBERS: usize = 33;

/// What the open transaction adds to the counts.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The sums of what it adds, by number.
    sums: Sums,
    /// The counts for caps.
    pub(super) caps: CapCounts,
}

/// What a transaction adds to each number.
#[derive(Clone, Debug)]
struct Sums(Arc<[AtomicI64; NUMBERS]>);

/// The sums of a moment of a transaction, and how much it had done to the counts for caps.
pub(crate) struct Mark([i64; NUMBERS], usize);

impl Tally {
    /// Has every change that `conn` makes from now on be counted, but for new invitations.
    ///
    /// # Errors
    /// When `conn` is not the connection to a data file.
    pub(super) fn of(conn: &Connection) -> SqlResult<Self> {
        let sums = Sums(Arc::new(std::array::from_fn(|_| AtomicI64::new(0))));
        let told = sums.clone();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
        conn.create_scalar_function("tally", 2, flags, move |call| {
            told.add(call.get(0)?, call.get(1)?);
            Ok(Null)
        })?;
        for counted in COUNTED {
            conn.execute_batch(&counted.triggers())?;
        }
        let caps = CapCounts::of(conn)?;
        Ok(Self { sums, caps })
    }

    /// Counts a new invitation in `state`.
    pub(super) fn add_new_invitation(&self, state: u8) {
        self.sums.add(Some(u16::from(state)), 1);
    }

    /// Counts all rows that no trigger has counted when they were inserted, where all of them are
    /// new in this transaction.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn add_uncounted(&self, conn: &Connection) -> SqlResult<()> {
        for Counted { table, number, .. } in COUNTED.iter().filter(|counted| !counted.has_insert) {
            let number = number.replace("ROW", table);
            let sql = format!("select {number}, count(*) from {table} group by 1");
            let mut statement = conn.prepare_cached(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                self.sums.add(row.get(0)?, row.get(1)?);
            }
        }
        self.caps.forget();
        Ok(())
    }

    /// The sums as they are now.
    pub(super) fn mark(&self) -> Mark {
        let sums = std::array::from_fn(|number| self.sums.0[number].load(Ordering::Relaxed));
        Mark(sums, self.caps.mark())
    }

    /// Takes the sums back to where they were.
    pub(super) fn undo_to(&self, Mark(sums, caps): &Mark) {
        for (sum, before) in self.sums.0.iter().zip(sums) {
            sum.store(*before, Ordering::Relaxed);
        }
        self.caps.undo_to(*caps);
    }

    /// Forgets what a transaction did that came to nothing.
    pub(super) fn clear(&self) {
        self.undo_to(&Mark([0; NUMBERS], 0));
        self.caps.end();
    }

    /// Keeps what a transaction did: it is committed.
    pub(super) fn keep(&self) {
        self.caps.end();
    }

    /// Writes the sums into the file, before the commit of what they are about.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn store(&self, conn: &Connection) -> SqlResult<()> {
        for (number, sum) in (0_u16..).zip(self.sums.0.iter()) {
            let sum = sum.swap(0, Ordering::Relaxed);
            if sum != 0 {
                conn.prepare_cached("update tally set count = count + ?2 where id = ?1")?
                    .execute((number, sum))?;
            }
        }
        Ok(())
    }
}

impl Sums {
    /// Adds `by` to the sum of a number; none is of what is not counted.
    fn add(&self, number: Option<u16>, by: i64) {
        if let Some(sum) = number.and_then(|number| self.0.get(usize::from(number))) {
            sum.fetch_add(by, Ordering::Relaxed);
        }
    }
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

/// A count that is not the number of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miscount {
    /// The number of what is counted.
    id: i64,
    /// What is counted: of what, of which kind, in which state.
    what: String,
    /// What the file says.
    kept: i64,
    /// How many rows there are.
    there: i64,
}

/// As a person reads it.
impl fmt::Display for Miscount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what, kept, there, ..
        } = self;
        write!(
            f,
            "the count of \"{what}\" is {kept}, and there are {there}"
        )
    }
}

/// Counts every row anew, and compares that with what the file says.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn compare(conn: &Connection) -> Result<Vec<Miscount>> {
    let mut there = HashMap::new();
    for Counted { table, number, .. } in COUNTED {
        let number = number.replace("ROW", table);
        let sql = format!("select {number}, count(*) from {table} group by 1");
        let mut statement = conn.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            // What has no number is not counted.
            if let Some(number) = row.get::<_, Option<i64>>(0)? {
                there.insert(number, row.get::<_, i64>(1)?);
            }
        }
    }
    let mut statement =
        conn.prepare("select id, trim(what || ' ' || kind) || ' ' || state, count from tally")?;
    let counts = statement.query_map([], |row| {
        let id = row.get(0)?;
        Ok(Miscount {
            id,
            what: row.get(1)?,
            kept: row.get(2)?,
            there: there.get(&id).copied().unwrap_or_default(),
        })
    })?;
    let mut counts = counts.collect::<SqlResult<Vec<_>>>()?;
    counts.retain(|count| count.kept != count.there);
    Ok(counts)
}

/// Has every count be the number of its rows. Returns which were not.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn recount(tx: &WriteTx<'_>) -> Result<Vec<Miscount>> {
    let wrong = compare(tx)?;
    for count in &wrong {
        tx.prepare_cached("update tally set count = ?2 where id = ?1")?
            .execute((count.id, count.there))?;
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::connection;

    /// Whether a statement runs a trigger.
    fn has_trigger(conn: &Connection, sql: &str) -> SqlResult<bool> {
        let mut explained = conn.prepare(&format!("explain {sql}"))?;
        let steps = explained.query_map([], |row| row.get::<_, String>("opcode"))?;
        let steps: Vec<_> = steps.collect::<SqlResult<_>>()?;
        assert!(steps.len() > 3, "{steps:?}");
        Ok(steps.iter().any(|step| step == "Program"))
    }

    #[test]
    fn every_change_that_counts_runs_a_trigger_but_the_one_that_creates_would_pay_for()
    -> SqlResult<()> {
        let conn = connection::open_in_memory()?;
        Tally::of(&conn)?;
        for (sql, expected) in [
            (
                "insert into invitation (organization_id, id, email) values (1, 2, 3)",
                false,
            ),
            ("update invitation set state = 1", true),
            ("update invitation set lapse = 1", true),
            ("delete from invitation", true),
            ("insert into mail (invitation_id, kind) values (1, 2)", true),
            ("update mail set lease = 1", true),
            ("delete from mail", true),
            (
                "insert into webhook_delivery (webhook_id, id) values (1, 2)",
                true,
            ),
            ("update webhook_delivery set lane = 2", true),
            ("delete from webhook_delivery", true),
        ] {
            assert_eq!(has_trigger(&conn, sql)?, expected, "{sql}");
        }
        Ok(())
    }
}

//! Schemas that may come one day, for tests of how a file is brought up to date.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::connection::{self, Synchronous};
use super::migration::{Migration, Migrations};
use crate::base::hex::hex;

/// The first schema.
const FIRST: Migration = Migration {
    name: "0001",
    sql: include_str!("../../../migrations/0001.sql"),
};
/// A table to which others refer is made anew, with a column more.
const SECOND: Migration = Migration {
    name: "0002_organization_note",
    sql: include_str!("0002_organization_note.sql"),
};
/// Two more schemas.
pub(crate) const LATER: Migrations = Migrations(&[
    FIRST,
    SECOND,
    Migration {
        name: "0003_key_colour",
        sql: include_str!("0003_key_colour.sql"),
    },
]);
/// The second step is refused by SQLite when half of it is done.
pub(crate) const FAILING: Migrations = Migrations(&[
    FIRST,
    Migration {
        name: "0002_half",
        sql: include_str!("half.sql"),
    },
]);
/// The third step takes away what others refer to.
pub(crate) const BREAKING: Migrations = Migrations(&[
    FIRST,
    SECOND,
    Migration {
        name: "0003_broken",
        sql: include_str!("broken_references.sql"),
    },
]);

/// Puts a copy of the file of the first release to `path`, with 8,000 organizations more. What was
/// written last is in its log only, as after a kill.
pub(crate) fn make(path: &Path) {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-1.db");
    let served = path.with_extension("served");
    std::fs::copy(fixture, &served).expect("a copy");
    let conn = connection::open_writer(&served, Synchronous::Full).expect("it opens");
    conn.execute_batch(include_str!("fill.sql"))
        .expect("it is filled");
    conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
        .expect("it is moved");
    conn.execute_batch("insert into organization values ('in-the-log', null, 1, 1)")
        .expect("it is written");
    for suffix in ["", "-wal"] {
        let from = super::place::beside(&served, suffix);
        std::fs::copy(&from, super::place::beside(path, suffix)).expect("a copy");
    }
    drop(conn);
    std::fs::remove_file(served).expect("it is removed");
}

/// The version of a file, and a sum of everything in it.
pub(crate) fn contents(path: &Path) -> (u32, String) {
    let conn = connection::open_reader(path).expect("it opens");
    let version = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("it has a version");
    let mut sum = Sha256::new();
    let names = "select name, sql from sqlite_schema where type = 'table' order by name";
    let mut names = conn.prepare(names).expect("good SQL");
    let names = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    for table in names.expect("it runs") {
        let (name, sql): (String, String) = table.expect("a table");
        sum.update(sql);
        let mut rows = conn
            .prepare(&format!("select * from {name}"))
            .expect("a table");
        let columns = rows.column_count();
        let mut rows = rows.query([]).expect("it runs");
        while let Some(row) = rows.next().expect("a row") {
            for column in 0..columns {
                sum.update(format!("{:?};", row.get_ref(column).expect("a value")));
            }
        }
    }
    (version, hex(&sum.finalize()))
}

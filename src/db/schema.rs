//! Whether the schema of a file is the one that this program makes.
//!
//! Tables of other programs are let be, and so are their indexes: replication tools keep some in
//! the files that they copy. What would change what our own statements do is refused: triggers,
//! views, virtual tables (their modules run when the file is checked), indexes on our tables, and
//! foreign keys to them.
//!
//! SQLite itself reads only the text of a definition, so what an object is called in
//! `sqlite_schema` proves nothing: a trigger may be hidden under the name and the type of a table.

use std::path::Path;

use rusqlite::{Connection, Result};

use super::connection;
use super::header::newer;
use super::migration::Migrations;
use super::refusal::{by_sqlite, refused};
use crate::base::failure::Failure;
use crate::base::shell::shell_word;

/// How SQLite begins the text of each table and each index, however its maker wrote it.
const PLAIN: [&str; 3] = ["CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX "];

/// A row of `sqlite_schema`.
struct Object {
    /// What it is said to be.
    kind: String,
    /// What it is said to be called.
    name: String,
    /// The text that SQLite reads. Indexes of constraints have none.
    sql: Option<String>,
}

/// Checks that all our objects are there as `migrations` make them, and that nothing hangs on them
/// that is not ours. Returns the version of the schema, which may be an earlier one.
///
/// # Errors
/// When not, naming the first object that is wrong.
pub(crate) fn check(
    conn: &Connection,
    path: &Path,
    migrations: Migrations,
) -> std::result::Result<u32, Failure> {
    let failed = |error| by_sqlite(path, error);
    let version: u32 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    if version > migrations.newest() {
        return Err(newer(path, version, migrations.newest()));
    }
    // A file of ours had a first schema, whatever it says.
    let expected = migrations.empty_at(version.max(1)).map_err(failed)?;
    match find_stranger(conn, &expected).map_err(failed)? {
        Some(stranger) => Err(stranger.refusal(path)),
        None => Ok(version),
    }
}

/// The first object that is in the way of those that `expected` has.
fn find_stranger(conn: &Connection, expected: &Connection) -> Result<Option<Stranger>> {
    let (expected, found) = (objects(expected)?, objects(conn)?);
    match hidden_code(&found).or_else(|| changed(&expected, &found)) {
        Some(stranger) => Ok(Some(stranger)),
        None => hanging_on(conn, &expected),
    }
}

/// An object that is in the way.
struct Stranger {
    /// What it is, with its name.
    what: String,
    /// The statement that takes it out of the way; none: there is no simple one.
    statement: Option<String>,
}

impl Stranger {
    /// The refusal of the file at `path` because of it.
    fn refusal(self, path: &Path) -> Failure {
        let hint = match self.statement {
            Some(statement) => {
                let (file, statement) =
                    (shell_word(&path.to_string_lossy()), shell_word(&statement));
                format!("its data is sound, and this helps: sqlite3 {file} {statement}")
            }
            None => "undo what another program changed there, or give another path with --database"
                .to_owned(),
        };
        refused(path, &self.what, &hint)
    }
}

/// The first object that is neither a plain table nor an index: its code could run in our
/// transactions.
fn hidden_code(found: &[Object]) -> Option<Stranger> {
    let is_plain = |sql: &str| PLAIN.iter().any(|start| sql.starts_with(start));
    let object = found
        .iter()
        .find(|object| object.sql.as_deref().is_some_and(|sql| !is_plain(sql)))?;
    let (name, sql) = (
        &object.name,
        object
            .sql
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase(),
    );
    let words: Vec<_> = sql.split_ascii_whitespace().take(3).collect();
    let (kind, dropped) = match words[..] {
        ["create", "trigger", ..] => ("trigger", "trigger"),
        ["create", "view", ..] => ("view", "view"),
        ["create", "virtual", "table"] => ("virtual table", "table"),
        _ => {
            return Some(Stranger {
                what: format!("its schema has an entry that is none: {name}"),
                statement: None,
            });
        }
    };
    let statement = Some(format!("drop {dropped} {}", quoted(name)));
    Some(Stranger {
        what: format!("it has a {kind} that this program does not make: {name}"),
        statement,
    })
}

/// The first of our objects that is missing or another one.
fn changed(expected: &[Object], found: &[Object]) -> Option<Stranger> {
    expected.iter().find_map(|ours| {
        let Object { kind, name, sql } = ours;
        let mut present = found
            .iter()
            .filter(|found| found.kind == *kind && found.name == *name)
            .peekable();
        if present.peek().is_none() {
            let statement = sql.as_deref().filter(|_| kind == "index").map(bare);
            return Some(Stranger {
                what: format!("its {kind} {name} is missing"),
                statement,
            });
        }
        let is_ours = |found: &Object| found.sql.as_deref().map(bare) == sql.as_deref().map(bare);
        let what = || format!("its {kind} {name} is not the one that this program makes");
        (!present.all(is_ours)).then(|| Stranger {
            what: what(),
            statement: None,
        })
    })
}

/// The first index on one of our tables, or foreign key to one, that is not ours. SQLite is asked
/// what it has read, whatever the rows of the schema say.
fn hanging_on(conn: &Connection, expected: &[Object]) -> Result<Option<Stranger>> {
    let is_ours = |kind: &str, name: &str| {
        expected
            .iter()
            .any(|object| object.kind == kind && object.name == name)
    };
    // The other origins are constraints, which stand in the text of the table.
    let indexes = "select m.name, i.name from pragma_table_list m join pragma_index_list(m.name) i \
                   where m.schema = 'main' and i.origin = 'c'";
    let stray =
        |(table, index): &(String, String)| is_ours("table", table) && !is_ours("index", index);
    if let Some((table, index)) = pairs(conn, indexes)?.into_iter().find(stray) {
        let what = format!("it has an index on {table} that this program does not make: {index}");
        return Ok(Some(Stranger {
            what,
            statement: Some(format!("drop index {}", quoted(&index))),
        }));
    }
    let keys = "select m.name, lower(k.\"table\") from pragma_table_list m join \
        pragma_foreign_key_list(m.name) k where m.schema = 'main'";
    let stray =
        |(table, target): &(String, String)| !is_ours("table", table) && is_ours("table", target);
    Ok(pairs(conn, keys)?
        .into_iter()
        .find(stray)
        .map(|(table, target)| Stranger {
            what: format!(
                "it has a table with a foreign key to {target} that this program does not \
            make: {table}"
            ),
            statement: Some(format!("drop table {}", quoted(&table))),
        }))
}

/// Whether all our tables are there by name.
pub(crate) fn has_our_tables(conn: &Connection) -> Result<bool> {
    let found = objects(conn)?;
    let is_there = |ours: &Object| {
        found
            .iter()
            .any(|found| found.kind == ours.kind && found.name == ours.name)
    };
    Ok(objects(&connection::open_in_memory()?)?
        .iter()
        .filter(|ours| ours.kind == "table")
        .all(is_there))
}

/// The rows of a query for two texts.
fn pairs(conn: &Connection, query: &str) -> Result<Vec<(String, String)>> {
    conn.prepare(query)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Every object of the file.
fn objects(conn: &Connection) -> Result<Vec<Object>> {
    let text = |row: &rusqlite::Row<'_>, column| -> Result<Option<String>> {
        let bytes = row.get_ref(column)?.as_bytes_or_null()?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    };
    let object = |row: &rusqlite::Row<'_>| {
        let (kind, name) = (
            text(row, 0)?.unwrap_or_default(),
            text(row, 1)?.unwrap_or_default(),
        );
        Ok(Object {
            kind,
            name,
            sql: text(row, 2)?,
        })
    };
    // Whatever type a value has, SQLite reads it as text.
    let query = "select cast(type as text), cast(name as text), cast(sql as text) from \
        sqlite_schema order by rowid";
    conn.prepare(query)?.query_map([], object)?.collect()
}

/// What the check compares: kind, name and bare definition of every object, sorted.
#[cfg(test)]
pub(crate) fn outline(conn: &Connection) -> Result<Vec<[String; 3]>> {
    let bare = |sql: Option<String>| sql.as_deref().map(bare).unwrap_or_default();
    let outline = |object: Object| [object.kind, object.name, bare(object.sql)];
    let mut outlines: Vec<_> = objects(conn)?.into_iter().map(outline).collect();
    outlines.sort();
    Ok(outlines)
}

/// A definition without comments and spacing: those may change without a migration. SQLite puts the
/// name of a table in quotes that a migration made anew.
fn bare(sql: &str) -> String {
    let unquoted = sql
        .strip_prefix("CREATE TABLE \"")
        .map(|rest| format!("CREATE TABLE {}", rest.replacen('"', "", 1)));
    let lines = unquoted
        .as_deref()
        .unwrap_or(sql)
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    lines
        .flat_map(str::split_ascii_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

//! The steps from each released schema to the next, and a data file that is behind them.
//!
//! A new file is made by `schema.sql` in one step. An older one is brought up to date by the files
//! in `migrations/` behind its version, each of which is one transaction. A test holds that both
//! ways lead to the same schema.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Error, TransactionBehavior};

use super::connection::{self, Synchronous};
use super::header::check_header;
use super::lock::{self, Lock, Taker};
use super::refusal::by_sqlite;
use super::{Source, file};
use crate::base::failure::Failure;

/// A step from one schema to the next.
#[derive(Debug)]
pub(crate) struct Migration {
    /// The name of its file, without the ending.
    pub name: &'static str,
    /// What it runs.
    pub sql: &'static str,
}

/// All steps, the first of which makes the schema of the first release.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migrations(pub &'static [Migration]);

impl Migrations {
    /// The steps of this program.
    pub(crate) const RELEASED: Self = Self(&[Migration {
        name: "0001",
        sql: include_str!("../../migrations/0001.sql"),
    }]);

    /// The version of the schema that all steps lead to.
    pub(crate) fn newest(self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The steps up to the schema `version`, and those behind it.
    fn split(self, version: u32) -> (&'static [Migration], &'static [Migration]) {
        let count = usize::try_from(version).unwrap_or(usize::MAX);
        self.0.split_at(count.min(self.0.len()))
    }

    /// An empty file in memory with the schema `version`.
    pub(crate) fn empty_at(self, version: u32) -> rusqlite::Result<Connection> {
        let conn = connection::open_nothing()?;
        for migration in self.split(version).0 {
            conn.execute_batch(migration.sql)?;
        }
        Ok(conn)
    }
}

/// A data file of an earlier version that nobody serves, nor can anybody begin to.
pub(crate) struct Outdated {
    /// The right to serve it.
    lock: Lock,
    /// Where it is, without symbolic links.
    path: PathBuf,
    /// The version of its schema.
    version: u32,
    /// The steps that there are.
    migrations: Migrations,
}

/// What keeps a step from being done.
enum Broken {
    /// SQLite refuses it.
    Sqlite(Error),
    /// It leaves so many rows behind whose foreign key leads to nothing.
    References(u32),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Outdated {
    /// Takes the right to bring the data file at `path` up to date; none: it is missing or has the
    /// newest schema.
    ///
    /// # Errors
    /// When it is being served, or is no whole file of ours.
    pub(crate) fn claim(path: &Path, migrations: Migrations) -> Result<Option<Self>, Failure> {
        let path = lock::locate(path)?;
        let newest = migrations.newest();
        if !file::is_present(&path)? || check_header(&path, newest)? >= newest {
            return Ok(None);
        }
        let lock = Lock::take(&path, Taker::Server)?;
        // The header of a file with a log may be behind it.
        match file::check_whole(&path, migrations) {
            Ok(version) if version < newest => Ok(Some(Self {
                lock,
                path,
                version,
                migrations,
            })),
            other => {
                lock.undo();
                other.map(|_| None)
            }
        }
    }

    /// Gives the right back.
    pub(crate) fn release(self) {
        self.lock.undo();
    }

    /// What copies the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn source(&self) -> Result<Source, Failure> {
        Source::open_with(&self.path, self.migrations)
    }

    /// Does every step behind the file's version, and tells `tell` before each. Returns the version
    /// that the file has then, and what kept the next step from being done.
    pub(crate) fn apply(
        &self,
        tell: &mut dyn FnMut(&'static Migration),
    ) -> (u32, Result<(), Failure>) {
        apply(&self.path, self.version, self.migrations, tell)
    }
}

/// The steps that a file with the schema `version` lacks.
pub(crate) fn pending(migrations: Migrations, version: u32) -> &'static [Migration] {
    migrations.split(version).1
}

/// Brings the file at `path`, which nobody else has open and whose schema is `version`, up to date,
/// and moves its log into it. Returns the version that the file has then, and what kept the next
/// step from being done.
pub(crate) fn apply(
    path: &Path,
    version: u32,
    migrations: Migrations,
    tell: &mut dyn FnMut(&'static Migration),
) -> (u32, Result<(), Failure>) {
    let failed = |error| by_sqlite(path, error);
    let mut conn = match connection::open_writer(path, Synchronous::Full) {
        Ok(conn) => conn,
        Err(error) => return (version, Err(failed(error))),
    };
    let mut reached = version;
    for migration in pending(migrations, version) {
        tell(migration);
        if let Err(broken) = run(&mut conn, migration, reached + 1) {
            return (reached, Err(broken.refusal(path, migration)));
        }
        reached += 1;
        // The next one begins with an empty log.
        if let Err(error) = empty_log(&conn) {
            return (reached, Err(failed(error)));
        }
    }
    let closed = conn.close().map_err(|(_, error)| failed(error));
    (reached, closed)
}

/// Does one step in one transaction.
fn run(conn: &mut Connection, migration: &Migration, version: u32) -> Result<(), Broken> {
    // A table that others refer to can be made anew only so. Inside of a transaction this has no
    // effect, and a table that is dropped would take along what refers to it.
    conn.pragma_update(None, "foreign_keys", false)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(migration.sql)?;
    let count = "select count(*) from pragma_foreign_key_check";
    let broken: u32 = tx.query_row(count, [], |row| row.get(0))?;
    if broken > 0 {
        return Err(Broken::References(broken));
    }
    tx.pragma_update(None, "user_version", version)?;
    Ok(tx.commit()?)
}

/// Moves the log into the file, whose header tells its version to every program then.
fn empty_log(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))
}

impl Broken {
    /// Why `migration` of the file at `path` was not done.
    fn refusal(self, path: &Path, migration: &Migration) -> Failure {
        let failure = match self {
            Self::Sqlite(error) => by_sqlite(path, error),
            Self::References(count) => Failure::runtime(
                format!("{count} rows would refer to nothing ({})", path.display()),
                "this is a fault of the program: please report it",
            ),
        };
        failure.with_note(&format!("migration {}", migration.name))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{connection, header::SCHEMA_VERSION, schema, trial};
    use super::*;

    #[test]
    fn all_migrations_together_give_exactly_the_schema_that_a_new_file_gets() {
        let new = connection::open_in_memory().expect("schema.sql is good");
        let brought_up = Migrations::RELEASED
            .empty_at(SCHEMA_VERSION)
            .expect("all migrations are good");
        let outlines = [&new, &brought_up].map(|conn| schema::outline(conn).expect("it reads"));
        assert_eq!(outlines[0], outlines[1]);
        assert!(outlines[0].len() > 20, "{outlines:?}");
        let id = |conn: &Connection| -> u32 {
            conn.pragma_query_value(None, "application_id", |row| row.get(0))
                .expect("it reads")
        };
        assert_eq!(id(&new), id(&brought_up));
    }

    #[test]
    fn every_file_of_the_folder_is_a_migration_in_its_place() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let files = std::fs::read_dir(folder).expect("a folder");
        let name = |file: std::io::Result<std::fs::DirEntry>| {
            let name = file.expect("an entry").file_name().into_string();
            name.expect("text").trim_end_matches(".sql").to_owned()
        };
        let mut names: Vec<_> = files.map(name).collect();
        names.sort();
        let migrations = Migrations::RELEASED.0;
        let listed: Vec<_> = migrations.iter().map(|one| one.name.to_owned()).collect();
        assert_eq!(names, listed);
        for (position, name) in names.iter().enumerate() {
            assert!(name.starts_with(&format!("{:04}", position + 1)), "{name}");
        }
        assert_eq!(Migrations::RELEASED.newest(), SCHEMA_VERSION);
    }

    #[test]
    fn commands_beside_a_server_tell_of_an_earlier_file_what_to_do_and_leave_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("invited.db");
        trial::make(&path);
        let before = trial::contents(&path);
        let failure = file::check_contents(&path, trial::LATER).expect_err("it is older");
        let told = failure.to_string();
        for word in [
            "schema version 1, older than the 3 of invited 0.1.0",
            "start the server of this version once, or run `invited migrate`",
        ] {
            assert!(told.contains(word), "{told}");
        }
        assert_eq!(trial::contents(&path), before);
        assert_eq!(file::check_contents(&path, Migrations::RELEASED), Ok(()));
    }
}

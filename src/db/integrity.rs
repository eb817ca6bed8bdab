//! Looks for damage in the whole file, in the background: soon after the start, and once a day.
//!
//! SQLite's own `quick_check` runs one table after the other, each with its indexes, on a
//! connection of its own that only reads. It takes about half of one core, and gives way where a
//! checkpoint waits for it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Result};
use serde::Serialize;
use utoipa::ToSchema;

use super::clearing::{Asked, Clearing};
use super::connection;

/// How long after the start the first check begins: those who wait for the start come first.
const FIRST_AFTER: Duration = Duration::from_secs(1);
/// How long after the end of a check the next one begins.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a check rests that gave way, before it looks at the same table again.
const GIVEN_WAY: Duration = Duration::from_secs(10);
/// Steps of SQLite between two looks at whether to rest or to give way. A page is one step, which
/// a disk may take a millisecond for.
const STEPS_PER_LOOK: i32 = 20;
/// How long a check works before it rests for as long.
const STRETCH: Duration = Duration::from_millis(5);
/// Page cache of a check, in negative KiB: it reads every page once.
const CACHE: i64 = -512;
/// Messages of one table that are logged. One damaged page may have many.
const MESSAGES: usize = 5;

/// What the last whole check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[schema(as = FileIntegrity)]
pub(crate) enum Integrity {
    /// No check has ended since the start.
    Unchecked = 0,
    /// Nothing was found.
    Ok = 1,
    /// The file is damaged; the log says where.
    Damaged = 2,
}

/// What the thread and its handle share.
struct Shared {
    /// The verdict, by its number.
    verdict: AtomicU8,
    /// Whether to end.
    is_over: AtomicBool,
    /// Whether a checkpoint waits for it.
    clearing: Clearing,
    /// The data file.
    path: PathBuf,
}

/// A handle to the thread that checks.
pub(crate) struct Checker {
    /// What the thread and its handle share.
    shared: Arc<Shared>,
    /// The thread, until it was told to end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How the check of a table ended.
enum End {
    /// With so many messages.
    Checked(usize),
    /// It gave way, or is to end.
    Interrupted,
}

impl Checker {
    /// Starts the thread.
    pub(crate) fn start(path: &Path, clearing: Clearing) -> Self {
        let shared = Arc::new(Shared {
            verdict: AtomicU8::new(Integrity::Unchecked as u8),
            is_over: AtomicBool::new(false),
            clearing,
            path: path.to_owned(),
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || of_thread.run());
        Self {
            shared,
            thread: Mutex::new(Some(thread)),
        }
    }

    /// What the last whole check came to.
    pub(crate) fn verdict(&self) -> Integrity {
        match self.shared.verdict.load(Ordering::Acquire) {
            0 => Integrity::Unchecked,
            1 => Integrity::Ok,
            _ => Integrity::Damaged,
        }
    }

    /// Ends the thread.
    pub(crate) fn close(&self) {
        self.shared.is_over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) {
            thread.thread().unpark();
            // It fails only if the thread panicked, which was logged.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// The thread's life.
    fn run(self: &Arc<Self>) {
        self.rest(FIRST_AFTER);
        while !self.is_over() {
            match self.check() {
                Ok(Some(verdict)) => self.verdict.store(verdict as u8, Ordering::Release),
                Ok(None) => {}
                Err(error) => {
                    log::error!("the file could not be looked through for damage: {error}");
                }
            }
            self.rest(EVERY);
        }
    }

    /// Checks every table; none: it was told to end.
    fn check(self: &Arc<Self>) -> Result<Option<Integrity>> {
        let begun = Instant::now();
        let mut messages = 0;
        for table in self.tables()? {
            loop {
                if self.is_over() {
                    return Ok(None);
                }
                match self.check_table(&table)? {
                    End::Checked(found) => break messages += found,
                    End::Interrupted => self.rest(GIVEN_WAY),
                }
            }
        }
        if messages > 0 {
            log::error!("the data file is damaged: save a copy of it, then restore a backup");
            return Ok(Some(Integrity::Damaged));
        }
        log::debug!(
            "the data file was looked through for damage in {:?}: there is none",
            begun.elapsed()
        );
        Ok(Some(Integrity::Ok))
    }

    /// The names of all tables.
    fn tables(&self) -> Result<Vec<String>> {
        let conn = connection::open_reader(&self.path)?;
        let mut names =
            conn.prepare("select name from sqlite_schema where type = 'table' order by name")?;
        names.query_map([], |row| row.get(0))?.collect()
    }

    /// Checks one table with its indexes, on a connection that goes with it.
    fn check_table(self: &Arc<Self>, table: &str) -> Result<End> {
        let conn = connection::open_reader(&self.path)?;
        conn.pragma_update(None, "cache_size", CACHE)?;
        self.make_it_rest(&conn)?;
        let mut found = 0;
        let checked = conn.pragma(None, "quick_check", table, |row| {
            let message: String = row.get(0)?;
            if message != "ok" {
                found += 1;
                if found <= MESSAGES {
                    log::error!("the table {table} is damaged: {message}");
                }
            }
            Ok(())
        });
        match checked {
            Ok(()) => Ok(End::Checked(found)),
            Err(error) => match error.sqlite_error_code() {
                Some(ErrorCode::OperationInterrupted) => Ok(End::Interrupted),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    log::error!("the table {table} is damaged: {error}");
                    Ok(End::Checked(1))
                }
                _ => Err(error),
            },
        }
    }

    /// Makes what runs on `conn` work half of the time, and stop where it has to.
    fn make_it_rest(self: &Arc<Self>, conn: &Connection) -> Result<()> {
        let (shared, mut since) = (Arc::clone(self), Instant::now());
        let look = move || {
            if since.elapsed() > STRETCH {
                thread::sleep(STRETCH);
                since = Instant::now();
            }
            shared.must_stop()
        };
        conn.progress_handler(STEPS_PER_LOOK, Some(look))
    }

    /// Whether a check has to let go of the file.
    fn must_stop(&self) -> bool {
        self.is_over() || self.clearing.asks(Asked::Checks)
    }

    /// Whether the thread is to end.
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Rests for so long, or until the thread is to end.
    fn rest(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_over() {
            match until.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => thread::park_timeout(left),
                _ => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::connection::{Synchronous, open_writer};

    type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_check_lets_go_of_the_file_within_a_few_pages() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("invited.db");
        crate::db::file::prepare(&path)?;
        let writer = open_writer(&path, Synchronous::Normal)?;
        // Three hundred pages: a disk that has to find each of them takes a second for them.
        writer.execute_batch(
            "create table test (x);
             insert into test with recursive n (x) as (
                 select 1 union all select x + 1 from n where x < 300)
             select randomblob(4000) from n",
        )?;
        let (clearer, clearing) = Clearing::new();
        let shared = Arc::new(Shared {
            verdict: AtomicU8::new(Integrity::Unchecked as u8),
            is_over: AtomicBool::new(false),
            clearing,
            path,
        });
        for (asked, gives_way) in [
            (Asked::Nobody, false),
            (Asked::Snapshots, false),
            (Asked::Checks, true),
            (Asked::Reads, true),
        ] {
            clearer.send_replace(asked);
            let end = shared.check_table("test")?;
            assert_eq!(matches!(end, End::Interrupted), gives_way, "{asked:?}");
        }
        Ok(())
    }
}

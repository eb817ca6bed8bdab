//! Copies a data file page by page while others write to it.
//!
//! Most pages are copied without a transaction, in small pieces with rests between. Then one read
//! transaction compares every page with its copy, and writes those that changed meanwhile. So the
//! copy is one moment of the file, and the transaction, which keeps the log from being started
//! over, is as short as one look at every page.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};

use super::migration::Migrations;
use super::place::beside;
use super::refusal::by_sqlite;
use super::tidy::Tidy;
use super::wal_index::WalIndex;
use super::{Db, Reader, connection, file, header, lock, offline, schema};
use crate::base::clock::Clock;
use crate::base::error;
use crate::base::failure::Failure;

/// Passes before the transaction. Each finds fewer changed pages than the one before.
const PASSES: usize = 2;
/// Pages of 4,096 bytes in a piece: what is written between two rests.
const PIECE: u32 = 64;
/// How long a pass rests after a piece that was written: 256 KiB in 2 ms are 125 MB a second.
const REST_AFTER_WRITES: Duration = Duration::from_millis(2);
/// How long it rests after a piece that was only compared.
const REST_AFTER_READS: Duration = Duration::from_micros(300);
/// Pages that are written between two syncs: a commit of the server never waits for more of ours.
const PAGES_PER_SYNC: u64 = 1_024;
/// Steps of SQLite between two looks of a server's thread at whether to rest or to end.
const STEPS_PER_LOOK: i32 = 100;
/// How long such a thread works before it rests for as long, besides the rests of a copy.
const STRETCH: Duration = Duration::from_millis(5);

/// How far something has come: a copy in bytes, a look through histories in events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// How many are done.
    pub done: u64,
    /// How many there are.
    pub total: u64,
}

/// A data file that can be copied.
pub(crate) struct Source {
    /// A connection that only reads.
    conn: Connection,
    /// Where the file is.
    path: PathBuf,
    /// The version of its schema.
    version: u32,
    /// Whether the program has a newer one.
    is_outdated: bool,
    /// Set when a thread of the server is to end its work; none: no server does it.
    stop: Option<Arc<AtomicBool>>,
    /// The index of the log of the server that copies its own file; none: a command does.
    index: Option<Arc<WalIndex>>,
    /// What a command leaves beside the file, behind its connection; none: there is nothing to look
    /// after.
    _tidy: Option<Tidy>,
}

/// Why a copy failed.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// The file cannot be read.
    Source(Failure),
    /// The copy cannot be written.
    Target(io::Error),
}

/// [`CopyError`], before it is put into words.
enum Broken {
    /// The file cannot be read.
    Source(rusqlite::Error),
    /// The copy cannot be written.
    Target(io::Error),
}

impl Source {
    /// Opens the data file at `path`, which may be served, and may be one of an earlier version.
    ///
    /// # Errors
    /// When there is no file of ours.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        Self::open_with(path, Migrations::RELEASED)
    }

    /// Opens the file at `path` for a thread of the server that serves it, which rests half of its
    /// time, and ends its work when `stop` is set. The file is opened by SQLite alone: whoever
    /// else opens and closes it in this process takes the locks of all connections along.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open_served(
        path: &Path,
        db: &Db,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, Failure> {
        let conn = connection::open_reader(path).map_err(|error| by_sqlite(path, error))?;
        let source = Self {
            conn,
            path: path.to_owned(),
            version: Migrations::RELEASED.newest(),
            is_outdated: false,
            stop: None,
            index: Some(Arc::clone(&db.shared.wal_index)),
            _tidy: None,
        };
        source.heeding(Some(stop))
    }

    /// The same for a thread that does not outlive `stop`.
    ///
    /// # Errors
    /// When SQLite does not take it.
    fn heeding(mut self, stop: Option<&Arc<AtomicBool>>) -> Result<Self, Failure> {
        if let Some(stop) = stop {
            let (is_over, mut since) = (Arc::clone(stop), Instant::now());
            let index = self.index.clone();
            let look = move || {
                // The last pass is short because nobody rests in it.
                let may_rest = !index.as_ref().is_some_and(|index| index.is_copied());
                if may_rest && since.elapsed() > STRETCH {
                    thread::sleep(STRETCH);
                    since = Instant::now();
                }
                is_over.load(Ordering::Acquire)
            };
            let heard = self.conn.progress_handler(STEPS_PER_LOOK, Some(look));
            heard.map_err(|error| by_sqlite(&self.path, error))?;
        }
        self.stop = stop.cloned();
        Ok(self)
    }

    /// Whether a thread of the server reads it, and no command.
    pub(crate) fn is_served(&self) -> bool {
        self.stop.is_some()
    }

    /// Opens the copy of this file at `path`, to be looked through in the same way.
    ///
    /// # Errors
    /// As [`Source::open_backup`].
    pub(crate) fn open_copy(&self, path: &Path) -> Result<Self, Failure> {
        Self::open_backup(path)?.heeding(self.stop.as_ref())
    }

    /// The same for a program with these `migrations`.
    ///
    /// # Errors
    /// When there is no file of ours.
    pub(crate) fn open_with(path: &Path, migrations: Migrations) -> Result<Self, Failure> {
        let tidy = Tidy::before(path);
        let (path, version) = offline::existing_of_any_version(path, migrations)?;
        let conn = connection::open_reader(&path).map_err(|error| by_sqlite(&path, error))?;
        Ok(Self {
            conn,
            path,
            version,
            is_outdated: version < migrations.newest(),
            stop: None,
            index: None,
            _tidy: Some(tidy),
        })
    }

    /// Opens the backup at `path`, which may be one of an earlier version. Nothing is written
    /// beside a file that has no log.
    ///
    /// # Errors
    /// When there is no file of ours.
    pub(crate) fn open_backup(path: &Path) -> Result<Self, Failure> {
        Self::open_backup_with(path, Migrations::RELEASED)
    }

    /// The same for a program with these `migrations`.
    ///
    /// # Errors
    /// When there is no file of ours.
    pub(crate) fn open_backup_with(path: &Path, migrations: Migrations) -> Result<Self, Failure> {
        let path = lock::locate(path)?;
        if !file::is_present(&path)? {
            return Err(Failure::runtime(
                format!("there is no backup at {}", path.display()),
                "nothing was changed; name a file that `invited backup` has made",
            ));
        }
        header::check_backup(&path, migrations.newest())?;
        let conn = if beside(&path, "-wal").exists() {
            connection::open_reader(&path)
        } else {
            connection::open_immutable(&path)
        };
        let conn = conn.map_err(|error| by_sqlite(&path, error))?;
        let version = schema::check(&conn, &path, migrations)?;
        Ok(Self {
            conn,
            path,
            version,
            is_outdated: version < migrations.newest(),
            stop: None,
            index: None,
            _tidy: None,
        })
    }

    /// The version of the file's schema.
    pub(crate) fn schema_version(&self) -> u32 {
        self.version
    }

    /// Whether the file has to be brought up to date before it is served.
    pub(crate) fn is_outdated(&self) -> bool {
        self.is_outdated
    }

    /// How many bytes the file has, with what is in its log.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn size(&self) -> Result<u64, Failure> {
        let size = || Ok(u64::from(self.page_count()?) * self.page_size()?);
        size().map_err(|error| by_sqlite(&self.path, error))
    }

    /// Where the file is, without symbolic links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file in one transaction.
    ///
    /// # Errors
    /// What `read` returns, or that the file cannot be read.
    pub(crate) fn at_one_moment<T>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> error::Result<T>,
    ) -> error::Result<T> {
        self.conn.execute_batch("begin")?;
        let outcome = read(&Reader {
            conn: &self.conn,
            now: Clock::System.now(),
        });
        // Ends a read transaction, which cannot lose anything.
        let ended = self.conn.execute_batch("commit");
        let outcome = outcome?;
        ended?;
        Ok(outcome)
    }

    /// Copies the file into `target`, and syncs it. `tell` is told how far the first pass has come.
    ///
    /// # Errors
    /// When the file cannot be read, or the copy cannot be written.
    pub(crate) fn copy(
        &self,
        target: &File,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<(), CopyError> {
        self.try_copy(target, tell).map_err(|broken| match broken {
            Broken::Source(error) => CopyError::Source(by_sqlite(&self.path, error)),
            Broken::Target(error) => CopyError::Target(error),
        })
    }

    /// [`Source::copy`], with what failed as SQLite tells it.
    fn try_copy(&self, target: &File, tell: &mut dyn FnMut(Progress)) -> Result<(), Broken> {
        for pass in 0..PASSES {
            let mut told = |progress| {
                if pass == 0 {
                    tell(progress);
                }
            };
            self.pass(target, &mut told)?;
        }
        self.conn.execute_batch("begin")?;
        self.tell_index(true);
        let copied = self.last_pass(target);
        // Ends a read transaction, which cannot lose anything.
        let ended = self.conn.execute_batch("commit");
        self.tell_index(false);
        copied?;
        ended?;
        target.sync_all().map_err(Broken::Target)
    }

    /// Has the server's own log know whether the last pass holds it up.
    fn tell_index(&self, is_copied: bool) {
        if let Some(index) = &self.index {
            index.set_copied(is_copied);
        }
    }

    /// One pass in pieces, each a moment of its own, with rests between.
    fn pass(&self, target: &File, tell: &mut dyn FnMut(Progress)) -> Result<(), Broken> {
        let (mut next, mut unsynced) = (1, 0);
        loop {
            let count = self.page_count()?;
            if next > count {
                return Ok(());
            }
            let last = count.min(next.saturating_add(PIECE - 1));
            self.conn.execute_batch("begin")?;
            let piece = self.piece(target, next, last);
            self.conn.execute_batch("commit")?;
            let written = piece?;
            unsynced += written;
            if unsynced >= PAGES_PER_SYNC {
                let begun = Instant::now();
                target.sync_data().map_err(Broken::Target)?;
                // The disk is left to others for as long as it was ours.
                thread::sleep(begun.elapsed());
                unsynced = 0;
            }
            tell(Progress {
                done: u64::from(last) * self.page_size()?,
                total: u64::from(count) * self.page_size()?,
            });
            thread::sleep(if written > 0 {
                REST_AFTER_WRITES
            } else {
                REST_AFTER_READS
            });
            next = last + 1;
        }
    }

    /// The pass inside of a transaction, after which the copy is what the transaction sees.
    fn last_pass(&self, target: &File) -> Result<(), Broken> {
        let count = self.page_count()?;
        self.piece(target, 1, count)?;
        let length = u64::from(count) * self.page_size()?;
        target.set_len(length).map_err(Broken::Target)
    }

    /// Writes the pages from `first` to `last` that differ from their copies. Returns how many that
    /// were.
    fn piece(&self, target: &File, first: u32, last: u32) -> Result<u64, Broken> {
        let sql = "select data from sqlite_dbpage where pgno = ?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let (mut copy, mut written) = (Vec::new(), 0);
        for number in first..=last {
            let page = statement.query_row([number], |row| {
                let page = row.get_ref(0)?.as_blob()?;
                let at = u64::from(number - 1) * page.len() as u64;
                copy.resize(page.len(), 0);
                if target.read_exact_at(&mut copy, at).is_ok() && copy == page {
                    return Ok(Ok(0));
                }
                Ok(target.write_all_at(page, at).map(|()| 1))
            });
            // A page that is gone since the pages were counted is not there to be copied.
            let page = page.optional()?.unwrap_or(Ok(0));
            written += page.map_err(Broken::Target)?;
        }
        Ok(written)
    }

    /// How many pages the file has now.
    fn page_count(&self) -> rusqlite::Result<u32> {
        self.conn
            .pragma_query_value(None, "page_count", |row| row.get(0))
    }

    /// How many bytes a page has.
    fn page_size(&self) -> rusqlite::Result<u64> {
        self.conn
            .pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))
            .map(u64::from)
    }
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Source(error)
    }
}

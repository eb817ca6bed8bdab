//! The one SQLite file: who may read it, who writes it, and what is checked before that.
//!
//! * [`place`] finds the one path of a file, [`lock`] lets one server have it, [`identity`] sees
//!   when it is taken away.
//! * [`mod@file`] decides whether a path is ours to open, and makes a new file whole or not at all;
//!   [`schema`] looks at what is in it, [`refusal`] says why not.
//! * [`connection`] is the one place where connections get their pragmas.
//! * [`writer`] owns the only writing connection and commits in groups, [`queue`] and its [`lanes`]
//!   decide who is next; [`checkpoint`] keeps the log short, and [`log_limit`] has the writer wait for that.
//! * [`mod@copy`] makes a copy of the file while others write to it, [`replacement`] puts one in its
//!   place.
//! * [`migration`] has the steps that bring a file of an earlier version up to date.
//! * [`clearing`] asks those who read for long to let go, where a checkpoint waits.
//! * [`integrity`] looks for damage in the background.
//! * [`latest`] keeps a snapshot from one request to the next, for as long as [`wal_index`] says
//!   that nothing was committed.
//! * [`gauges`] are the numbers of the writer and of the file.
//! * [`tally`] counts rows as they change.
//! * [`topic`] tells those who wait what was committed.
//! * [`rehearsal`] runs a job without effect, on a copy of the few rows that it may meet.
//! * [`row_copy`] copies all rows of the file, and puts them back.
//! * [`scrub`] clears what deleted rows leave behind in pages that are in use.
//! * [`turns`] decides who may read for long.
//!
//! # Locking
//! Readers are read-only connections of an `r2d2` pool: two for each worker thread, one of which has
//! the snapshot that it keeps ([`latest`]), and one for each long read, so a checkout never waits.
//! No connection is held across an await.

pub(crate) mod cached;
mod cap_counts;
mod checkpoint;
mod clearing;
mod connection;
mod copy;
mod error;
mod file;
mod gauges;
mod header;
mod identity;
mod ids;
mod integrity;
mod job;
mod lanes;
mod latest;
mod load;
mod lock;
mod log_limit;
mod long_read;
mod migration;
mod offline;
mod place;
mod queue;
mod refusal;
mod rehearsal;
mod replacement;
mod row_copy;
mod schema;
mod scrub;
mod snapshot;
pub(crate) mod tally;
mod tidy;
mod topic;
mod transaction;
#[cfg(test)]
pub(crate) mod trial;
mod turns;
mod wal_index;
mod writer;

use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use tokio::sync::watch;

use crate::base::clock::{Clock, Timestamp};
use crate::base::error::{Code, Error, Result};
use crate::base::failure::Failure;
use crate::base::ids::Ids;

use clearing::Clearing;
pub use connection::Synchronous;
pub(crate) use connection::sqlite_version;
pub(crate) use copy::{CopyError, Progress, Source};
pub(crate) use error::{unless_damaged, unreadable};
pub(crate) use gauges::{FileNumbers, WriterNumbers};
pub(crate) use header::{COPY_SUFFIX, SCHEMA_VERSION, is_ours};
pub(crate) use integrity::Integrity;
pub(crate) use latest::{Found, LatestSnapshot};
pub use load::Load;
pub(crate) use lock::{Holder, find_holder, resolve};
use log_limit::LogLimit;
pub(crate) use migration::{Migration, Migrations, Outdated, apply, pending};
pub(crate) use offline::write_unserved;
pub use offline::{read_file, write_file};
pub(crate) use place::adopt;
pub(crate) use rehearsal::Stage;
pub(crate) use replacement::Replacement;
pub(crate) use row_copy::RowCopy;
use snapshot::Open;
pub use snapshot::{Reader, Snapshot};
use tally::Tally;
pub(crate) use tally::{Count, list as list_counts};
pub use topic::Topic;
pub use transaction::WriteTx;
pub(crate) use transaction::random_spread;
use wal_index::{Head, WalIndex};

/// Long reads at the same time: each occupies a thread and a connection.
const LONG_READS: usize = 4;
/// Who writes what nobody asked for just now.
const SERVER: &str = "server";

/// How to open the file.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads that read in place: two connections are kept for each.
    pub workers: usize,
    /// How a commit reaches the disk.
    pub synchronous: Synchronous,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where new ids come from.
    pub ids: Ids,
}

/// The open file. Clones are handles to the same one.
#[derive(Clone)]
pub struct Db {
    /// What the handles share.
    shared: Arc<Shared>,
}

/// The parts of an open file.
struct Shared {
    /// Read-only connections.
    readers: r2d2::Pool<SqliteConnectionManager>,
    /// Whose turn it is to read for long.
    turns: turns::Turns,
    /// Where the time comes from.
    clock: Clock,
    /// Where new ids come from.
    ids: Ids,
    /// The thread that writes.
    writer: writer::Writer,
    /// The thread that moves the log into the file.
    checkpointer: checkpoint::Checkpointer,
    /// Who is asked to let go of old pages.
    clearing: Clearing,
    /// The thread that looks for damage.
    checker: integrity::Checker,
    /// The thread that sees when the file is taken away.
    watch: identity::Watch,
    /// The data file once more. Stands behind all connections: closed before them, it would take
    /// their locks along.
    identity: Arc<identity::Identity>,
    /// Whether anything was committed. Stands behind all connections, as the next one does.
    wal_index: Arc<WalIndex>,
    /// What the person at the terminal is told of the file.
    notice: Option<String>,
    /// One server per file.
    _lock: lock::Lock,
}

impl Shared {
    /// Finishes what is queued, empties the log and ends all threads.
    fn close(&self) {
        // It reads, and would be in the way of the log.
        self.checker.close();
        self.writer.close();
        self.checkpointer.close();
        self.watch.close();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

impl Db {
    /// Opens the file at `path`, making it and its folder where they are missing.
    ///
    /// # Errors
    /// When the path cannot be used, or holds what this program did not make: nothing is changed
    /// then.
    pub fn open(path: &Path, options: &Options) -> std::result::Result<Self, Failure> {
        let path = &lock::locate(path)?;
        let file::Claimed { lock, notice, .. } = file::claim(path, lock::Taker::Server)?;
        let failed = |error: rusqlite::Error| refusal::by_sqlite(path, error);
        let clock = options.clock.clone();
        let writer = connection::open_writer(path, options.synchronous).map_err(failed)?;
        let tally = Tally::of(&writer).map_err(failed)?;
        let by_system = |error| refusal::by_system(path, &error);
        let file = Arc::new(File::open(path).map_err(by_system)?);
        lock.name_file(&file);
        let identity =
            Arc::new(identity::Identity::new(path, Arc::clone(&file)).map_err(by_system)?);
        // The first read makes the index of the log.
        writer
            .pragma_query_value(None, "schema_version", |_| Ok(()))
            .map_err(failed)?;
        let wal_index = Arc::new(WalIndex::open(path).map_err(by_system)?);
        let (clearer, clearing) = Clearing::new();
        let checkpointer = connection::open_writer(path, options.synchronous).map_err(failed)?;
        let log = checkpoint::Parts {
            conn: checkpointer,
            file,
            index: Arc::clone(&wal_index),
            clearing: clearer,
        };
        let checkpointer = checkpoint::Checkpointer::start(log);
        let limit = LogLimit::new(Arc::clone(&wal_index), checkpointer.line());
        let pen = ids::Pen {
            ids: ids::IdMint::after(&writer, options.ids.clone()),
            conn: writer,
            tally,
        };
        let writer = writer::Writer::start(pen, clock.clone(), Arc::clone(&identity), limit);
        let readers = r2d2::Pool::builder()
            .max_size(u32::try_from(2 * options.workers + LONG_READS).unwrap_or(u32::MAX))
            .connection_timeout(Duration::from_secs(2))
            .test_on_check_out(false)
            // A connection never goes stale, and a new one may find another file at the path.
            .idle_timeout(None)
            .max_lifetime(None)
            .build(connection::reader_manager(path))
            .map_err(|error| refusal::unusable(path, &error.to_string(), "see the log"))?;
        let turns = turns::Turns::new(LONG_READS);
        let checker = integrity::Checker::start(path, clearing.clone());
        let watch = identity::Watch::start(Arc::clone(&identity));
        let shared = Shared {
            readers,
            turns,
            clock,
            ids: options.ids.clone(),
            writer,
            checkpointer,
            clearing,
            checker,
            watch,
            identity,
            wal_index,
            notice,
            _lock: lock,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Reads in place, on the calling thread: for work that is bounded (at most 1,000 rows). Never
    /// waits.
    ///
    /// # Errors
    /// What `read` answers, or that the file cannot be read.
    pub fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
        read(&Reader {
            conn: &*self.reader()?,
            now: self.now(),
        })
    }

    /// Takes a snapshot, for several bounded reads that belong together. Never waits.
    ///
    /// # Errors
    /// That the file cannot be read.
    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot {
            open: Rc::new(self.begin(None)?),
            now: self.now(),
        })
    }

    /// Begins a read transaction, before which the index of the log had `head`.
    fn begin(&self, head: Option<Head>) -> Result<Open> {
        Open::begin(self.reader()?, head)
    }

    /// A read-only connection, at once.
    fn reader(&self) -> Result<r2d2::PooledConnection<SqliteConnectionManager>> {
        let none = || Error::new(Code::Overloaded, "No connection is free for a read.");
        self.shared.readers.try_get().ok_or_else(none)
    }

    /// Reads without a known bound, on a thread of the blocking pool, for five seconds at most,
    /// when it is the turn of `actor`. Where a checkpoint waits for it, it begins again.
    ///
    /// # Errors
    /// What `read` returns, [`Code::ReadTimeout`], [`Code::Overloaded`] when too many reads of the
    /// actor wait, or that the file cannot be read.
    pub async fn read_long<T: Send + 'static>(
        &self,
        actor: &str,
        read: impl Fn(&Reader<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.shared.turns.take(actor).await?;
        let db = self.clone();
        let task = move || {
            let _turn = turn;
            long_read::run(&db, &db.shared.clearing, read)
        };
        tokio::task::spawn_blocking(task)
            .await
            .map_err(Error::internal)?
    }

    /// Runs `job` of the server itself on the writer thread: see [`Db::write_as`].
    ///
    /// # Errors
    /// Those of [`Db::write_as`].
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write_as(SERVER, Load::ONE, job).await
    }

    /// Runs `job` on the writer thread when it is the turn of `actor`, in a transaction that it may
    /// share with other jobs, and returns once that is durable. A job that fails is undone alone.
    /// It may be run again where its transaction was undone because of another one. It takes up
    /// `load` while it waits.
    ///
    /// # Errors
    /// What `job` returns; [`Code::Overloaded`] when the actor has too much waiting; a storage code
    /// when the commit failed.
    pub async fn write_as<T: Send + 'static>(
        &self,
        actor: &str,
        load: Load,
        job: impl FnMut(&WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.shared
            .writer
            .run(actor, load, job)?
            .await
            .map_err(Error::internal)?
    }

    /// Tries once to empty the log, so that what was overwritten is in it no more. Returns whether
    /// it could: a reader keeps it from that for as long as it reads.
    pub(crate) async fn empty_log(&self) -> bool {
        self.shared.checkpointer.empty().await.unwrap_or(false)
    }

    /// Finishes what is queued, empties the log and ends both threads. Whoever drops the last
    /// handle must not decide when that happens: it may be a thread that the end of the process
    /// does not wait for.
    pub fn close(&self) {
        self.shared.close();
    }

    /// What the last look through the whole file came to.
    pub(crate) fn integrity(&self) -> Integrity {
        self.shared.checker.verdict()
    }

    /// What follows `topic` from now on: it changes with every commit that announced it.
    pub fn follow(&self, topic: Topic) -> watch::Receiver<u64> {
        self.shared.writer.follow(topic)
    }

    /// The present time, by the clock that this file's transactions use.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The clock that this file's transactions use.
    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Whether writes are taken. Turns false, until a restart, when the disk reported an error.
    pub(crate) fn is_writable(&self) -> bool {
        self.shared.writer.is_writable()
    }

    /// Checks that the file is still the one at its place.
    ///
    /// # Errors
    /// [`Code::StorageFailed`] when it was removed or replaced: writes are refused for so long.
    pub(crate) fn check_place(&self) -> Result<()> {
        self.shared.identity.check()
    }

    /// What the person at the terminal is to be told of the file, if anything.
    pub(crate) fn notice(&self) -> Option<&str> {
        self.shared.notice.as_deref()
    }

    /// Transactions committed so far: what group commit saves can be counted.
    pub fn commits(&self) -> u64 {
        self.shared.writer.commits()
    }
}

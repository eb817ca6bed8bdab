//! What can be seen of the file and of its writer from outside, without waiting for either.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::load::Load;
use super::topic::Notifier;
use super::{Db, Integrity, LONG_READS};
use crate::base::metrics::{Counter, DURATIONS, Histogram, Observed};

/// Bounds of the jobs in a group.
const GROUPS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];

/// Bytes of a frame of the log: a page and its header ("WAL-mode File Format", 4.1).
const FRAME: u64 = 4_096 + 24;

/// What the writer shows of itself.
pub(super) struct Gauges {
    /// Set by an I/O error, and never unset.
    failed: AtomicBool,
    /// Transactions committed.
    pub commits: Counter,
    /// Transactions that came to nothing.
    pub failures: Counter,
    /// Where the writer tells what its commits were about.
    pub notifier: Notifier,
    /// Jobs in a committed transaction.
    pub group_jobs: Histogram,
    /// How long a committed transaction took, in microseconds, from its beginning on.
    pub transactions: Histogram,
    /// How long its commit took, of that: writing to the log and syncing it.
    pub commit_times: Histogram,
    /// When the writer was started.
    started: Instant,
    /// When the group under way began, in milliseconds since then and one more; 0: none is.
    busy_since: AtomicU64,
}

impl Gauges {
    /// Those of a writer that starts now.
    pub(super) fn new() -> Self {
        Self {
            failed: AtomicBool::new(false),
            commits: Counter::default(),
            failures: Counter::default(),
            notifier: Notifier::new(),
            group_jobs: Histogram::new(GROUPS),
            transactions: Histogram::new(DURATIONS),
            commit_times: Histogram::new(DURATIONS),
            started: Instant::now(),
            busy_since: AtomicU64::new(0),
        }
    }

    /// Whether a disk has failed to store a commit.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Notes that one has, for good.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// Notes that a group begins.
    pub(super) fn begin_group(&self) {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.busy_since.store(millis + 1, Ordering::Relaxed);
    }

    /// Notes that the group has ended.
    pub(super) fn end_group(&self) {
        self.busy_since.store(0, Ordering::Relaxed);
    }

    /// For how long the group under way has gone on; none: no group is.
    pub(super) fn group_age(&self) -> Option<Duration> {
        let since = self.busy_since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(
            self.started
                .elapsed()
                .saturating_sub(Duration::from_millis(since)),
        )
    }
}

/// The writer at some moment.
#[derive(Debug)]
pub(crate) struct WriterNumbers {
    /// What waits.
    pub waiting: Load,
    /// How long the oldest job waits, or the group is under way that took it.
    pub oldest: Duration,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that came to nothing.
    pub failures: u64,
    /// Jobs in a committed transaction.
    pub group_jobs: Observed,
    /// How long a committed transaction took, in microseconds.
    pub transactions: Observed,
    /// How long its commit took, in microseconds.
    pub commit_times: Observed,
    /// Whether writes are taken, as far as the disk is concerned.
    pub is_writable: bool,
}

/// The file at some moment. What cannot be told is none.
#[derive(Debug)]
pub(crate) struct FileNumbers {
    /// Bytes of the data file.
    pub bytes: Option<u64>,
    /// Bytes of its log, as the disk has them.
    pub log_bytes: Option<u64>,
    /// Bytes of the log that are in use.
    pub log_bytes_used: Option<u64>,
    /// Bytes that are free on its disk.
    pub free_bytes: Option<u64>,
    /// Whether the file is at its place.
    pub is_in_place: bool,
    /// What the last look through it came to.
    pub integrity: Integrity,
    /// Connections that read, and how many of them are in use.
    pub readers: (u32, u32),
    /// Long reads at the same time, and how many there may be.
    pub long_reads: (usize, usize),
}

impl Db {
    /// The writer as it is now.
    pub(crate) fn writer_numbers(&self) -> WriterNumbers {
        self.shared.writer.numbers()
    }

    /// The file as it is now.
    pub(crate) fn file_numbers(&self) -> FileNumbers {
        let shared = &self.shared;
        let [bytes, log_bytes, free_bytes] = shared.identity.sizes();
        let frames = shared.wal_index.head().map(|head| u64::from(head.frames()));
        let pool = shared.readers.state();
        FileNumbers {
            bytes,
            log_bytes,
            log_bytes_used: frames.map(|frames| frames * FRAME),
            free_bytes,
            is_in_place: shared.identity.check().is_ok(),
            integrity: shared.checker.verdict(),
            readers: (pool.connections, pool.connections - pool.idle_connections),
            long_reads: (LONG_READS, shared.turns.taken()),
        }
    }
}

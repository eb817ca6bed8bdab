//! Moves the write-ahead log into the file, on a thread of its own, so that no commit pays for it.
//!
//! A passive checkpoint never blocks anybody, but under load it never catches up either: the log
//! grows. So past a limit the writer waits, and the log is started over: see [`restart`]. It keeps
//! its length then, since overwriting is cheaper than growing a file. It is cut at every start,
//! when nothing was written since the last look, and when little of it was used for a while.
//!
//! To cut the log, or to start it over, nobody may read from it. Whoever of this process reads is
//! asked to let go. Where another process reads for long (a program that copies the file does),
//! each try holds up the writers, so the next one comes later and waits for less.

mod restart;

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Result};
use tokio::sync::{oneshot, watch};

use super::clearing::Asked;
use super::wal_index::WalIndex;

/// How often the log is looked at: long enough that a page changed by many commits is moved once.
const INTERVAL: Duration = Duration::from_millis(200);
/// The same while the log is long. At full speed it grows by some 50 MiB a second.
const INTERVAL_WHILE_LONG: Duration = Duration::from_millis(50);
/// How long nobody has written when the log is cut: one look found it as the one before did.
const QUIET: Duration = Duration::from_millis(190);
/// Log frames of one 4,096-byte page each from which on the log is looked at more often.
const LONG: i64 = 2_048;
/// Frames that a log may keep room for while little is written: 4 MiB.
const LITTLE: i64 = 1_024;
/// Looks at a log with few frames after which it is cut although somebody writes: five seconds.
const LOOKS_UNTIL_CUT: u32 = 25;
/// How often emptying the log is tried.
const TRIES: usize = 8;
/// How long after a try to empty the log that met a reader of old pages comes the next.
const REST_OF_READERS: Duration = Duration::from_millis(5);
/// How long a checkpoint waits for readers before it gives way to the writer.
const PATIENCE: Duration = Duration::from_millis(100);
/// The same for a try to cut the log after one that found a reader in the way.
const PATIENCE_AFTER_BUSY: Duration = Duration::from_millis(10);
/// How many seconds after such a try the next one comes: after the first, the second, and all later
/// ones. Our own readers are gone after five.
const PAUSES_SECONDS: [u64; 3] = [1, 2, 5];

/// A handle to the checkpoint thread.
pub(crate) struct Checkpointer {
    /// Tells the thread what to do besides looking at the log.
    orders: Sender<Order>,
    /// Whether the log is to be started over.
    is_due: Arc<AtomicBool>,
    /// The thread, until it was told to end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread works with.
pub(crate) struct Parts {
    /// A connection of its own.
    pub conn: Connection,
    /// The data file once more, to sync it.
    ///
    /// Closing a descriptor drops every lock that this process holds on its file, those of SQLite's
    /// connections too. So whoever starts the thread keeps it until all of them are closed.
    pub file: Arc<File>,
    /// Says whether another process reads.
    pub index: Arc<WalIndex>,
    /// Asks those who read to let go.
    pub clearing: watch::Sender<Asked>,
}

/// How the writer has the log started over.
pub(crate) struct Line {
    /// Takes orders.
    pub(super) orders: Sender<Order>,
    /// Whether the log is to be started over before the next commit.
    pub(super) is_due: Arc<AtomicBool>,
}

/// What the thread can be told.
pub(super) enum Order {
    /// To empty the log now, and to answer whether it could.
    Empty(oneshot::Sender<bool>),
    /// To start the log over now, and to answer whether it could.
    StartOver(Sender<bool>),
    /// To end.
    Stop,
}

impl Checkpointer {
    /// Starts the thread.
    pub(crate) fn start(parts: Parts) -> Self {
        let (orders, received) = channel();
        // A connection without a patience of its own would make writers wait for the slowest
        // reader.
        report(parts.conn.busy_timeout(PATIENCE));
        let mut log = Log::new(parts);
        let is_due = Arc::clone(&log.is_due);
        // What short lives left behind would add up, for none of them gets to the first look.
        log.cut();
        let thread = thread::spawn(move || log.keep_short(&received));
        Self {
            orders,
            is_due,
            thread: Mutex::new(Some(thread)),
        }
    }

    /// Tries once to empty the log; the receiver gets whether it could. Only a reader or a writer
    /// in the way keeps it from that.
    pub(crate) fn empty(&self) -> oneshot::Receiver<bool> {
        let (caller, receiver) = oneshot::channel();
        // Fails only when the thread is gone; the receiver learns that as well.
        let _ = self.orders.send(Order::Empty(caller));
        receiver
    }

    /// How the writer has the log started over.
    pub(super) fn line(&self) -> Line {
        Line {
            orders: self.orders.clone(),
            is_due: Arc::clone(&self.is_due),
        }
    }

    /// Empties the log, and ends the thread.
    pub(crate) fn close(&self) {
        if let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) {
            // Both fail only when the thread is gone already; it reports its own errors.
            let _ = self.orders.send(Order::Stop);
            let _ = thread.join();
        }
    }
}

/// The log, as the checkpoint thread knows it from its last looks.
struct Log {
    /// What the thread works with.
    parts: Parts,
    /// Tells the writer that the log is to be started over.
    is_due: Arc<AtomicBool>,
    /// How many frames it had at the last look.
    frames: i64,
    /// When a look found that somebody had written.
    changed_at: Instant,
    /// The most frames that it had since it was cut: so many it has room for.
    room: i64,
    /// Looks in a row that found little in it.
    little_looks: u32,
    /// Tries to cut it in a row that found a reader in the way.
    busy_cuts: usize,
    /// When it may be cut again, and when started over.
    not_before: NotBefore,
    /// Whether the last look failed. A disk that is full for an hour is told of once.
    has_failed: bool,
}

/// When the next try may come that makes writers wait.
struct NotBefore {
    /// The next try to cut the log.
    cut: Instant,
    /// The next try to start it over.
    restart: Instant,
}

impl Log {
    /// A log of which nothing is known: it may be long.
    fn new(parts: Parts) -> Self {
        let now = Instant::now();
        let not_before = NotBefore {
            cut: now,
            restart: now,
        };
        Self {
            parts,
            is_due: Arc::new(AtomicBool::new(false)),
            frames: 0,
            changed_at: now,
            room: i64::MAX,
            little_looks: 0,
            busy_cuts: 0,
            not_before,
            has_failed: false,
        }
    }

    /// Looks at the log until it is told to end.
    fn keep_short(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(self.interval()) {
                Err(RecvTimeoutError::Timeout) => {
                    let outcome = self.probe();
                    self.log_failure(outcome);
                }
                // Who asked may have gone away.
                Ok(Order::Empty(caller)) => drop(caller.send(self.empty())),
                Ok(Order::StartOver(caller)) => drop(caller.send(self.start_over())),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.cut();
    }

    /// How long until the next look.
    fn interval(&self) -> Duration {
        if self.frames > LONG {
            INTERVAL_WHILE_LONG
        } else {
            INTERVAL
        }
    }

    /// One look: moves what there is, and cuts the log or starts it over where that is due.
    fn probe(&mut self) -> Result<()> {
        let (frames, moved) = checkpoint(&self.parts.conn, "passive")?;
        let now = Instant::now();
        if frames != self.frames {
            (self.frames, self.changed_at) = (frames, now);
        }
        // At full speed batches may be further apart than two looks.
        let is_quiet = now.duration_since(self.changed_at) >= QUIET;
        self.room = self.room.max(frames);
        self.little_looks = if frames < LITTLE {
            self.little_looks.saturating_add(1)
        } else {
            0
        };
        let is_settled = self.little_looks >= LOOKS_UNTIL_CUT && self.room > LITTLE;
        if (is_quiet && frames > 0) || is_settled {
            // Whoever was asked for a writer that does not come.
            self.ask(Asked::Nobody);
            if now >= self.not_before.cut {
                self.cut_or_pause();
            }
            return Ok(());
        }
        self.look_for_restart(frames, moved)
    }

    /// Empties the log because somebody asks for it. Returns whether it could. While somebody reads
    /// old pages, writers would be made to wait in vain.
    fn empty(&mut self) -> bool {
        self.ask(Asked::Checks);
        let is_empty = self.try_to_empty();
        self.ask(Asked::Nobody);
        is_empty
    }

    /// [`Log::empty`], while those who read are asked to let go.
    fn try_to_empty(&mut self) -> bool {
        for _ in 0..TRIES {
            match self.approach() {
                Ok(true) => return self.cut(),
                // Threads of ours let their snapshots go as soon as the machine runs them.
                Ok(false) => thread::sleep(REST_OF_READERS),
                Err(error) => {
                    self.log_failure(Err(error));
                    return false;
                }
            }
        }
        false
    }

    /// Moves the whole log into the file and cuts it to nothing. Returns whether nobody was in the
    /// way.
    fn cut(&mut self) -> bool {
        let outcome = is_free(&self.parts.conn, "truncate");
        let is_cut = matches!(outcome, Ok(true));
        if is_cut {
            (self.frames, self.room, self.busy_cuts) = (0, 0, 0);
            self.is_due.store(false, Ordering::Release);
        }
        self.log_failure(outcome.map(drop));
        is_cut
    }

    /// Cuts the log. Where that fails, the next try comes later.
    fn cut_or_pause(&mut self) {
        if self.busy_cuts > 0 {
            report(self.parts.conn.busy_timeout(PATIENCE_AFTER_BUSY));
        }
        self.ask(Asked::Snapshots);
        let is_cut = self.cut();
        self.ask(Asked::Nobody);
        report(self.parts.conn.busy_timeout(PATIENCE));
        if !is_cut {
            let seconds = PAUSES_SECONDS
                .get(self.busy_cuts)
                .or(PAUSES_SECONDS.last())
                .copied()
                .unwrap_or_default();
            self.not_before.cut = Instant::now() + Duration::from_secs(seconds);
            self.busy_cuts += 1;
        }
    }

    /// Asks those who read old pages to let go: they would keep frames from being moved, and the
    /// log from being cut.
    fn ask(&self, asked: Asked) {
        self.parts.clearing.send_replace(asked);
    }

    /// Logs a failure, unless the one before it was one, too.
    fn log_failure(&mut self, outcome: Result<()>) {
        let had_failed = std::mem::replace(&mut self.has_failed, outcome.is_err());
        if !had_failed {
            report(outcome);
        }
    }
}

/// Runs a checkpoint; answers the frames in the log, and how many of them are in the file by now.
fn checkpoint(conn: &Connection, mode: &str) -> Result<(i64, i64)> {
    conn.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| {
        Ok((row.get(1)?, row.get(2)?))
    })
}

/// Runs a checkpoint that nobody may stand in the way of. Returns whether nobody did.
fn is_free(conn: &Connection, mode: &str) -> Result<bool> {
    conn.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| {
        row.get(0)
    })
    .map(|busy: i64| busy == 0)
}

/// Logs a failed checkpoint: nothing is lost by it, the log only stays long.
fn report(outcome: Result<()>) {
    if let Err(error) = outcome {
        log::error!("checkpoint failed: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::connection::{Synchronous, open_writer};

    type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_reader_that_stays_makes_writers_wait_more_rarely_each_time_until_it_is_gone() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("invited.db");
        crate::db::file::prepare(&path)?;
        let open = || open_writer(&path, Synchronous::Full);
        let (writer, reader, conn) = (open()?, open()?, open()?);
        conn.busy_timeout(PATIENCE)?;
        let mut log = Log::new(Parts {
            conn,
            file: Arc::new(File::open(&path)?),
            index: Arc::new(WalIndex::open(&path)?),
            clearing: watch::Sender::new(Asked::Nobody),
        });
        writer.execute_batch("create table test (x)")?;
        reader.execute_batch("begin; select * from test")?;
        writer.execute_batch("insert into test values (1)")?;
        let start = Instant::now();
        let mut looks = 0;
        while start.elapsed() < Duration::from_millis(2_500) {
            log.probe()?;
            looks += 1;
            thread::sleep(Duration::from_millis(10));
        }
        assert!(
            looks > 20 && (1..=2).contains(&log.busy_cuts),
            "{looks} looks, {} held up",
            log.busy_cuts
        );
        reader.execute_batch("commit")?;
        while log.busy_cuts > 0 {
            assert!(start.elapsed() < Duration::from_secs(10), "it is not cut");
            log.probe()?;
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(log.frames, 0);
        Ok(())
    }
}

//! Moves the write-ahead log into the file, on a thread of its own, so that no commit pays for it.
//!
//! A passive checkpoint never blocks anybody, but under load it never catches up either: the log
//! grows. So past a limit a checkpoint makes writers wait, and the log is started over. It keeps
//! its length then, since overwriting is cheaper than growing a file. It is cut at every start,
//! when nothing was written since the last look, and when little of it was used for a while.
//!
//! To cut the log, or to start it over, nobody may read from it. Where a reader stays (another
//! program that copies the file does), each try holds up the writers, so the next one comes later
//! and waits for less.

use std::fs::File;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Result};
use tokio::sync::{oneshot, watch};

/// How often the log is looked at: long enough that a page changed by many commits is moved once.
const INTERVAL: Duration = Duration::from_millis(200);
/// The same while the log is long. At full speed it grows by some 50 MiB a second.
const INTERVAL_WHILE_LONG: Duration = Duration::from_millis(50);
/// How long nobody has written when the log is cut: one look found it as the one before did.
const QUIET: Duration = Duration::from_millis(190);
/// Log frames of one 4,096-byte page each above which the log is started over: 32 MiB, so that it
/// stays below 64 MiB, whatever is written until that is done.
const RESTART_ABOVE: i64 = 8_192;
/// Log frames from which on the log is looked at more often.
const LONG: i64 = RESTART_ABOVE / 4;
/// Frames that a log may keep room for while little is written: 4 MiB.
const LITTLE: i64 = 1_024;
/// Looks at a log with few frames after which it is cut although somebody writes: five seconds.
const LOOKS_UNTIL_CUT: u32 = 25;
/// A restart makes writers wait until the frames are moved that came since the last look. While
/// there are more than these, another passive checkpoint moves them first: each one leaves fewer.
const FEW: i64 = 256;
/// Passive checkpoints in a row: a disk that is too slow to catch up is not made to.
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
/// How long after a try to start the log over that found a reader in the way the next one comes.
const PAUSE_OF_RESTART: Duration = Duration::from_secs(1);

/// A handle to the checkpoint thread.
pub(crate) struct Checkpointer {
    /// Tells the thread what to do besides looking at the log.
    orders: Sender<Order>,
    /// The thread, until it was told to end.
    thread: Mutex<Option<JoinHandle<()>>>,
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
    /// Starts the thread on a connection of its own. `file` is the data file once more, to sync it.
    ///
    /// Closing a descriptor drops every lock that this process holds on its file, those of SQLite's
    /// connections too. So whoever calls this keeps `file` until all of them are closed.
    ///
    /// `clearing` is true while a checkpoint waits for readers, and writers for it.
    pub(crate) fn start(conn: Connection, file: Arc<File>, clearing: watch::Sender<bool>) -> Self {
        let (orders, received) = channel();
        // A connection without a patience of its own would make writers wait for the slowest
        // reader.
        report(conn.busy_timeout(PATIENCE));
        let mut log = Log::new(conn, file, clearing);
        // What short lives left behind would add up, for none of them gets to the first look.
        log.cut();
        let thread = thread::spawn(move || log.keep_short(&received));
        Self {
            orders,
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

    /// Where it takes orders.
    pub(super) fn orders(&self) -> Sender<Order> {
        self.orders.clone()
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
    /// A connection of its own.
    conn: Connection,
    /// The data file, to sync it.
    file: Arc<File>,
    /// Whether kept snapshots are in the way.
    clearing: watch::Sender<bool>,
    /// Its frames at the last look.
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
    fn new(conn: Connection, file: Arc<File>, clearing: watch::Sender<bool>) -> Self {
        let now = Instant::now();
        let not_before = NotBefore {
            cut: now,
            restart: now,
        };
        Self {
            conn,
            file,
            clearing,
            frames: 0,
            changed_at: now,
            room: RESTART_ABOVE,
            little_looks: 0,
            busy_cuts: 0,
            not_before,
            has_failed: false,
        }
    }

    /// Looks at the log until it is told to end.
    fn keep_short(mut self, orders: &Receiver<Order>) {
        loop {
            let interval = if self.frames > LONG {
                INTERVAL_WHILE_LONG
            } else {
                INTERVAL
            };
            match orders.recv_timeout(interval) {
                Err(RecvTimeoutError::Timeout) => {
                    let outcome = self.probe();
                    self.log_failure(outcome);
                }
                // Who asked may have gone away.
                Ok(Order::Empty(caller)) => drop(caller.send(self.cleared(Self::empty))),
                Ok(Order::StartOver(caller)) => drop(caller.send(self.start_over_now())),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.cut();
    }

    /// One look: moves what there is, and cuts the log or starts it over where that is due.
    fn probe(&mut self) -> Result<()> {
        let (frames, moved) = checkpoint(&self.conn, "passive")?;
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
            if now >= self.not_before.cut {
                self.cleared(Self::cut_or_pause);
            }
        } else if frames > RESTART_ABOVE && now >= self.not_before.restart {
            self.cleared(|log| log.start_over(moved))?;
        }
        Ok(())
    }

    /// Has the next writer begin at the start of the log. `moved` frames are in the file already.
    /// Returns whether nobody was in the way.
    fn start_over(&mut self, moved: i64) -> Result<bool> {
        self.move_most(moved)?;
        let is_free = is_free(&self.conn, "restart")?;
        if !is_free {
            self.not_before.restart = Instant::now() + PAUSE_OF_RESTART;
        }
        Ok(is_free)
    }

    /// Starts the log over because the writer waits for it. Returns whether it could. Where a
    /// reader was in the way just now, it does not try.
    fn start_over_now(&mut self) -> bool {
        if Instant::now() < self.not_before.restart {
            return false;
        }
        let outcome = self.cleared(|log| log.start_over(0));
        let is_done = matches!(outcome, Ok(true));
        self.log_failure(outcome.map(drop));
        is_done
    }

    /// Moves what came since `moved` frames were in the file, until few come meanwhile: the
    /// checkpoint that follows makes writers wait for the rest. Returns whether nobody keeps any of
    /// it from being moved.
    fn move_most(&self, mut moved: i64) -> Result<bool> {
        for _ in 0..TRIES {
            let (_, moved_now) = checkpoint(&self.conn, "passive")?;
            let is_near = moved_now - moved <= FEW;
            moved = moved_now;
            if is_near {
                break;
            }
        }
        // That checkpoint syncs the file while writers wait: what is synced before, they need not
        // wait for.
        if let Err(error) = self.file.sync_data() {
            log::error!("the data file could not be synced: {error}");
        }
        let (frames, moved) = checkpoint(&self.conn, "passive")?;
        Ok(moved >= frames)
    }

    /// Empties the log because somebody asks for it. Returns whether it could. While somebody reads
    /// old pages, writers would be made to wait in vain.
    fn empty(&mut self) -> bool {
        for _ in 0..TRIES {
            match self.move_most(0) {
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
        let outcome = is_free(&self.conn, "truncate");
        let is_cut = matches!(outcome, Ok(true));
        if is_cut {
            (self.frames, self.room, self.busy_cuts) = (0, 0, 0);
        }
        self.log_failure(outcome.map(drop));
        is_cut
    }

    /// Cuts the log. Where that fails, the next try comes later.
    fn cut_or_pause(&mut self) {
        if self.busy_cuts > 0 {
            report(self.conn.busy_timeout(PATIENCE_AFTER_BUSY));
        }
        let is_cut = self.cut();
        report(self.conn.busy_timeout(PATIENCE));
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

    /// Does `work` while snapshots that are only kept are let go: they would hold up what waits for
    /// readers, or keep frames from being moved.
    fn cleared<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.clearing.send_replace(true);
        let outcome = work(self);
        self.clearing.send_replace(false);
        outcome
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
        let mut log = Log::new(
            conn,
            Arc::new(File::open(&path)?),
            watch::Sender::new(false),
        );
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

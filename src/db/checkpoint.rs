//! Moves the write-ahead log into the file, on a thread of its own, so that no commit pays for it.
//!
//! A passive checkpoint never blocks anybody, but under load it never catches up either: the log grows. So past a limit a
//! checkpoint makes writers wait, and the log is started over. It keeps its length then, since overwriting is cheaper than
//! growing a file; it is cut only when there is nothing to write.

use std::fs::File;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, Result};
use tokio::sync::oneshot;

/// How often the log is looked at: long enough that a page changed by many commits is moved once.
const INTERVAL: Duration = Duration::from_millis(200);
/// Log frames of one 4,096-byte page each above which the log is started over: 48 MiB, so that it stays below 64 MiB.
const RESTART_ABOVE: i64 = 12_288;
/// A restart makes writers wait until the frames are moved that came since the last look. While there are more than
/// these, another passive checkpoint moves them first: each one leaves fewer.
const FEW: i64 = 256;
/// Passive checkpoints in a row: a disk that is too slow to catch up is not made to.
const TRIES: usize = 8;
/// How long a checkpoint waits for readers before it gives way to the writer.
const PATIENCE: Duration = Duration::from_millis(100);

/// A handle to the checkpoint thread.
pub struct Checkpointer {
    /// Tells the thread what to do besides looking at the log.
    orders: Sender<Order>,
    /// The thread, until it was told to end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread can be told.
enum Order {
    /// To empty the log now, and to answer whether it could.
    Empty(oneshot::Sender<bool>),
    /// To end.
    Stop,
}

impl Checkpointer {
    /// Starts the thread on a connection of its own. `file` is the data file once more, to sync it.
    ///
    /// Closing a descriptor drops every lock that this process holds on its file, those of SQLite's connections too. So
    /// whoever calls this keeps `file` until all of them are closed.
    pub fn start(conn: Connection, file: Arc<File>) -> Self {
        let (orders, received) = channel();
        let thread = thread::spawn(move || {
            // A connection without a patience of its own would make writers wait for the slowest reader.
            report(conn.busy_timeout(PATIENCE));
            let mut frames_before = 0;
            loop {
                match received.recv_timeout(INTERVAL) {
                    Err(RecvTimeoutError::Timeout) => {
                        frames_before = report(tick(&conn, &file, frames_before)).unwrap_or(frames_before);
                    }
                    // Who asked may have gone away.
                    Ok(Order::Empty(caller)) => drop(caller.send(report(empty(&conn, &file)).unwrap_or(false))),
                    Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            report(checkpoint(&conn, "truncate"));
        });
        Self { orders, thread: Mutex::new(Some(thread)) }
    }

    /// Tries once to empty the log; the receiver gets whether it could. Only a reader or a writer in the way keeps it from that.
    pub fn empty(&self) -> oneshot::Receiver<bool> {
        let (caller, receiver) = oneshot::channel();
        // Fails only when the thread is gone; the receiver learns that as well.
        let _ = self.orders.send(Order::Empty(caller));
        receiver
    }

    /// Empties the log, and ends the thread.
    pub fn close(&self) {
        if let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) {
            // Both fail only when the thread is gone already; it reports its own errors.
            let _ = self.orders.send(Order::Stop);
            let _ = thread.join();
        }
    }
}

/// One look at the log, which had `frames_before` frames at the last one. Answers how many it has now.
fn tick(conn: &Connection, file: &File, frames_before: i64) -> Result<i64> {
    let (frames, moved) = checkpoint(conn, "passive")?;
    if frames > 0 && frames == frames_before {
        checkpoint(conn, "truncate")?;
        return Ok(0);
    }
    if frames <= RESTART_ABOVE {
        return Ok(frames);
    }
    move_most(conn, file, moved)?;
    checkpoint(conn, "restart")?;
    Ok(0)
}

/// Moves what came since `moved` frames were in the file, until few come meanwhile: the checkpoint that follows makes
/// writers wait for the rest.
fn move_most(conn: &Connection, file: &File, mut moved: i64) -> Result<()> {
    for _ in 0..TRIES {
        let (_, moved_now) = checkpoint(conn, "passive")?;
        let is_near = moved_now - moved <= FEW;
        moved = moved_now;
        if is_near {
            break;
        }
    }
    // That checkpoint syncs the file while writers wait: what is synced before, they need not wait for.
    if let Err(error) = file.sync_data() {
        log::error!("the data file could not be synced: {error}");
    }
    checkpoint(conn, "passive")?;
    Ok(())
}

/// Runs a checkpoint; answers the frames in the log, and how many of them are in the file by now.
fn checkpoint(conn: &Connection, mode: &str) -> Result<(i64, i64)> {
    conn.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| Ok((row.get(1)?, row.get(2)?)))
}

/// Moves the whole log into the file and cuts it to nothing. Returns whether nobody was in the way.
fn empty(conn: &Connection, file: &File) -> Result<bool> {
    move_most(conn, file, 0)?;
    // While somebody reads old pages, the checkpoint below would make writers wait in vain.
    let (frames, moved) = checkpoint(conn, "passive")?;
    if moved < frames {
        return Ok(false);
    }
    conn.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get(0)).map(|busy: i64| busy == 0)
}

/// Logs a failed checkpoint: nothing is lost by it, the log only stays long.
fn report<T>(outcome: Result<T>) -> Option<T> {
    outcome.inspect_err(|error| log::error!("checkpoint failed: {error}")).ok()
}

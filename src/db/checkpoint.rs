//! Moves the write-ahead log into the file, on a thread of its own, so that no commit pays for it.
//!
//! A passive checkpoint never blocks anybody. Only one that also truncates the log makes writers wait, so it runs when the
//! log has grown past a limit or when there is nothing to write.

use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, Result};

/// How often the log is looked at: long enough that a page changed by many commits is moved once.
const INTERVAL: Duration = Duration::from_millis(500);
/// Log frames of one 4,096-byte page each above which the log is truncated: 56 MiB. A busy writer fills half of that between
/// two looks, and a truncation makes it wait.
const TRUNCATE_ABOVE_FRAMES: i64 = 14_336;
/// How long a truncation waits for readers before it gives way to the writer.
const TRUNCATE_PATIENCE: Duration = Duration::from_millis(100);

/// A handle to the checkpoint thread.
pub struct Checkpointer {
    /// Tells the thread to end.
    stop: Sender<()>,
    /// The thread, until it was told to end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Checkpointer {
    /// Starts the thread on a connection of its own.
    pub fn start(conn: Connection) -> Self {
        let (stop, stopped) = channel::<()>();
        let thread = thread::spawn(move || {
            // A connection without a patience of its own would make writers wait for the slowest reader.
            report(conn.busy_timeout(TRUNCATE_PATIENCE));
            let mut frames_before = 0;
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                frames_before = report(tick(&conn, frames_before)).unwrap_or(frames_before);
            }
            report(checkpoint(&conn, "truncate"));
        });
        Self { stop, thread: Mutex::new(Some(thread)) }
    }

    /// Empties the log, and ends the thread.
    pub fn close(&self) {
        if let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) {
            // Both fail only when the thread is gone already; it reports its own errors.
            let _ = self.stop.send(());
            let _ = thread.join();
        }
    }
}

/// One look at the log, which had `frames_before` frames at the last one. Answers how many it has now.
fn tick(conn: &Connection, frames_before: i64) -> Result<i64> {
    let frames = checkpoint(conn, "passive")?;
    let idle = frames == frames_before;
    if frames > TRUNCATE_ABOVE_FRAMES || (idle && frames > 0) {
        checkpoint(conn, "truncate")?;
        return Ok(0);
    }
    Ok(frames)
}

/// Runs a checkpoint; answers the frames in the log.
fn checkpoint(conn: &Connection, mode: &str) -> Result<i64> {
    conn.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| row.get(1))
}

/// Logs a failed checkpoint: nothing is lost by it, the log only stays long.
fn report<T>(outcome: Result<T>) -> Option<T> {
    outcome.inspect_err(|error| log::error!("checkpoint failed: {error}")).ok()
}

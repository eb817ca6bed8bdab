//! Reads without a known bound, which end after some seconds, and give way to a checkpoint.
//!
//! A read that gives way begins again, since SQLite cannot go on where it was. So beside writers
//! that fill the log faster than it can be read to the end, it runs into its time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::clearing::{Asked, Clearing};
use super::snapshot::Reader;
use super::{Db, Result};

/// How long a long read may run, with all its beginnings.
const LIMIT: Duration = Duration::from_secs(5);
/// Instructions of SQLite's machine between two looks at whether to stop: about a millisecond.
const STEPS_PER_LOOK: i32 = 20_000;
/// How often a read that gave way looks whether it may begin again.
const REST: Duration = Duration::from_millis(2);

/// Runs `read`, from its beginning again where it gave way.
///
/// # Errors
/// What `read` returns, [`super::Code::ReadTimeout`], or that the file cannot be read.
pub(super) fn run<T>(
    db: &Db,
    clearing: &Clearing,
    read: impl Fn(&Reader<'_>) -> Result<T>,
) -> Result<T> {
    let end = Instant::now() + LIMIT;
    loop {
        let was_stopped = Arc::new(AtomicBool::new(false));
        let outcome = db.read(|reader| {
            let clearing = clearing.clone();
            let _brakes = Brakes::set(reader.conn, end, clearing, Arc::clone(&was_stopped))?;
            read(reader)
        });
        // Whatever `read` made of it.
        if !was_stopped.load(Ordering::Acquire) || Instant::now() > end {
            return outcome;
        }
        while clearing.asks(Asked::Reads) && Instant::now() < end {
            thread::sleep(REST);
        }
    }
}

/// What stops a long read. Goes with it, even when it panics: the next read on the connection has
/// its own time.
struct Brakes<'a>(&'a Connection);

impl<'a> Brakes<'a> {
    /// Makes SQLite give up on `conn` after `end`, and where long reads are to let go, and notes in
    /// `was_stopped` that it did.
    fn set(
        conn: &'a Connection,
        end: Instant,
        clearing: Clearing,
        was_stopped: Arc<AtomicBool>,
    ) -> Result<Self> {
        let must_stop = move || {
            let must_stop = clearing.asks(Asked::Reads) || Instant::now() > end;
            was_stopped.fetch_or(must_stop, Ordering::AcqRel);
            must_stop
        };
        conn.progress_handler(STEPS_PER_LOOK, Some(must_stop))?;
        Ok(Self(conn))
    }
}

impl Drop for Brakes<'_> {
    fn drop(&mut self) {
        // Fails only on a connection that is not ours, which none is.
        let _ = self.0.progress_handler(0, None::<fn() -> bool>);
    }
}

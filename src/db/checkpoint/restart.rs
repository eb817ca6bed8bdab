//! Starts the log over, so that the next commit begins at its start.
//!
//! That needs the whole log in the file, and the file synced, while nobody writes. So the thread
//! moves and syncs beside the writer first, until what is left takes little time, and then has the
//! writer wait for that ([`super::super::log_limit`]).

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Result;

use super::{Asked, Log, checkpoint, is_free};

/// Frames above which the log is started over: 24 MiB. At full speed as many come again until the
/// writer waits for few.
const RESTART_ABOVE: i64 = 6_144;
/// Frames above which even long reads begin anew, where they keep the log from being moved: 40 MiB.
const HURRY_ABOVE: i64 = 10_240;
/// Frames that may be left for when the writer waits: 2 MiB. At full speed so many come while the
/// file is synced.
const FEW: i64 = 512;
/// Rounds until few are left: a disk that is too slow to catch up is not made to.
const ROUNDS: usize = 4;
/// How long the writer waits at most, while only this process reads.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long readers have to let go before long reads are asked, too.
const GRACE: Duration = Duration::from_millis(10);
/// How long after a try that found a reader in the way the next one comes.
const REST_OF_READERS: Duration = Duration::from_millis(1);
/// How long after a try to start the log over that found another process in the way the next one
/// comes.
const PAUSE: Duration = Duration::from_secs(1);

impl Log {
    /// Has the log started over where it is long. Of its `frames` so many are `moved`.
    pub(super) fn look_for_restart(&mut self, frames: i64, moved: i64) -> Result<()> {
        if frames <= RESTART_ABOVE || Instant::now() < self.not_before.restart {
            return Ok(());
        }
        let is_behind = moved < frames && frames > HURRY_ABOVE;
        // Where somebody reads who does not let go, long reads would do so in vain.
        let is_held_up = is_behind && !self.parts.index.is_read_to_the_end();
        self.ask(if is_held_up {
            Asked::Reads
        } else {
            Asked::Checks
        });
        let outcome = self.approach();
        if matches!(outcome, Ok(true)) {
            // Who was asked stays asked: the writer comes at once.
            self.is_due.store(true, Ordering::Release);
        } else {
            self.ask(Asked::Nobody);
            self.pause_where_read_to_the_end();
        }
        outcome.map(drop)
    }

    /// Moves the log into the file and syncs it, beside the writer, until few frames come
    /// meanwhile. Returns whether nobody keeps them from being moved.
    pub(super) fn approach(&self) -> Result<bool> {
        let (mut frames, mut moved) = checkpoint(&self.parts.conn, "passive")?;
        for _ in 0..ROUNDS {
            let before = moved;
            self.sync();
            (frames, moved) = checkpoint(&self.parts.conn, "passive")?;
            if moved - before <= FEW {
                break;
            }
        }
        Ok(moved >= frames)
    }

    /// Syncs the data file: what is synced before a checkpoint does, the writer need not wait for.
    fn sync(&self) {
        if let Err(error) = self.parts.file.sync_data() {
            log::error!("the data file could not be synced: {error}");
        }
    }

    /// Starts the log over because the writer waits for it. Returns whether it could. Where another
    /// process was in the way just now, it does not try.
    pub(super) fn start_over(&mut self) -> bool {
        self.is_due.store(false, Ordering::Release);
        if Instant::now() < self.not_before.restart {
            return false;
        }
        self.ask(Asked::Checks);
        let outcome = self.try_to_start_over();
        self.ask(Asked::Nobody);
        let is_done = matches!(outcome, Ok(true));
        self.log_failure(outcome.map(drop));
        is_done
    }

    /// [`Log::start_over`], while those who read are asked to let go.
    fn try_to_start_over(&mut self) -> Result<bool> {
        let begun = Instant::now();
        loop {
            let (frames, moved) = checkpoint(&self.parts.conn, "passive")?;
            if moved >= frames && is_free(&self.parts.conn, "restart")? {
                return Ok(true);
            }
            if self.pause_where_read_to_the_end() || begun.elapsed() > PATIENCE {
                return Ok(false);
            }
            if begun.elapsed() > GRACE {
                self.ask(Asked::Reads);
            }
            thread::sleep(REST_OF_READERS);
        }
    }

    /// Where somebody reads who cannot be asked to let go, puts off the next try. Returns whether
    /// somebody does.
    fn pause_where_read_to_the_end(&mut self) -> bool {
        let is_read = self.parts.index.is_read_to_the_end();
        if is_read {
            self.not_before.restart = Instant::now() + PAUSE;
        }
        is_read
    }
}

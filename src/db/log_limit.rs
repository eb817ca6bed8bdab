//! Keeps writers from making the write-ahead log longer than it is said to get.
//!
//! The checkpoint thread moves the log into the file beside them. Where the machine is busy, or the
//! disk is slow, it does not keep up. Then the writer waits for it before it goes on: a slow write
//! is better than a full disk. It waits, too, where the thread says that little is left to move, so
//! that it need not wait for much later.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::checkpoint::{Line, Order};
use super::wal_index::WalIndex;

/// Log frames of one 4,096-byte page each from which on the writer waits: 48 MiB. What is written
/// together comes on top.
const MOST: u32 = 12_288;
/// How long it waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// After a wait in vain, since another process reads without an end, it does not wait for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// The limit of the log, as the writer keeps it.
pub(crate) struct LogLimit {
    /// Says how long the log is.
    index: Arc<WalIndex>,
    /// Where the checkpoint thread takes orders.
    checkpointer: Line,
    /// When it may wait again.
    not_before: Instant,
}

impl LogLimit {
    /// A limit of the log that has this index.
    pub(crate) fn new(index: Arc<WalIndex>, checkpointer: Line) -> Self {
        Self {
            index,
            checkpointer,
            not_before: Instant::now(),
        }
    }

    /// Waits until the log is moved into the file, where it is long. Must not be called in a
    /// transaction.
    pub(crate) fn wait(&mut self) {
        let is_due = self.checkpointer.is_due.load(Ordering::Acquire);
        let is_long = || self.index.head().is_some_and(|head| head.frames() > MOST);
        if !(is_due || is_long()) || Instant::now() < self.not_before {
            return;
        }
        let (caller, answer) = channel();
        // Both fail only when the thread is gone, as at the end.
        let _ = self.checkpointer.orders.send(Order::StartOver(caller));
        if !answer.recv_timeout(PATIENCE).unwrap_or(false) {
            self.not_before = Instant::now() + PAUSE;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rusqlite::Connection;
    use tokio::sync::watch;

    use super::*;
    use crate::db::checkpoint::{Checkpointer, Parts};
    use crate::db::clearing::Asked;
    use crate::db::connection::{Synchronous, open_writer};

    type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

    /// Writes more than the log may have.
    fn write_much(writer: &Connection) -> rusqlite::Result<usize> {
        writer.execute("update test set x = randomblob(52000000)", [])
    }

    #[test]
    fn a_writer_waits_for_a_long_log_but_not_without_an_end() -> Outcome {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("invited.db");
        crate::db::file::prepare(&path)?;
        let open = || open_writer(&path, Synchronous::Normal);
        let (writer, reader, conn) = (open()?, open()?, open()?);
        let small = "create table test (x); insert into test values (1)";
        writer.execute_batch(small)?;
        let index = Arc::new(WalIndex::open(&path)?);
        let frames = || index.head().map_or(0, |head| head.frames());
        let checkpointer = Checkpointer::start(Parts {
            conn,
            file: Arc::new(File::open(&path)?),
            index: Arc::clone(&index),
            clearing: watch::Sender::new(Asked::Nobody),
        });
        let mut limit = LogLimit::new(Arc::clone(&index), checkpointer.line());
        // A thread of ours that does not give way, as none should.
        reader.execute_batch("begin; select x from test")?;
        write_much(&writer)?;
        assert!(frames() > MOST, "{} frames", frames());
        let start = Instant::now();
        for _ in 0..100 {
            limit.wait();
        }
        assert!(start.elapsed() < 2 * PATIENCE, "{:?}", start.elapsed());
        writer.execute("update test set x = 2", [])?;
        assert!(frames() > MOST, "the control: it is as long as before");
        reader.execute_batch("commit")?;
        std::thread::sleep(2 * PAUSE);
        limit.wait();
        writer.execute("update test set x = 3", [])?;
        assert!(frames() < 100, "{} frames", frames());
        Ok(())
    }
}

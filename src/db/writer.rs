//! The only thread that writes, and how it commits many requests at once.
//!
//! A job is a closure that changes rows. The thread takes what waits in the queue, runs each job in a savepoint of one
//! `BEGIN IMMEDIATE` transaction, commits, and only then answers: one sync of the disk serves all of them. Under load the
//! next group gathers while the last one is being synced, so there is nothing to tune and no time to wait for more.
//!
//! # Failure
//! A job that fails is rolled back to its savepoint and answered alone. A commit that fails fails every job in it.
//! After an I/O error nothing more is written until a restart: what the disk holds is not known any more. A full disk is
//! not such an error. A panic in a job ends the process: half a group must never be served.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{oneshot, watch};

use super::identity::Identity;
use super::topic::{Board, Topic};
use super::transaction::{IdMint, WriteTx};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};

/// Jobs that may wait. At ten thousand writes a second that is a tenth of a second; more would only wait longer.
const QUEUE: usize = 1024;
/// Jobs in one commit. Above 64 nothing is gained; the bound keeps the first of them from waiting for the last.
const GROUP: usize = 256;

/// How often cutting the log is tried after an I/O error, with [`CUT_PAUSE`] between: together longer than a checkpoint takes.
const CUT_TRIES: usize = 200;
/// How long after one failed try to cut the log comes the next.
const CUT_PAUSE: Duration = Duration::from_millis(20);

/// A handle to the writer thread.
pub struct Writer {
    /// Where jobs wait; nothing in the place of a job tells the thread to end.
    queue: SyncSender<Option<Box<dyn Job>>>,
    /// What the thread shows of itself.
    gauges: Arc<Gauges>,
    /// The thread, until it was told to end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What can be seen of the writer from outside.
struct Gauges {
    /// Set by an I/O error, and never unset.
    failed: AtomicBool,
    /// Transactions committed.
    commits: AtomicU64,
    /// Where it tells what they were about.
    board: Board,
}

/// A change that waits, whatever its outcome's type.
trait Job: Send {
    /// Makes the change in the open transaction. Answers the code of its refusal.
    fn run(&mut self, tx: &WriteTx<'_>) -> std::result::Result<(), Code>;

    /// Tells the caller the outcome, or `failure` when the transaction was not committed.
    fn answer(self: Box<Self>, failure: Option<Error>);
}

/// A change that is made by `F` and has an outcome of type `T`.
struct Change<T, F> {
    /// Makes the change; gone once it ran.
    make: Option<F>,
    /// What it answered.
    outcome: Option<Result<T>>,
    /// Where its caller waits.
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&WriteTx<'_>) -> Result<T> + Send> Job for Change<T, F> {
    fn run(&mut self, tx: &WriteTx<'_>) -> std::result::Result<(), Code> {
        let outcome = self.make.take().map(|make| make(tx));
        let code = outcome.as_ref().and_then(|outcome| outcome.as_ref().err()).map(|error| error.code);
        self.outcome = outcome;
        code.map_or(Ok(()), Err)
    }

    fn answer(self: Box<Self>, failure: Option<Error>) {
        let outcome = failure.map(Err).or(self.outcome);
        // A caller that has gone away does not undo its change.
        drop(self.caller.send(outcome.unwrap_or_else(|| Err(Error::internal("a job was answered before it ran")))));
    }
}

impl Writer {
    /// Starts the thread that owns `conn`.
    pub fn start(conn: Connection, clock: Clock, identity: Arc<Identity>) -> Self {
        let (queue, jobs) = sync_channel(QUEUE);
        let gauges =
            Arc::new(Gauges { failed: AtomicBool::new(false), commits: AtomicU64::new(0), board: Board::new() });
        let shown = Arc::clone(&gauges);
        let thread = thread::spawn(move || {
            let work = || write_until_closed(conn, &jobs, &clock, &shown, &identity);
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                log::error!("the writer panicked; the process ends so that no half-made change is served");
                std::process::abort();
            }
        });
        Self { queue, gauges, thread: Mutex::new(Some(thread)) }
    }

    /// Queues the change that `make` makes; the receiver gets its outcome after the commit.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when the queue is full, [`Code::StorageFailed`] since an I/O error.
    pub fn run<T: Send + 'static>(
        &self,
        make: impl FnOnce(&WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        if !self.is_writable() {
            return Err(refused_since_failure());
        }
        let (caller, receiver) = oneshot::channel();
        let job = Box::new(Change { make: Some(make), outcome: None, caller });
        match self.queue.try_send(Some(job)) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => {
                Err(Error::new(Code::Overloaded, "Too many writes wait; nothing was changed."))
            }
            Err(TrySendError::Disconnected(_)) => Err(Error::internal("the writer has stopped")),
        }
    }

    /// Finishes what is queued, and ends the thread. Later jobs are refused.
    pub fn close(&self) {
        if let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) {
            // Both fail only when the thread is gone already; its panic would have ended the process.
            let _ = self.queue.send(None);
            let _ = thread.join();
        }
    }

    /// Whether writes are taken.
    pub fn is_writable(&self) -> bool {
        !self.gauges.failed.load(Ordering::Acquire)
    }

    /// What follows a topic from now on.
    pub fn follow(&self, topic: Topic) -> watch::Receiver<u64> {
        self.gauges.board.follow(topic)
    }

    /// Transactions committed so far.
    pub fn commits(&self) -> u64 {
        self.gauges.commits.load(Ordering::Relaxed)
    }
}

/// The thread's life: takes groups of jobs until it is told to end.
fn write_until_closed(
    mut conn: Connection,
    jobs: &Receiver<Option<Box<dyn Job>>>,
    clock: &Clock,
    gauges: &Gauges,
    identity: &Identity,
) {
    let ids = IdMint::after(&conn);
    while let Ok(Some(first)) = jobs.recv() {
        let mut group = vec![first];
        let mut ended = false;
        group.extend(jobs.try_iter().take(GROUP - 1).map_while(|job| {
            ended = job.is_none();
            job
        }));
        let outcome = if gauges.failed.load(Ordering::Acquire) {
            Err(refused_since_failure())
        } else if let Err(gone) = identity.check() {
            Err(gone)
        } else {
            let outcome = commit_group(&mut conn, &mut group, clock, &ids);
            outcome.inspect_err(|error| note_failure(error, &conn, gauges))
        };
        if let Ok(topics) = &outcome {
            gauges.commits.fetch_add(1, Ordering::Relaxed);
            gauges.board.tell(*topics);
        }
        for job in group {
            job.answer(outcome.as_ref().err().map(|error| Error::new(error.code, error.detail.clone())));
        }
        if ended {
            break;
        }
    }
}

/// Runs a group of jobs in one transaction, each in a savepoint. Answers what they were about, as bits of topics. An error means
/// that none of them was committed.
fn commit_group(conn: &mut Connection, group: &mut [Box<dyn Job>], clock: &Clock, ids: &IdMint) -> Result<u8> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (now, topics) = (clock.now(), Cell::new(0));
    for job in group {
        transaction.prepare_cached("savepoint job")?.execute([])?;
        match job.run(&WriteTx::new(&transaction, now, ids, &topics)) {
            Ok(()) => {}
            Err(code @ (Code::StorageFailed | Code::StorageFull | Code::StorageCorrupt)) => {
                return Err(Error::new(code, "The data file could not be written; nothing was changed."));
            }
            // This undoes the job alone.
            Err(_) => drop(transaction.prepare_cached("rollback to job")?.execute([])?),
        }
        // Some errors make SQLite give up the whole transaction.
        if transaction.is_autocommit() {
            return Err(Error::internal("a job ended the transaction of its group"));
        }
        transaction.prepare_cached("release job")?.execute([])?;
    }
    transaction.commit()?;
    Ok(topics.get())
}

/// Logs why a group was not committed, and after an I/O error refuses all later ones.
///
/// A commit whose sync failed has left its frames in the log, and the next start would take them for committed. Cutting the
/// log, before anybody is answered, keeps what was refused from coming back.
fn note_failure(error: &Error, conn: &Connection, gauges: &Gauges) {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    log::error!("a commit failed: {error} {cause}");
    if error.code == Code::StorageFailed
        && !gauges.failed.swap(true, Ordering::AcqRel)
        && let Err(why) = cut_log(conn)
    {
        log::error!("the log could not be cut: what was refused just now may be there after a restart ({why})");
    }
}

/// Cuts the log behind what is committed. While a checkpoint runs elsewhere SQLite refuses at once, whatever the busy timeout, so it
/// is asked again.
fn cut_log(conn: &Connection) -> std::result::Result<(), String> {
    let mut why = String::new();
    for _ in 0..CUT_TRIES {
        match conn.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, i64>(0)) {
            Ok(0) => return Ok(()),
            Ok(_) => "it is busy".clone_into(&mut why),
            Err(error) => why = error.to_string(),
        }
        thread::sleep(CUT_PAUSE);
    }
    Err(why)
}

/// What every write is answered after an I/O error.
fn refused_since_failure() -> Error {
    Error::new(Code::StorageFailed, "The disk reported an error earlier; writes are refused until a restart.")
}

//! The only thread that writes, and how it commits many requests at once.
//!
//! A job is a closure that changes rows. The thread takes what waits in the queue, runs each job in
//! one `BEGIN IMMEDIATE` transaction, commits, and only then answers: one sync serves all of them.
//! Under load the next group gathers while the last one is synced, so there is nothing to tune.
//!
//! # Failure
//! A job that fails is undone and answered alone: by its savepoint, or by the end of the
//! transaction where nothing else is in it yet. Where SQLite gives up the whole transaction because
//! of one job, each job of the group gets a transaction of its own. A commit that fails fails every
//! job in it.
//!
//! After a write or a sync of a commit has failed, nothing more is written until a restart: what
//! the disk holds is not known any more. A lack of room, of memory or of descriptors is not such an
//! error: it is told to those it meets, and passes. A panic in a job ends the process: half a group
//! must never be served.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::gauges::{Gauges, WriterNumbers};
use super::identity::Identity;
use super::ids::Pen;
use super::job::{Change, Job, run_first, run_in_savepoint};
use super::load::Load;
use super::log_limit::LogLimit;
use super::queue::{Queue, Refusal, Turn};
use super::topic::Topic;
use super::transaction::{Transaction, WriteTx};
use crate::base::clock::Clock;
use crate::base::error::{Code, Error, Result};

/// What may wait. Two thousand creates are a quarter of a second; sixty-four thousand rows of
/// batches are some seconds, which only those wait who sent them.
const QUEUE: Load = Load {
    jobs: 2_048,
    rows: 65_536,
    bytes: 48 * 1024 * 1024,
};
/// Jobs in one commit. Above 64 nothing is gained; the bound keeps the first of them from waiting
/// for the last.
const GROUP: usize = 256;
/// How long a group may work before it commits. One long job may take it beyond that.
const GROUP_TIME: Duration = Duration::from_millis(20);
/// Rows that a group may have in any case: a slow machine has its share of each commit, too.
const FEW_ROWS: usize = 64;

/// How often cutting the log is tried after an I/O error, with [`CUT_PAUSE`] between: together
/// longer than a checkpoint takes.
const CUT_TRIES: usize = 200;
/// How long after one failed try to cut the log comes the next.
const CUT_PAUSE: Duration = Duration::from_millis(20);

/// A handle to the writer thread.
pub(crate) struct Writer {
    /// Where jobs wait.
    queue: Arc<Queue<Box<dyn Job>>>,
    /// What the thread shows of itself.
    gauges: Arc<Gauges>,
    /// The thread, until it was told to end.
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread that owns `pen`.
    pub(crate) fn start(pen: Pen, clock: Clock, identity: Arc<Identity>, limit: LogLimit) -> Self {
        let queue = Arc::new(Queue::new(QUEUE));
        let gauges = Arc::new(Gauges::new());
        let (shown, jobs) = (Arc::clone(&gauges), Arc::clone(&queue));
        let thread = thread::spawn(move || {
            let work = || write_until_closed(pen, &jobs, &clock, &shown, &identity, limit);
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                log::error!(
                    "the writer panicked; the process ends so that no half-made change is served"
                );
                std::process::abort();
            }
        });
        Self {
            queue,
            gauges,
            thread: Mutex::new(Some(thread)),
        }
    }

    /// Queues the change that `make` makes for `actor`, and that takes up `load` while it waits;
    /// the receiver gets its outcome after the commit.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when the actor has as much waiting as it may, [`Code::StorageFailed`]
    /// since an I/O error.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        actor: &str,
        load: Load,
        make: impl FnMut(&WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        if !self.is_writable() {
            return Err(refused_since_failure());
        }
        let (caller, receiver) = oneshot::channel();
        let job = Box::new(Change {
            make,
            outcome: None,
            caller,
        });
        match self.queue.push(actor, load, job) {
            Ok(()) => Ok(receiver),
            Err(Refusal::NoRoom) => Err(Error::new(
                Code::Overloaded,
                "Too many writes wait; nothing was changed.",
            )),
            Err(Refusal::Closed) => Err(Error::internal("the writer has stopped")),
        }
    }

    /// Finishes what is queued, and ends the thread. Later jobs are refused.
    pub(crate) fn close(&self) {
        if let Some(thread) = self.thread.lock().ok().and_then(|mut thread| thread.take()) {
            self.queue.close();
            // It fails only when the thread panicked, which would have ended the process.
            let _ = thread.join();
        }
    }

    /// Whether writes are taken.
    pub(crate) fn is_writable(&self) -> bool {
        !self.gauges.has_failed()
    }

    /// What follows a topic from now on.
    pub(crate) fn follow(&self, topic: Topic) -> watch::Receiver<u64> {
        self.gauges.notifier.follow(topic)
    }

    /// Transactions committed so far.
    pub(crate) fn commits(&self) -> u64 {
        self.gauges.commits.get()
    }

    /// The writer as it is now.
    pub(crate) fn numbers(&self) -> WriterNumbers {
        let (waiting, oldest) = self.queue.waiting();
        let waits = oldest.map(|came| came.elapsed());
        let gauges = &self.gauges;
        WriterNumbers {
            waiting,
            oldest: waits.max(gauges.group_age()).unwrap_or_default(),
            commits: gauges.commits.get(),
            failures: gauges.failures.get(),
            group_jobs: gauges.group_jobs.get(),
            transactions: gauges.transactions.get(),
            commit_times: gauges.commit_times.get(),
            is_writable: self.is_writable(),
        }
    }
}

/// The thread's life: takes groups of jobs until the queue is closed and empty.
fn write_until_closed(
    pen: Pen,
    queue: &Queue<Box<dyn Job>>,
    clock: &Clock,
    gauges: &Gauges,
    identity: &Identity,
    limit: LogLimit,
) {
    let mut desk = Desk {
        pen,
        queue,
        clock,
        gauges,
        identity,
        limit,
        uncut: None,
    };
    while let Some(first) = queue.wait() {
        gauges.begin_group();
        desk.work_off(vec![first], GROUP);
        gauges.end_group();
    }
}

/// A transaction that came to nothing.
struct Undone {
    /// Why.
    error: Error,
    /// At what.
    stage: Stage,
}

/// The parts of a group's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its beginning.
    Begin,
    /// One of its jobs: SQLite gave up the whole transaction because of it.
    Job,
    /// The commit, whose frames may be in the log.
    Commit,
}

/// What the thread works with.
struct Desk<'a> {
    /// The only connection that writes, and what belongs to it.
    pen: Pen,
    /// Where jobs wait.
    queue: &'a Queue<Box<dyn Job>>,
    /// Where the time comes from.
    clock: &'a Clock,
    /// What the thread shows of itself.
    gauges: &'a Gauges,
    /// Whether the file is at its place.
    identity: &'a Identity,
    /// How long the log may get.
    limit: LogLimit,
    /// Why a commit was refused whose frames may be in the log: nothing is written before they are
    /// cut off.
    uncut: Option<Error>,
}

impl Desk<'_> {
    /// Commits a group and tells each caller the outcome. While it works, up to `most` jobs may
    /// join it. Where SQLite gave up the transaction of several because of one of them, each gets a
    /// transaction of its own.
    fn work_off(&mut self, mut group: Vec<Turn<Box<dyn Job>>>, most: usize) {
        let outcome = self.commit(&mut group, most);
        if group.len() > 1
            && outcome
                .as_ref()
                .is_err_and(|undone| undone.stage == Stage::Job)
        {
            return group
                .into_iter()
                .for_each(|turn| self.work_off(vec![turn], 1));
        }
        match &outcome {
            Ok(topics) => {
                self.gauges.commits.add_one();
                self.gauges.notifier.tell(*topics);
            }
            Err(undone) => {
                self.gauges.failures.add_one();
                self.record_failure(undone);
            }
        }
        for turn in group {
            // Of a job that did not get as far as to run, the time is not known yet.
            self.queue.charge(&turn.actor, Duration::ZERO);
            turn.job
                .answer(outcome.as_ref().err().map(|undone| undone.error.repeat()));
        }
    }

    /// Runs a group of jobs in one transaction, each so that it can be undone alone. Returns what
    /// they were about, as bits of topics. An error means that none of them was committed.
    fn commit(
        &mut self,
        group: &mut Vec<Turn<Box<dyn Job>>>,
        most: usize,
    ) -> std::result::Result<u8, Undone> {
        let at = |stage| move |error| Undone { error, stage };
        self.limit.wait();
        let begun = Instant::now();
        self.check().map_err(at(Stage::Begin))?;
        let transaction = Transaction::begin(&self.pen.conn).map_err(at(Stage::Begin))?;
        self.pen.tally.clear();
        let (now, topics) = (self.clock.now(), Cell::new(0));
        let (mut is_empty, mut done, mut rows) = (true, 0, 0);
        while let Some(turn) = group.get_mut(done) {
            let began = Instant::now();
            let tx = WriteTx::new(&transaction, now, &self.pen.ids, &topics, &self.pen.tally);
            let job = &mut *turn.job;
            let ran = if is_empty {
                run_first(&tx, job).map(|did_something| is_empty = !did_something)
            } else {
                run_in_savepoint(&tx, job)
            };
            self.queue.charge(&turn.actor, began.elapsed());
            ran.map_err(at(Stage::Job))?;
            done += 1;
            rows += turn.load.rows;
            let has_room = done < most && (rows < FEW_ROWS || begun.elapsed() < GROUP_TIME);
            if done == group.len() && has_room {
                group.extend(self.queue.take());
            }
        }
        let counted = self.pen.tally.store(&transaction);
        counted.map_err(|error| at(Stage::Job)(error.into()))?;
        let committing = Instant::now();
        // The error is looked at before anything else happens on this thread, a rollback included.
        let committed = transaction
            .prepare_cached("commit")
            .and_then(|mut commit| commit.execute([]));
        committed.map_err(Error::from).map_err(at(Stage::Commit))?;
        self.pen.tally.keep();
        self.gauges
            .commit_times
            .observe_duration(committing.elapsed());
        self.gauges.transactions.observe_duration(begun.elapsed());
        self.gauges.group_jobs.observe(done as u64);
        Ok(topics.get())
    }

    /// Checks that a commit would be safe.
    ///
    /// # Errors
    /// [`Code::StorageFailed`] since an I/O error and while the file is not at its place; while the
    /// log cannot be cut, that of the commit that was refused.
    fn check(&mut self) -> Result<()> {
        if self.gauges.has_failed() {
            return Err(refused_since_failure());
        }
        self.identity.check()?;
        if let Some(refused) = &self.uncut {
            cut_log(&self.pen.conn, 1).map_err(|why| refused.repeat().with_cause(why))?;
            self.uncut = None;
        }
        Ok(())
    }

    /// Logs why a group was not committed.
    ///
    /// A commit whose sync failed has left its frames in the log, and the next start would take
    /// them for committed. The log is cut before anybody is answered, so that what was refused does
    /// not come back. A failure that is not for want of anything closes the writer for good: what
    /// the disk holds is not known any more.
    fn record_failure(&mut self, Undone { error, stage }: &Undone) {
        // What went wrong before is logged with the request that it is answered to.
        if *stage != Stage::Commit || self.gauges.has_failed() {
            return;
        }
        let cause = std::error::Error::source(error)
            .map(ToString::to_string)
            .unwrap_or_default();
        log::error!("a commit failed: {error} {cause}");
        let tries = match error.code {
            // Without room it would fail as often as it is tried.
            Code::StorageFull => 1,
            Code::StorageFailed | Code::Overloaded => CUT_TRIES,
            _ => return,
        };
        if error.code == Code::StorageFailed {
            self.gauges.fail();
            log::error!(
                "writes are refused until a restart, since the disk has failed to store a commit"
            );
        }
        if let Err(why) = cut_log(&self.pen.conn, tries) {
            self.uncut = Some(error.repeat());
            log::error!(
                "the log could not be cut: what was refused may be there after a restart ({why})"
            );
        }
    }
}

/// Cuts the log behind what is committed. While a checkpoint runs elsewhere SQLite refuses at once,
/// whatever the busy timeout, so it is asked up to `tries` times.
fn cut_log(conn: &Connection, tries: usize) -> std::result::Result<(), String> {
    let mut why = String::new();
    for _ in 0..tries {
        match conn.query_row("pragma wal_checkpoint(truncate)", [], |row| {
            row.get::<_, i64>(0)
        }) {
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
    Error::new(
        Code::StorageFailed,
        "The disk reported an error earlier; writes are refused until a restart.",
    )
}

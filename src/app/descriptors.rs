//! Room for connections among the descriptors that this process may open.
//!
//! A connection costs a descriptor, and anybody may connect. Were the last ones taken by
//! connections, the data file, mail and webhooks would go without. So connections have a bound of
//! their own: those beyond it wait in the queue of the port until another one ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::failure::Failure;

/// Descriptors that a server holds as soon as it is there, besides those for each worker: for its
/// file, its readers, its port and its logs.
const OWN: usize = 32;
/// Descriptors of each worker thread: its readers of the file, and its event loop.
const OWN_OF_WORKER: usize = 6;
/// Descriptors without which nothing can be served.
const FEWEST: usize = 16;
/// Descriptors that connections never take: deliveries of mail (14) and webhooks (64) take one each,
/// and the file takes some now and then. Of a small rest, connections leave half.
const RESERVE: usize = 80;
/// Connections of a worker, whatever the system admits: what the framework takes as a bound, too.
const MOST_OF_WORKER: usize = 25_600;
/// Connections below which a start warns: a browser opens six, an application perhaps fifty.
const USEFUL: usize = 200;
/// How long after the log was told that all connections are in use it is told again.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// How many connections a server may have, and how many it has.
#[derive(Debug)]
pub struct Connections {
    /// The most for each worker.
    pub most_of_worker: usize,
    /// The most for all workers.
    most: usize,
    /// How many there are.
    count: AtomicUsize,
    /// When the log was told that all are in use.
    told_at: Mutex<Option<Instant>>,
}

/// One connection, for as long as it lasts.
pub struct Connection(Arc<Connections>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    /// Raises the limit of open files as far as the system lets us, and shares out what there is.
    ///
    /// # Errors
    /// When `workers` could not serve anything with so few descriptors.
    pub fn within_limits(workers: usize) -> Result<Arc<Self>, Failure> {
        let files = raise_limit();
        let own = OWN + OWN_OF_WORKER * workers;
        let spare = files.saturating_sub(own);
        if spare < FEWEST {
            return Err(Failure::runtime(
                format!("this process may open {files} files, and the server needs at least {}", own + FEWEST),
                "raise the limit, with `ulimit -n 1024` in a shell, or LimitNOFILE=1024 in a unit of systemd",
            ));
        }
        let most_of_worker = ((spare - RESERVE.min(spare / 2)) / workers).clamp(1, MOST_OF_WORKER);
        let most = most_of_worker * workers;
        if most < USEFUL {
            log::warn!(
                "this process may open {files} files: that is enough for {most} connections at a time; \
                 raise the limit (ulimit -n, LimitNOFILE) to 1024 or more"
            );
        }
        Ok(Arc::new(Self { most_of_worker, most, count: AtomicUsize::new(0), told_at: Mutex::default() }))
    }

    /// Counts a connection, until what is returned is dropped.
    pub fn count(self: &Arc<Self>) -> Connection {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if count >= self.most {
            self.tell();
        }
        Connection(Arc::clone(self))
    }

    /// Tells the log that all connections are in use, unless it was told a moment ago.
    fn tell(&self) {
        let mut told_at = self.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        if told_at.is_none_or(|told_at| told_at.elapsed() >= TOLD_EVERY) {
            *told_at = Some(Instant::now());
            log::warn!(
                "all {} connections are in use, and further ones wait until one ends: \
                 see who holds them, or raise the limit of open files (ulimit -n, LimitNOFILE)",
                self.most
            );
        }
    }
}

/// Raises the soft limit of open files to the hard one. Returns what it is then.
fn raise_limit() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where the system admits less than it says, what there was has to do.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let current = getrlimit(Resource::Nofile).current;
    current.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

//! Whether the server is about to stop, and how many requests still come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// How often a worker thread beats once a stop was asked for.
const BEAT: Duration = Duration::from_millis(10);

/// What requests know of a stop, and a stop of requests.
#[derive(Debug, Default)]
pub(crate) struct Stopping {
    /// Whether a stop was asked for.
    has_begun: AtomicBool,
    /// The same for those who wait for it.
    begun: watch::Sender<bool>,
    /// Requests that came since.
    requests: AtomicU64,
    /// How often each worker thread has beaten since.
    beats: Mutex<Vec<Arc<AtomicU64>>>,
}

impl Stopping {
    /// A stop was asked for: from now on answers close their connections.
    pub(crate) fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
        self.begun.send_replace(true);
    }

    /// Whether a stop was asked for.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Counts a request, if a stop was asked for.
    pub(crate) fn count_request(&self) {
        if self.has_begun() {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests came since a stop was asked for.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Counts a worker thread among those that beat, from before it serves anything: one that has
    /// not run since counts as one that has not beaten. Returns its counter.
    pub(crate) fn add_worker(&self) -> Arc<AtomicU64> {
        let beats = Arc::new(AtomicU64::new(0));
        self.lock().push(Arc::clone(&beats));
        beats
    }

    /// Counts `beats` of a worker thread once a stop was asked for, for as long as it is polled. A
    /// thread that beats has read what lay in its sockets at the beat before: one that the machine
    /// keeps from running is not taken for idle.
    pub(crate) async fn beat(&self, beats: &AtomicU64) {
        let mut begun = self.begun.subscribe();
        // It fails only where nobody can stop the server any more.
        let _ = begun.wait_for(|has_begun| *has_begun).await;
        loop {
            tokio::time::sleep(BEAT).await;
            beats.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often each worker thread has beaten.
    pub(crate) fn beats(&self) -> Vec<u64> {
        let load = |beats: &Arc<AtomicU64>| beats.load(Ordering::Relaxed);
        self.lock().iter().map(load).collect()
    }

    /// The counters. Nothing that holds them can leave them half changed.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<AtomicU64>>> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_worker_that_has_not_run_yet_counts_as_one_that_has_not_beaten() {
        let stopping = Stopping::default();
        let workers = [(); 3].map(|()| stopping.add_worker());
        stopping.begin();
        assert_eq!(stopping.beats(), [0, 0, 0]);
        // It never ends by itself.
        let beating = tokio::time::timeout(BEAT * 10, stopping.beat(&workers[1]));
        assert!(beating.await.is_err());
        let beats = stopping.beats();
        assert!(beats[0] == 0 && beats[1] > 0 && beats[2] == 0, "{beats:?}");
    }
}

//! A limit that refuses nothing: what is beyond it has to wait.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::bounded_store::{BoundedStore, nanos};
use super::elapsed::Elapsed;

/// Spaces what one subject gets: a quota at once, then as much as is refilled, evenly, the whole
/// quota in one window. Each one that is counted has its own time, behind those before it.
#[derive(Debug)]
pub(crate) struct Spacing {
    /// The nanoseconds after which there is one more.
    refill: u64,
    /// The nanoseconds in which the whole quota is refilled.
    window: u64,
    /// When the quota of each subject is whole again, in nanoseconds since the start.
    store: BoundedStore,
    /// Hashes subjects in a way that nobody outside can foresee.
    hasher: RandomState,
    /// What tells the time.
    elapsed: Arc<Elapsed>,
}

impl Spacing {
    /// A spacing of `quota` in a window; none for a quota of 0, which never makes anything wait.
    pub(super) fn new(quota: u32, window_seconds: u64, elapsed: &Arc<Elapsed>) -> Option<Self> {
        let window = Duration::from_secs(window_seconds);
        let refill = window.checked_div(quota)?;
        Some(Self {
            refill: nanos(refill),
            window: nanos(window),
            store: BoundedStore::default(),
            hasher: RandomState::new(),
            elapsed: Arc::clone(elapsed),
        })
    }

    /// Counts one more for `subject`. Returns how long it has to wait: the length of a window at
    /// most.
    pub(crate) fn count(&self, subject: impl Hash) -> Duration {
        self.count_at(self.elapsed.get(), subject)
    }

    /// The same at the time `now` since the start.
    fn count_at(&self, now: Duration, subject: impl Hash) -> Duration {
        let now = nanos(now);
        let next = |whole_again: Option<u64>| {
            let next = whole_again.unwrap_or_default().max(now) + self.refill;
            // Nobody is put off for ever by those who are many.
            Ok::<_, Infallible>(next.min(now + 2 * self.window))
        };
        let Ok(whole_again) = self.store.update(self.hasher.hash_one(subject), next);
        Duration::from_nanos(whole_again.saturating_sub(now + self.window))
    }

    /// Forgets the subjects whose quotas are whole again.
    pub(crate) fn sweep(&self) {
        self.store.sweep(nanos(self.elapsed.get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_goes_at_once_and_each_one_beyond_it_has_a_time_of_its_own() {
        let spacing = Spacing::new(3, 300, &Arc::default()).expect("a quota");
        let waits = |seconds| {
            spacing
                .count_at(Duration::from_secs(seconds), "a")
                .as_secs()
        };
        assert_eq!([1_000; 5].map(waits), [0, 0, 0, 100, 200]);
        assert_eq!(
            spacing.count_at(Duration::from_secs(1_000), "b"),
            Duration::ZERO,
            "another subject"
        );
        assert_eq!([1_000; 3].map(waits), [300; 3], "a window at most");
        assert_eq!(waits(10_000), 0);
    }

    #[test]
    fn a_sweep_forgets_only_whose_quota_is_whole_again() {
        for (window_seconds, left) in [(0, 0), (300, 1)] {
            let spacing = Spacing::new(1, window_seconds, &Arc::default()).expect("a quota");
            spacing.count("a");
            std::thread::sleep(Duration::from_millis(1));
            spacing.sweep();
            assert_eq!(spacing.store.len(), left, "{window_seconds}");
        }
    }

    #[test]
    fn a_quota_of_zero_is_none() {
        assert!(Spacing::new(0, 300, &Arc::default()).is_none());
    }
}

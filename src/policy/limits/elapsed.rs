//! The time by which limits are refilled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::bounded_store::nanos;
use super::limiter::Limiter;
use super::quotas::DAY;
use super::spacing::Spacing;
use super::tries::Tries;
use super::{Limits, MINUTE};

/// A clock that only grows, so that setting the machine's clock neither frees nor locks anybody.
#[derive(Debug)]
pub(super) struct Elapsed {
    /// When it began.
    start: Instant,
    /// By how many nanoseconds it was moved on.
    skipped: AtomicU64,
}

impl Default for Elapsed {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            skipped: AtomicU64::new(0),
        }
    }
}

impl Elapsed {
    /// The time since it began.
    pub(super) fn get(&self) -> Duration {
        self.start.elapsed() + Duration::from_nanos(self.skipped.load(Ordering::Relaxed))
    }
}

impl Limits {
    /// Refills what would be refilled in `time`: in development the clock may be moved on.
    pub(crate) fn skip(&self, time: Duration) {
        // The longest window ends within that, and no sum of such times overflows.
        let time = time.min(Duration::from_secs(DAY + MINUTE));
        self.elapsed
            .skipped
            .fetch_add(nanos(time), Ordering::Relaxed);
    }

    /// Forgets what everybody has used.
    pub(crate) fn forget(&self) {
        self.skip(Duration::MAX);
    }

    /// Forgets who has not used any quota lately. To be called now and then.
    pub(crate) fn sweep(&self) {
        let all = [
            &self.key,
            &self.address,
            &self.site,
            &self.recipient,
            &self.organization,
        ];
        all.into_iter().flatten().for_each(Limiter::sweep);
        [&self.proofs, &self.words, &self.codes]
            .into_iter()
            .flatten()
            .for_each(Tries::sweep);
        self.mailbox.iter().for_each(Spacing::sweep);
    }
}

//! One limit: its policy, and the arithmetic of it.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::bounded_store::{BoundedStore, nanos};
use super::elapsed::Elapsed;
use crate::base::error::{Code, Error, Policy, Result};

/// Allows each subject the quota of a policy at once, and then what is refilled: evenly, the whole
/// quota in one window (GCRA, the generic cell rate algorithm of ITU-T I.371).
///
/// Takes the time from a clock that only grows ([`Elapsed`]).
#[derive(Debug)]
pub(crate) struct Limiter {
    /// What it allows.
    policy: Policy,
    /// The nanoseconds after which there is one more.
    refill: u64,
    /// When the quota of each subject is whole again, in nanoseconds since the start.
    store: BoundedStore,
    /// Hashes subjects in a way that nobody outside can foresee.
    hasher: RandomState,
    /// What tells the time.
    elapsed: Arc<Elapsed>,
}

impl Limiter {
    /// A limiter for `policy`; none for a quota of 0, which allows everything.
    pub(super) fn new(policy: Policy, elapsed: &Arc<Elapsed>) -> Option<Self> {
        let refill = Duration::from_secs(policy.window_seconds).checked_div(policy.quota)?;
        Some(Self {
            policy,
            refill: nanos(refill),
            store: BoundedStore::default(),
            hasher: RandomState::new(),
            elapsed: Arc::clone(elapsed),
        })
    }

    /// Checks that `subject` could have one more, and counts nothing.
    ///
    /// # Errors
    /// [`Code::RateLimited`].
    pub(crate) fn check(&self, subject: impl Hash) -> Result<()> {
        self.check_at(self.elapsed.get(), subject)
    }

    /// Counts one more for `subject`.
    ///
    /// # Errors
    /// [`Code::RateLimited`]; then nothing was counted.
    pub(crate) fn count(&self, subject: impl Hash) -> Result<()> {
        self.count_at(self.elapsed.get(), subject)
    }

    /// Forgets the subjects whose quotas are whole again: they are as good as unknown.
    pub(crate) fn sweep(&self) {
        self.store.sweep(nanos(self.elapsed.get()));
    }

    /// [`Limiter::check`] at the time `now` since the start.
    fn check_at(&self, now: Duration, subject: impl Hash) -> Result<()> {
        let whole_again = self.store.find(self.hasher.hash_one(subject));
        self.next(nanos(now), whole_again).map(drop)
    }

    /// [`Limiter::count`] at the time `now` since the start.
    fn count_at(&self, now: Duration, subject: impl Hash) -> Result<()> {
        let subject = self.hasher.hash_one(subject);
        let next = |whole_again| self.next(nanos(now), whole_again);
        self.store.update(subject, next).map(drop)
    }

    /// When the quota of a subject is whole again that has one more at `now`.
    fn next(&self, now: u64, whole_again: Option<u64>) -> Result<u64> {
        let next = whole_again.unwrap_or_default().max(now) + self.refill;
        let window = self.refill * u64::from(self.policy.quota);
        match next.saturating_sub(now + window) {
            0 => Ok(next),
            wait => Err(self.refusal(Duration::from_nanos(wait))),
        }
    }

    /// The error for whoever must wait so long.
    fn refusal(&self, wait: Duration) -> Error {
        let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
        let Policy { quota, what, .. } = self.policy;
        let detail = format!("The limit of {quota} {what} is reached: try again in {seconds} s.");
        Error::new(Code::RateLimited, detail)
            .retry_after(seconds)
            .with_limit(self.policy)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;
    use crate::policy::limits::bounded_store::MOST;

    /// A limiter with a clock that is set by hand.
    struct Timed {
        /// The limiter.
        limiter: Limiter,
        /// The time since the start.
        now: Cell<Duration>,
    }

    impl Timed {
        /// A limiter of `quota` a minute.
        fn per_minute(quota: u32) -> Self {
            let policy = Policy {
                name: "test",
                quota,
                window_seconds: 60,
                what: "tests a minute",
            };
            Self {
                limiter: Limiter::new(policy, &Arc::default()).expect("a quota"),
                now: Cell::default(),
            }
        }

        /// Lets time pass.
        fn advance(&self, by: Duration) {
            self.now.set(self.now.get() + by);
        }

        /// Counts one more for `subject` at this moment.
        fn count(&self, subject: impl Hash) -> Result<()> {
            self.limiter.count_at(self.now.get(), subject)
        }

        /// Checks that `subject` could have one more at this moment.
        fn check(&self, subject: impl Hash) -> Result<()> {
            self.limiter.check_at(self.now.get(), subject)
        }

        /// How many more `subject` gets at this moment.
        fn rest(&self, subject: &str) -> usize {
            (0..1_000)
                .take_while(|_| self.count(subject).is_ok())
                .count()
        }
    }

    #[test]
    fn a_quota_is_had_at_once_and_refilled_evenly() {
        let limiter = Timed::per_minute(6);
        assert_eq!(limiter.rest("a"), 6);
        let refused = limiter.count("a").expect_err("it is used up");
        assert_eq!(
            (refused.code, refused.retry_after_seconds),
            (Code::RateLimited, Some(10))
        );
        limiter.advance(Duration::from_millis(9_999));
        assert_eq!(
            limiter.count("a").expect_err("not yet").retry_after_seconds,
            Some(1),
            "rounded up"
        );
        limiter.advance(Duration::from_millis(1));
        assert_eq!(limiter.rest("a"), 1);
        limiter.advance(Duration::from_secs(3_600));
        assert_eq!(limiter.rest("a"), 6, "it never grows beyond the quota");
    }

    #[test]
    fn subjects_are_independent_and_a_look_counts_nothing() {
        let limiter = Timed::per_minute(2);
        assert_eq!(limiter.rest("a"), 2);
        assert!((0..10).all(|_| limiter.check("b").is_ok()));
        assert!(limiter.limiter.store.len() == 1, "a look leaves no trace");
        assert!(limiter.check("a").is_err());
        assert_eq!(limiter.rest("b"), 2);
    }

    #[test]
    fn a_quota_of_zero_is_no_limit_and_the_largest_one_works() {
        let policy = |quota| Policy {
            name: "test",
            quota,
            window_seconds: 60,
            what: "tests a minute",
        };
        assert!(Limiter::new(policy(0), &Arc::default()).is_none());
        assert!(
            Limiter::new(policy(u32::MAX), &Arc::default())
                .is_some_and(|limiter| limiter.count("a").is_ok())
        );
    }

    #[test]
    fn a_million_subjects_stay_within_the_bound_and_who_is_over_the_limit_is_not_forgotten() {
        let limiter = Timed::per_minute(3);
        assert_eq!(limiter.rest("flooder"), 3);
        let mut most = 0;
        for subject in 0..1_000_000_u32 {
            limiter.advance(Duration::from_nanos(1));
            limiter
                .count(subject)
                .expect("nobody is refused for the others");
            most = most.max(limiter.limiter.store.len());
        }
        assert_eq!(most, MOST);
        assert!(limiter.count("flooder").is_err());
        limiter.advance(Duration::from_secs(120));
        limiter.limiter.store.sweep(nanos(limiter.now.get()));
        assert_eq!(
            limiter.limiter.store.len(),
            0,
            "what is whole again is swept away"
        );
        assert_eq!(limiter.rest("flooder"), 3);
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_has_more_than_the_quota_and_what_is_refilled_in_it(
            quota in 1_u32..9,
            pauses_ms in prop::collection::vec(0_u64..30_000, 1..60),
        ) {
            let limiter = Timed::per_minute(quota);
            let mut had = Vec::new();
            for pause_ms in pauses_ms {
                limiter.advance(Duration::from_millis(pause_ms));
                if limiter.count("a").is_ok() {
                    had.push(limiter.now.get());
                }
            }
            for (first, begin) in had.iter().enumerate() {
                for (last, end) in had.iter().enumerate().skip(first) {
                    let refilled = (*end - *begin).as_nanos() / u128::from(limiter.limiter.refill);
                    prop_assert!(((last - first) as u128) < refilled + u128::from(quota));
                }
            }
        }

        #[test]
        fn who_waits_as_long_as_a_refusal_says_has_one_more(
            quota in 1_u32..9,
            pauses_ms in prop::collection::vec(0_u64..30_000, 1..60),
        ) {
            let limiter = Timed::per_minute(quota);
            for pause_ms in pauses_ms {
                limiter.advance(Duration::from_millis(pause_ms));
                if let Err(refused) = limiter.count("a") {
                    let seconds = refused.retry_after_seconds.expect("how long");
                    prop_assert!(limiter.check("a").is_err(), "a look says the same");
                    limiter.advance(Duration::from_secs(seconds));
                    prop_assert!(limiter.count("a").is_ok());
                }
            }
        }
    }
}

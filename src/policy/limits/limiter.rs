//! One limit: its policy, and governor's arithmetic for it.

use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter};

use super::bounded_store::{BoundedStore, Request};
use crate::base::error::{Code, Error, Policy, Result};

/// Allows each subject the quota of a policy at once, and then what is refilled: evenly, the whole
/// quota in one window (GCRA).
///
/// Takes the time from a clock that only grows, so that setting the machine's clock neither frees
/// nor locks anybody.
#[derive(Debug)]
pub struct Limiter<C: Clock = MonotonicClock> {
    /// What it allows.
    policy: Policy,
    /// The arithmetic.
    governor: RateLimiter<Request, BoundedStore, C, NoOpMiddleware<C::Instant>>,
    /// Hashes subjects in a way that nobody outside can foresee.
    hasher: RandomState,
}

impl Limiter {
    /// A limiter for `policy`; none for a quota of 0, which allows everything.
    pub fn new(policy: Policy) -> Option<Self> {
        Self::with_clock(policy, MonotonicClock)
    }
}

impl<C: Clock> Limiter<C> {
    /// A limiter that takes the time from `clock`.
    fn with_clock(policy: Policy, clock: C) -> Option<Self> {
        let quota = policy.quota.try_into().ok()?;
        let refill = Duration::from_secs(policy.window_seconds).checked_div(policy.quota)?;
        let governor = RateLimiter::new(
            Quota::with_period(refill)?.allow_burst(quota),
            BoundedStore::default(),
            clock,
        );
        Some(Self {
            policy,
            governor,
            hasher: RandomState::new(),
        })
    }

    /// Checks that `subject` could have one more, and counts nothing.
    ///
    /// # Errors
    /// [`Code::RateLimited`].
    pub fn check(&self, subject: impl Hash) -> Result<()> {
        self.ask(subject, false)
    }

    /// Counts one more for `subject`.
    ///
    /// # Errors
    /// [`Code::RateLimited`]; then nothing was counted.
    pub fn count(&self, subject: impl Hash) -> Result<()> {
        self.ask(subject, true)
    }

    /// Forgets the subjects whose quotas are whole again: they are as good as unknown.
    pub fn sweep(&self) {
        self.governor.retain_recent();
        self.governor.shrink_to_fit();
    }

    /// Asks governor.
    fn ask(&self, subject: impl Hash, counts: bool) -> Result<()> {
        let question = Request {
            subject: self.hasher.hash_one(subject),
            counts,
        };
        self.governor.check_key(&question).map_err(|refusal| {
            let wait = refusal.wait_time_from(self.governor.clock().now());
            self.refuse(wait)
        })
    }

    /// The answer to whoever must wait so long.
    fn refuse(&self, wait: Duration) -> Error {
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
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::policy::limits::bounded_store::MOST;

    /// A limiter of `quota` a minute, and its clock.
    fn per_minute(quota: u32) -> (Limiter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        // Away from the very start, as every real clock is.
        clock.advance(Duration::from_secs(1));
        let policy = Policy {
            name: "test",
            quota,
            window_seconds: 60,
            what: "tests a minute",
        };
        let limiter = Limiter::with_clock(policy, clock.clone()).expect("a quota");
        (limiter, clock)
    }

    /// How many more `subject` gets at this moment.
    fn rest(limiter: &Limiter<FakeRelativeClock>, subject: &str) -> usize {
        (0..1_000)
            .take_while(|_| limiter.count(subject).is_ok())
            .count()
    }

    #[test]
    fn a_quota_is_had_at_once_and_refilled_evenly() {
        let (limiter, clock) = per_minute(6);
        assert_eq!(rest(&limiter, "a"), 6);
        let refused = limiter.count("a").expect_err("it is used up");
        assert_eq!(
            (refused.code, refused.retry_after_seconds),
            (Code::RateLimited, Some(10))
        );
        clock.advance(Duration::from_millis(9_999));
        assert_eq!(
            limiter.count("a").expect_err("not yet").retry_after_seconds,
            Some(1),
            "rounded up"
        );
        clock.advance(Duration::from_millis(1));
        assert_eq!(rest(&limiter, "a"), 1);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(rest(&limiter, "a"), 6, "it never grows beyond the quota");
    }

    #[test]
    fn subjects_are_independent_and_a_look_counts_nothing() {
        let (limiter, _) = per_minute(2);
        assert_eq!(rest(&limiter, "a"), 2);
        assert!((0..10).all(|_| limiter.check("b").is_ok()));
        assert!(limiter.governor.len() == 1, "a look leaves no trace");
        assert!(limiter.check("a").is_err());
        assert_eq!(rest(&limiter, "b"), 2);
    }

    #[test]
    fn a_quota_of_zero_is_no_limit_and_the_largest_one_works() {
        let policy = |quota| Policy {
            name: "test",
            quota,
            window_seconds: 60,
            what: "tests a minute",
        };
        assert!(Limiter::new(policy(0)).is_none());
        assert!(Limiter::new(policy(u32::MAX)).is_some_and(|limiter| limiter.count("a").is_ok()));
    }

    #[test]
    fn a_million_subjects_stay_within_the_bound_and_who_is_over_the_limit_is_not_forgotten() {
        let (limiter, clock) = per_minute(3);
        assert_eq!(rest(&limiter, "flooder"), 3);
        let mut most = 0;
        for subject in 0..1_000_000_u32 {
            clock.advance(Duration::from_nanos(1));
            limiter
                .count(subject)
                .expect("nobody is refused for the others");
            most = most.max(limiter.governor.len());
        }
        assert_eq!(most, MOST);
        assert!(limiter.count("flooder").is_err());
        clock.advance(Duration::from_secs(120));
        limiter.sweep();
        assert_eq!(
            limiter.governor.len(),
            0,
            "what is whole again is swept away"
        );
        assert_eq!(rest(&limiter, "flooder"), 3);
    }
}

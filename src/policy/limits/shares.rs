//! A bounded thing that many want a part of at the same time: memory, streams, threads.
//!
//! Whoever asks may hold a number of times of what is left free after it. At one time of it, one
//! alone may have half, two may have a third each, and there is always something left for one more.
//! So who holds much is refused, and nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The whole, and who holds what of it. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    /// What the handles share.
    whole: Arc<Whole>,
}

/// The whole.
#[derive(Debug)]
struct Whole {
    /// How much there is.
    bound: usize,
    /// How many times of what is left free one may hold.
    times: usize,
    /// How much each holds who holds something.
    held: Mutex<HashMap<String, usize>>,
}

/// A part that somebody holds until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    /// Of what.
    whole: Arc<Whole>,
    /// Whose.
    subject: String,
    /// How much.
    amount: usize,
}

impl Shares {
    /// A whole of `bound`, of which one may hold `times` as much as is left free.
    pub(crate) fn new(bound: usize, times: usize) -> Self {
        Self {
            whole: Arc::new(Whole {
                bound,
                times,
                held: Mutex::default(),
            }),
        }
    }

    /// A part for `subject`; none where it would hold too much then.
    pub(crate) fn take(&self, subject: &str, amount: usize) -> Option<Share> {
        let mut held = self.whole.held();
        let own = held.get(subject).copied().unwrap_or_default() + amount;
        let free = self
            .whole
            .bound
            .checked_sub(held.values().sum::<usize>() + amount)?;
        if own > self.whole.times.saturating_mul(free) {
            return None;
        }
        held.insert(subject.to_owned(), own);
        Some(Share {
            whole: Arc::clone(&self.whole),
            subject: subject.to_owned(),
            amount,
        })
    }

    /// How much of it is taken.
    pub(crate) fn taken(&self) -> usize {
        self.whole.held().values().sum()
    }
}

impl Whole {
    /// What is held. It is whole even if a thread panicked while it had it.
    fn held(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.whole.held();
        let left = held
            .get(&self.subject)
            .map_or(0, |own| own.saturating_sub(self.amount));
        if left == 0 {
            held.remove(&self.subject);
        } else {
            held.insert(self.subject.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many parts of one as `subject` gets.
    fn fill(shares: &Shares, subject: &str) -> Vec<Share> {
        std::iter::from_fn(|| shares.take(subject, 1)).collect()
    }

    #[test]
    fn one_alone_gets_half_or_three_quarters_and_another_always_something() {
        for (times, most) in [(1, 500), (3, 750)] {
            let shares = Shares::new(1_000, times);
            let first = fill(&shares, "a");
            assert_eq!(first.len(), most);
            let others: Vec<_> = ["b", "c", "d", "e"]
                .map(|subject| fill(&shares, subject))
                .into();
            assert!(others.iter().all(|other| !other.is_empty()), "{others:?}");
            drop((first, others));
            assert_eq!(fill(&shares, "a").len(), most, "it comes back");
        }
    }

    #[test]
    fn what_nobody_holds_is_forgotten_and_too_much_is_refused() {
        let shares = Shares::new(10, 3);
        assert!(shares.take("a", 11).is_none() && shares.take("a", 8).is_none());
        let held = (shares.take("a", 7), shares.take("b", 1));
        assert_eq!(shares.taken(), 8, "all of them together");
        drop(held);
        assert!(shares.whole.held().is_empty());
    }
}

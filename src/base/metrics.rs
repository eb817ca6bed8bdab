//! What is counted while the program works. Numbers that threads share without waiting for each
//! other: a scrape reads them as they are at that moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounds of durations, in microseconds: from half a millisecond to ten seconds.
pub(crate) const DURATIONS: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What it has come to.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many values were at most how large, in whole units.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// The bounds, from the smallest on. A value counts at the first bound that is not below it.
    bounds: &'static [u64],
    /// How many values each bound has, and last those above all of them.
    buckets: Box<[Counter]>,
    /// The sum of all values.
    sum: AtomicU64,
}

/// A histogram at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observed {
    /// Each bound with how many values it has, without those of smaller bounds.
    pub buckets: Vec<(u64, u64)>,
    /// How many values are above all bounds.
    pub above: u64,
    /// The sum of all values.
    pub sum: u64,
}

impl Histogram {
    /// An empty histogram with these bounds.
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| Counter::default());
        Self {
            bounds,
            buckets: buckets.collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a value.
    pub(crate) fn observe(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[place].add_one();
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts a duration, in microseconds.
    pub(crate) fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// What it has come to.
    pub(crate) fn get(&self) -> Observed {
        let counts = self.bounds.iter().zip(&self.buckets);
        let above = self.buckets.last().map_or(0, Counter::get);
        Observed {
            buckets: counts.map(|(bound, count)| (*bound, count.get())).collect(),
            above,
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_at_the_first_bound_that_is_not_below_it() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            histogram.observe(value);
        }
        let expected = Observed {
            buckets: vec![(1, 2), (10, 2)],
            above: 2,
            sum: 1_024,
        };
        assert_eq!(histogram.get(), expected);
    }
}

//! How often something was tried, and what came of it.

use super::destination::Answer;
use crate::base::metrics::Counter;

/// The tries of one queue since the start.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// The destination took it.
    taken: Counter,
    /// The destination did not take it, and said so.
    failed: Counter,
    /// The destination said nothing in time.
    timed_out: Counter,
    /// What leads to all destinations was away, asked to be left alone, or refused us.
    no_way: Counter,
}

impl Tries {
    /// Counts a try.
    pub(crate) fn record(&self, answer: Answer) {
        let counter = match answer {
            Answer::Taken | Answer::TakenLate => &self.taken,
            Answer::Failed(_) => &self.failed,
            Answer::TimedOut => &self.timed_out,
            Answer::NoWay | Answer::Resting(_) | Answer::Barred => &self.no_way,
        };
        counter.add_one();
    }

    /// How many came to what.
    pub(crate) fn get(&self) -> [(&'static str, u64); 4] {
        [
            ("taken", self.taken.get()),
            ("failed", self.failed.get()),
            ("timed_out", self.timed_out.get()),
            ("no_way", self.no_way.get()),
        ]
    }
}

//! How a destination took the last deliveries, and so how many at a time may go there.

use super::places::WIDEST;
use crate::base::clock::Timestamp;

/// After how many failures in a row a destination counts as having been away.
const AWAY: u32 = 2;

/// For how many milliseconds at least a destination has taken nothing when it counts as having been
/// away.
const AWAY_MS: i64 = 5_000;

/// What a try says about its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the delivery.
    Taken,
    /// It took the delivery after so long that it counts as slow.
    TakenLate,
    /// It did not take it, and said so soon. It asks to be left alone for so many milliseconds, if
    /// it does.
    Failed(Option<i64>),
    /// It said nothing in time.
    TimedOut,
    /// Nothing: what leads to all destinations is away.
    NoWay,
    /// Nothing: what leads to all destinations asks to be left alone for so many milliseconds.
    Resting(i64),
    /// Nothing: what leads to all destinations refuses us.
    Barred,
}

/// How a destination took the last deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It was not tried yet.
    Unknown,
    /// It answers in time: so many at a time may go there.
    Steady(usize),
    /// The last try took too long.
    Slow,
}

/// What is known of a destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination {
    /// How it took the last deliveries.
    pub pace: Pace,
    /// Failures in a row.
    failures: u32,
    /// When it took one last.
    pub taken_at: Option<Timestamp>,
    /// Until when it is left alone.
    pub rests_until: Option<Timestamp>,
}

impl Destination {
    /// One that was not tried yet.
    pub(crate) const UNKNOWN: Self = Self {
        pace: Pace::Unknown,
        failures: 0,
        taken_at: None,
        rests_until: None,
    };

    /// Whether a delivery that it took says that it is back, after it was away or since the start.
    fn is_back(&self, now: Timestamp) -> bool {
        let was_away = |taken_at: Timestamp| now.as_millis() - taken_at.as_millis() >= AWAY_MS;
        self.taken_at
            .is_none_or(|taken_at| self.failures >= AWAY && was_away(taken_at))
    }

    /// Notes what a try came to. Returns whether the destination is back. One that answers,
    /// whatever that is, keeps `fewest` places: what it does not take must not hold up what it
    /// takes.
    pub(crate) fn push(&mut self, answer: Answer, now: Timestamp, fewest: usize) -> bool {
        let width = match self.pace {
            Pace::Steady(width) => width,
            Pace::Unknown => fewest,
            Pace::Slow => 1,
        };
        match answer {
            Answer::Taken | Answer::TakenLate => {
                let is_back = self.is_back(now);
                let is_late = answer == Answer::TakenLate;
                self.pace = if is_late {
                    Pace::Slow
                } else {
                    Pace::Steady((width + 1).min(WIDEST))
                };
                (self.failures, self.taken_at) = (0, Some(now));
                is_back
            }
            Answer::Failed(rest_ms) => {
                self.pace = Pace::Steady((width / 2).max(fewest));
                self.failures = self.failures.saturating_add(1);
                self.rests_until = rest_ms
                    .map(|ms| Timestamp::from_millis(now.as_millis().saturating_add(ms)))
                    .max(self.rests_until);
                false
            }
            Answer::TimedOut => {
                self.pace = Pace::Slow;
                self.failures = self.failures.saturating_add(1);
                false
            }
            Answer::NoWay | Answer::Resting(_) | Answer::Barred => false,
        }
    }
}

//! What leads to all destinations: while it is away, one probe goes out and the rest waits.

use super::delay::{Delay, delay_ms};
use super::destination::Answer;
use crate::base::clock::Timestamp;
use crate::db::random_spread;

/// When the next probe goes out while nobody can be reached: often enough that all that waits is
/// out a minute after the return.
const AWAY: &[Delay] = &[
    Delay {
        tries: 1,
        seconds: 1,
    },
    Delay {
        tries: 2,
        seconds: 3,
    },
    Delay {
        tries: 3,
        seconds: 10,
    },
    Delay {
        tries: u32::MAX,
        seconds: 15,
    },
];
/// The same while we are refused, which only the operator can mend. Some servers lock out who tries
/// a wrong password often.
const BARRED: &[Delay] = &[
    Delay {
        tries: 2,
        seconds: 60,
    },
    Delay {
        tries: u32::MAX,
        seconds: 300,
    },
];

/// So many milliseconds after `now`.
fn after(now: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(ms))
}

/// The breaker of a channel. In memory only: a restart tries at once.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// Probes that failed; 0: the way is open.
    failures: u32,
    /// Whether we were refused at the last one.
    is_barred: bool,
    /// When the next probe goes out.
    next_at: Option<Timestamp>,
}

impl Breaker {
    /// How many more deliveries may begin now, with `under_way` others; none: as many as there are
    /// places for.
    pub(crate) fn most(&self, under_way: usize, now: Timestamp) -> Option<usize> {
        let next_at = self.next_at?;
        Some(usize::from(under_way == 0 && next_at <= now))
    }

    /// Notes what a try came to.
    pub(crate) fn push(&mut self, answer: Answer, now: Timestamp) {
        let (is_barred, rest_ms) = match answer {
            Answer::NoWay => (false, 0),
            Answer::Resting(rest_ms) => (false, rest_ms),
            Answer::Barred => (true, 0),
            _ => return *self = Self::default(),
        };
        // What was under way when the way was closed says nothing new.
        if self.next_at.is_some_and(|next_at| next_at > now) && is_barred == self.is_barred {
            self.next_at = self.next_at.max(Some(after(now, rest_ms)));
            return;
        }
        self.failures = if is_barred == self.is_barred {
            self.failures.saturating_add(1)
        } else {
            1
        };
        self.is_barred = is_barred;
        let plan = if is_barred { BARRED } else { AWAY };
        let ms = delay_ms(plan, self.failures, random_spread()).unwrap_or_default();
        self.next_at = Some(after(now, ms.max(rest_ms)));
    }

    /// Has the next probe go out at once: the clock was set back, or an operator asks for it.
    pub(crate) fn forget_times(&mut self) {
        self.next_at = self.next_at.map(|_| Timestamp::from_millis(0));
    }
}

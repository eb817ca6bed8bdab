//! What the log is told of refused requests: one line a minute for each kind and network.
//!
//! Whoever is refused a thousand times leaves one line, and the next one says how many were left
//! out. So an attack is seen, and does not fill the log.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing more is told of a kind and a network.
const SILENCE: Duration = Duration::from_secs(60);

/// The most kinds and networks that are told apart at the same time: 100 KB. The bound holds for
/// the lines of a minute, too: a /48 of IPv6 alone has 65,536 networks.
const MOST: usize = 1_000;

/// Why a request was refused, as far as the log tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// It has no valid key.
    Unauthorized,
    /// It has one that may not do this, or it is not from where it has to be.
    Forbidden,
    /// It asks for what belongs to organizations that its key is not bound to.
    Foreign,
    /// It is over a limit.
    RateLimited,
}

impl Refusal {
    /// What the log calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Foreign => "foreign",
            Self::RateLimited => "rate limited",
        }
    }
}

/// A kind of refusal, and the network it comes from; none: one of those beyond [`MOST`].
type Subject = (Refusal, Option<IpAddr>);

/// What is known of a subject.
#[derive(Debug)]
struct Told {
    /// When the log was last told, since the start.
    at: Duration,
    /// How many were left out since then.
    left_out: u64,
}

/// Refusals that were left out, and that no later line has told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Their kind.
    pub refusal: Refusal,
    /// Where they came from; none: from networks that are not told apart.
    pub network: Option<IpAddr>,
    /// How many.
    pub count: u64,
}

/// What the log was told lately. Takes the time from a clock that only grows.
#[derive(Debug)]
pub struct Refusals {
    /// When it was made.
    start: Instant,
    /// By subject.
    told: Mutex<HashMap<Subject, Told>>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            told: Mutex::default(),
        }
    }
}

impl Refusals {
    /// Counts a refusal. Returns whether the log is to be told of it, and then how many like it
    /// were left out before.
    pub(crate) fn count(&self, refusal: Refusal, network: IpAddr) -> Option<u64> {
        self.count_at(self.start.elapsed(), refusal, network)
    }

    /// The same at the time `now` since the start.
    fn count_at(&self, now: Duration, refusal: Refusal, network: IpAddr) -> Option<u64> {
        let mut told = self.told();
        let own = (refusal, Some(network));
        let is_one_too_many = told.len() >= MOST && !told.contains_key(&own);
        let subject = if is_one_too_many {
            (refusal, None)
        } else {
            own
        };
        let Some(before) = told.get_mut(&subject) else {
            told.insert(
                subject,
                Told {
                    at: now,
                    left_out: 0,
                },
            );
            return Some(0);
        };
        if now.saturating_sub(before.at) < SILENCE {
            before.left_out += 1;
            return None;
        }
        before.at = now;
        Some(std::mem::take(&mut before.left_out))
    }

    /// Takes what was left out for a minute and longer: nobody may come back to tell of it. Forgets
    /// who was not refused lately. To be called now and then.
    pub(crate) fn sweep(&self) -> Vec<LeftOut> {
        self.sweep_at(self.start.elapsed())
    }

    /// The same at the time `now` since the start.
    fn sweep_at(&self, now: Duration) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        let mut told = self.told();
        told.retain(|&(refusal, network), told| {
            if now.saturating_sub(told.at) < SILENCE {
                return true;
            }
            let count = std::mem::take(&mut told.left_out);
            if count > 0 {
                left_out.push(LeftOut {
                    refusal,
                    network,
                    count,
                });
                told.at = now;
            }
            count > 0
        });
        told.shrink_to_fit();
        left_out
    }

    /// What is known. It is whole even if a thread panicked while it had it.
    fn told(&self) -> MutexGuard<'_, HashMap<Subject, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address of IPv4.
    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    /// The time so many seconds after the start.
    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn five_hundred_in_a_minute_are_one_line_and_the_next_minute_counts_the_others() {
        let refusals = Refusals::default();
        let count = |seconds| refusals.count_at(at(seconds), Refusal::Unauthorized, address(1));
        let told: Vec<_> = (0..500)
            .filter_map(|number| count(100 + number % 60))
            .collect();
        assert_eq!(told, [0]);
        assert_eq!((count(159), count(160)), (None, Some(500)));
        assert_eq!(
            (count(219), count(220)),
            (None, Some(1)),
            "the silence begins with each line"
        );
        assert_eq!(count(10_000), Some(0));
    }

    #[test]
    fn kinds_and_networks_have_lines_of_their_own() {
        let refusals = Refusals::default();
        let all = [
            Refusal::Unauthorized,
            Refusal::Forbidden,
            Refusal::Foreign,
            Refusal::RateLimited,
        ];
        for refusal in all {
            for network in 0..3 {
                assert_eq!(
                    refusals.count_at(at(5), refusal, address(network)),
                    Some(0),
                    "{refusal:?} {network}"
                );
                assert_eq!(
                    refusals.count_at(at(6), refusal, address(network)),
                    None,
                    "{refusal:?} {network}"
                );
            }
        }
    }

    #[test]
    fn a_sweep_tells_what_nobody_came_back_for_and_forgets_the_others() {
        let refusals = Refusals::default();
        let count =
            |seconds, number| refusals.count_at(at(seconds), Refusal::Forbidden, address(number));
        assert_eq!(
            (count(10, 1), count(11, 1), count(12, 1), count(13, 2)),
            (Some(0), None, None, Some(0))
        );
        assert_eq!(refusals.sweep_at(at(69)), []);
        let left_out = LeftOut {
            refusal: Refusal::Forbidden,
            network: Some(address(1)),
            count: 2,
        };
        assert_eq!(refusals.sweep_at(at(75)), [left_out]);
        assert_eq!(
            refusals.told().len(),
            1,
            "whoever was told of once is forgotten"
        );
        assert_eq!(
            count(80, 1),
            None,
            "the sweep's line was the one of this minute"
        );
        assert_eq!(
            refusals.sweep_at(at(135)),
            [LeftOut {
                count: 1,
                ..left_out
            }]
        );
        assert_eq!(refusals.sweep_at(at(195)), []);
        assert_eq!(refusals.told().len(), 0);
    }

    #[test]
    fn any_number_of_networks_takes_bounded_memory_and_makes_a_bounded_number_of_lines() {
        let refusals = Refusals::default();
        let lines = (0..200_000)
            .filter_map(|number| refusals.count_at(at(1), Refusal::Unauthorized, address(number)))
            .count();
        assert_eq!((lines, refusals.told().len()), (MOST + 1, MOST + 1));
        let swept = refusals.sweep_at(at(61));
        assert_eq!(
            swept,
            [LeftOut {
                refusal: Refusal::Unauthorized,
                network: None,
                count: 198_999
            }]
        );
        assert_eq!(
            refusals.count_at(at(62), Refusal::Unauthorized, address(150_000)),
            Some(0),
            "there is room again"
        );
    }
}

//! How much each trial does: the figures of the promise, or a share of them that fits into every
//! build.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The variable that selects the full figures when it says `full`; that of the durability trials.
const SCALE_VARIABLE: &str = "INVITED_DURABILITY";

/// The variable that repeats a failed run with its seed.
const SEED_VARIABLE: &str = "INVITED_DURABILITY_SEED";

/// The counts and times of one run.
#[derive(Clone)]
pub struct Scale {
    /// Start of every random choice; printed, so that a failure can be repeated.
    pub seed: u64,
    /// How often the server or the mail server is killed.
    pub kill_cycles: u32,
    /// How long each of the three kinds of outage takes.
    pub outage: Duration,
    /// How often the server is stopped while mails are under way.
    pub stops: usize,
}

impl Scale {
    /// Reads the scale and the seed from the environment.
    pub fn from_environment() -> Self {
        let from_clock = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(1, |time| time.subsec_nanos().into())
        };
        let seed = std::env::var(SEED_VARIABLE)
            .ok()
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(from_clock);
        if std::env::var(SCALE_VARIABLE).is_ok_and(|value| value == "full") {
            Self {
                seed,
                kill_cycles: 100,
                outage: Duration::from_secs(200),
                stops: 12,
            }
        } else {
            Self {
                seed,
                kill_cycles: 6,
                outage: Duration::from_secs(5),
                stops: 3,
            }
        }
    }
}

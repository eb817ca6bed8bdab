//! How much each trial does: the figures of the promises, or a share of them that fits into every
//! build.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The variable that selects the full figures when it says `full`.
const SCALE_VARIABLE: &str = "INVITED_DURABILITY";

/// The variable that repeats a failed run with its seed.
const SEED_VARIABLE: &str = "INVITED_DURABILITY_SEED";

/// The variable that says how many minutes a server is in use for, whatever the scale.
const SOAK_VARIABLE: &str = "INVITED_SOAK_MINUTES";

/// The counts and times of one run.
#[derive(Clone)]
pub struct Scale {
    /// Start of every random choice; printed, so that a failure can be repeated.
    pub seed: u64,
    /// R1: how often the server is killed.
    pub kill_cycles: u32,
    /// R2: how often the power fails.
    pub power_cycles: u32,
    /// R3: which call to the system fails, counted from 1 in the thread that makes it.
    pub fault_positions: Vec<u32>,
    /// R3: of how many faults every kind of change meets each call.
    pub faults_per_change: usize,
    /// R6: how many damaged copies are served.
    pub damage_rounds: u32,
    /// R7: how often two servers start at once.
    pub lock_races: u32,
    /// R9: how long readers, writers and commands meet.
    pub contention: Duration,
    /// R10: how many bursts mix good and bad items.
    pub bursts: u32,
    /// R22: how long a server is in use.
    pub soak: Duration,
    /// R29: how many invitations the organization has that is deleted.
    pub deleted_rows: usize,
    /// R29: at how many points of its deletion the server is killed.
    pub deletion_kills: u32,
    /// Whether these are the figures of the promises.
    pub is_full: bool,
}

impl Scale {
    /// Reads the scale and the seed from the environment.
    pub fn from_environment() -> Self {
        let full = std::env::var(SCALE_VARIABLE).is_ok_and(|value| value == "full");
        let seed = std::env::var(SEED_VARIABLE)
            .ok()
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(seed_from_clock);
        if full {
            Self::full(seed)
        } else {
            Self::quick(seed)
        }
    }

    /// The figures that the promises name.
    fn full(seed: u64) -> Self {
        Self {
            seed,
            kill_cycles: 200,
            power_cycles: 50,
            fault_positions: (1..=60).collect(),
            faults_per_change: 6,
            damage_rounds: 200,
            lock_races: 100,
            contention: Duration::from_mins(1),
            bursts: 1000,
            soak: soak(Duration::from_mins(30)),
            deleted_rows: 80_000,
            deletion_kills: 30,
            is_full: true,
        }
    }

    /// A share that a debug build finishes in two or three minutes.
    fn quick(seed: u64) -> Self {
        Self {
            seed,
            kill_cycles: 5,
            power_cycles: 2,
            fault_positions: vec![1, 2, 3, 4, 7, 15, 30, 60],
            faults_per_change: 1,
            damage_rounds: 5,
            lock_races: 8,
            contention: Duration::from_secs(4),
            bursts: 40,
            soak: soak(Duration::from_secs(8)),
            deleted_rows: 4_000,
            deletion_kills: 6,
            is_full: false,
        }
    }

    /// A generator of its own for each part, so that parts do not disturb each other.
    pub fn random(&self, part: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// The time that the environment asks for, or else that of the scale.
fn soak(scaled: Duration) -> Duration {
    std::env::var(SOAK_VARIABLE)
        .ok()
        .and_then(|value| value.parse().ok())
        .map_or(scaled, Duration::from_mins)
}

/// A new seed, short enough to retype.
fn seed_from_clock() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |time| u64::from(time.subsec_nanos()))
}

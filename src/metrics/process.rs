//! The process, as other programs name it. Outside of Linux little of it can be told.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::family::{Family, Sample, Value};
use crate::base::clock::Timestamp;

/// All of it. The server was started at `started_at`.
pub(super) fn families(started_at: Timestamp) -> Vec<Family> {
    let stat = Stat::read();
    vec![
        Family::counters(
            "process_cpu_seconds",
            "Time that the processors worked for the process.",
            stat.as_ref().map(Stat::cpu).into_iter().collect(),
        ),
        Family::gauge(
            "process_resident_memory_bytes",
            "Memory of the process that is in use.",
            stat.as_ref().map(Stat::resident_bytes),
        ),
        Family::gauge(
            "process_virtual_memory_bytes",
            "Addresses that the process has taken.",
            stat.as_ref().and_then(|stat| stat.field(VSIZE)),
        ),
        Family::gauge(
            "process_threads",
            "Threads of the process.",
            stat.as_ref().and_then(|stat| stat.field(THREADS)),
        ),
        Family::gauge(
            "process_open_fds",
            "Descriptors that are open.",
            open_descriptors(),
        ),
        Family::gauge(
            "process_max_fds",
            "Descriptors that may be open.",
            getrlimit(Resource::Nofile).current.map(real),
        ),
        Family::gauge(
            "process_start_time_seconds",
            "When the server was started, in seconds since 1970.",
            Some(seconds(started_at)),
        ),
    ]
}

/// Places of fields of `/proc/self/stat` behind the name of the program (`proc(5)`, less three).
const UTIME: usize = 11;
/// Of the time that the kernel worked for it.
const STIME: usize = 12;
/// Of the number of threads.
const THREADS: usize = 17;
/// Of the bytes of its addresses.
const VSIZE: usize = 20;
/// Of the pages that it has in memory.
const RSS: usize = 21;

/// What the kernel tells of the process.
struct Stat(Vec<f64>);

impl Stat {
    /// Reads it; none where the system has no such thing.
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        // The name is in brackets, and may have brackets itself.
        let (_, fields) = text.rsplit_once(')')?;
        let fields = fields.split_ascii_whitespace();
        Some(Self(
            fields.map(|field| field.parse().unwrap_or(0.0)).collect(),
        ))
    }

    /// A field.
    fn field(&self, place: usize) -> Option<f64> {
        self.0.get(place).copied()
    }

    /// The seconds that the processors worked for the process.
    fn cpu(&self) -> Sample {
        let ticks = self.field(UTIME).unwrap_or(0.0) + self.field(STIME).unwrap_or(0.0);
        let a_second = real(rustix::param::clock_ticks_per_second());
        Sample::new([], Value::Real(ticks / a_second))
    }

    /// The bytes of memory in use.
    fn resident_bytes(&self) -> f64 {
        let page = real(rustix::param::page_size() as u64);
        self.field(RSS).unwrap_or(0.0) * page
    }
}

/// How many descriptors are open; none where the system does not tell.
fn open_descriptors() -> Option<f64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    // One of them is that of the folder itself.
    Some(real(entries.saturating_sub(1)))
}

/// A time in seconds since 1970.
#[allow(
    clippy::cast_precision_loss,
    reason = "a time in milliseconds has 41 bits"
)]
pub(super) fn seconds(time: Timestamp) -> f64 {
    time.as_millis() as f64 / 1_000.0
}

/// A number as a gauge has it.
#[allow(clippy::cast_precision_loss, reason = "a gauge need not be exact")]
fn real(number: u64) -> f64 {
    number as f64
}

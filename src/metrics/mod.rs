//! What the server tells Prometheus of itself. Every name is in `docs/metrics.md`.
//!
//! * [`family`] is one name with its values, and writes a page of them.
//! * [`http`], [`file`], [`queues`], [`process`] gather them, each from where it is counted.
//!
//! A scrape reads numbers that are there already. It waits for nobody, walks through no table, and
//! works while the disk does not.

pub(crate) mod family;
mod file;
mod http;
mod process;
mod queues;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::base::clock::Timestamp;
use crate::db::{self, Db};
use crate::http::metrics::RequestMetrics;
use crate::outbox::tries::Tries;

use family::{Family, Format, Sample, Value};

/// Where the numbers come from.
pub(crate) struct Metrics {
    /// The data file.
    pub db: Db,
    /// The requests.
    pub requests: Arc<RequestMetrics>,
    /// Tries to send mail.
    pub mail_tries: Arc<Tries>,
    /// Tries to tell webhooks.
    pub webhook_tries: Arc<Tries>,
    /// The backups.
    pub backups: Backups,
    /// When the server was started, by the clock of the machine.
    pub started_at: Timestamp,
}

impl Metrics {
    /// All of it as a page.
    ///
    /// # Errors
    /// None: it is written into memory.
    pub(crate) fn write(&self, format: Format) -> Result<String, fmt::Error> {
        let mut families = vec![build_info()];
        families.extend(http::families(&self.requests));
        families.extend(file::families(&self.db));
        families.extend(queues::families(
            &self.db,
            &self.mail_tries,
            &self.webhook_tries,
        ));
        families.push(self.backups.family());
        families.extend(process::families(self.started_at));
        family::write(families, format)
    }
}

/// The backups that the server makes by itself.
#[derive(Debug, Default)]
pub(crate) struct Backups {
    /// When the last one was made, in milliseconds since 1970; 0: none was, as far as is known.
    last_success: AtomicI64,
}

impl Backups {
    /// Notes that one was made `at` this time.
    #[allow(dead_code, reason = "whoever makes backups by itself calls it")]
    pub(crate) fn record(&self, at: Timestamp) {
        self.last_success.store(at.as_millis(), Ordering::Relaxed);
    }

    /// What is told of them.
    fn family(&self) -> Family {
        let last = self.last_success.load(Ordering::Relaxed);
        let last = (last > 0).then(|| process::seconds(Timestamp::from_millis(last)));
        Family::gauge(
            "invited_backup_last_success_timestamp_seconds",
            "When the server made its last scheduled backup, in seconds since 1970.",
            last,
        )
    }
}

/// What the program is.
fn build_info() -> Family {
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("sqlite", db::sqlite_version()),
    ];
    Family::gauges(
        "invited_build_info",
        "The program: always 1.",
        vec![Sample::new(labels, Value::Whole(1))],
    )
}

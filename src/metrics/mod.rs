//! What the server tells Prometheus of itself. Every name is in `docs/metrics.md`.
//!
//! * [`family`] is one name with its values, and writes a page of them.
//! * [`http`], [`file`](mod@file), [`queues`], [`backup`], [`process`] gather them, each from where it
//!   is counted.
//!
//! A scrape reads numbers that are there already. It waits for nobody, walks through no table, and
//! works while the disk does not.

mod backup;
pub(crate) mod family;
mod file;
mod http;
mod process;
mod queues;

use std::fmt;
use std::sync::Arc;

use crate::backup::schedule::Schedule;
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
    /// The backups that the server makes by itself; none: it makes none.
    pub backups: Option<Arc<Schedule>>,
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
        families.extend(backup::families(self.backups.as_deref()));
        families.extend(process::families(self.started_at));
        family::write(families, format)
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

//! Whether the server is about to stop, and how many requests still come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What requests know of a stop, and a stop of requests.
#[derive(Debug, Default)]
pub(crate) struct Stopping {
    /// Whether a stop was asked for.
    has_begun: AtomicBool,
    /// Requests that came since.
    requests: AtomicU64,
}

impl Stopping {
    /// A stop was asked for: from now on answers close their connections.
    pub(crate) fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Counts a request, if a stop was asked for.
    pub(crate) fn count_request(&self) {
        if self.has_begun() {
            self.requests.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests came since a stop was asked for.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

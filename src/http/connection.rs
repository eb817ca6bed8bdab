//! A connection: how long its peer may take, and whether a request of it is being answered.
//!
//! The stream of a connection knows when bytes come and go. Where a request begins and ends is
//! known only here, inside of the framework. [`Progress`] is what both look at.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix_web::HttpRequest;

/// How long a request head may take to arrive, from its first byte on.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a peer may take nothing of what is there for it.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long peers may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// For a request head, from its first byte on.
    pub head: Duration,
    /// For the head of the next request, from the end of the last answer on.
    pub idle: Duration,
    /// For the next part of an answer to be taken.
    pub write: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: HEAD_TIMEOUT,
            idle: KEEP_ALIVE,
            write: WRITE_TIMEOUT,
        }
    }
}

/// Says that a request has come by a port for what is behind one path, which was put before its own.
/// It lies among the extensions of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind;

/// The requests of one connection. Clones are handles to the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Rc<Requests>);

/// The requests of one connection.
#[derive(Debug, Default)]
struct Requests {
    /// How many have begun.
    begun: Cell<u64>,
    /// How many were answered to the end.
    ended: Cell<u64>,
}

/// A request that is being answered, until this is dropped.
#[derive(Debug)]
pub(crate) struct Answering(Progress);

impl Progress {
    /// Says that the head of a request is there.
    fn begin(&self) -> Answering {
        self.0.begun.set(self.0.begun.get() + 1);
        Answering(self.clone())
    }

    /// How many requests have begun.
    pub(crate) fn begun(&self) -> u64 {
        self.0.begun.get()
    }

    /// Whether one is being answered.
    pub(crate) fn is_answering(&self) -> bool {
        self.0.begun.get() != self.0.ended.get()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let ended = &self.0.0.ended;
        ended.set(ended.get() + 1);
    }
}

/// Says that the head of `request` is there, until what is returned is dropped; none where there is
/// no connection.
pub(crate) fn begin(request: &HttpRequest) -> Option<Answering> {
    request.conn_data::<Progress>().map(Progress::begin)
}

//! Room for connections among the descriptors that this process may open.
//!
//! A connection costs a descriptor, and anybody may connect. Were the last ones taken by
//! connections, the data file, mail and webhooks would go without. So connections have a bound of
//! their own: those beyond it wait in the queue of the port until another one ends. And nobody may
//! have more of them than are left free, so that one address cannot keep all others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::base::failure::Failure;
use crate::policy::limits;

/// Descriptors that a server holds as soon as it is there, besides those for each worker and each
/// listener: for its file, its readers and its logs.
const OWN: usize = 30;
/// Descriptors of each listener: its socket, and what ends it.
const OWN_OF_LISTENER: usize = 2;
/// Descriptors of each worker thread: its readers of the file, and its event loop.
const OWN_OF_WORKER: usize = 6;
/// Descriptors without which nothing can be served.
const FEWEST: usize = 16;
/// Descriptors that connections never take: deliveries of mail (14) and webhooks (64) take one
/// each, and the file takes some now and then. Of a small rest, connections leave half.
const RESERVE: usize = 80;
/// Connections of a worker, whatever the system admits: what the framework takes as a bound, too.
const MOST_OF_WORKER: usize = 25_600;
/// Connections of a port for metrics.
const FEW: usize = 32;
/// Connections below which a start warns: a browser opens six, an application perhaps fifty.
const USEFUL: usize = 200;
/// Connections that a site may have however many others have: some more than a browser opens.
const ALWAYS: usize = 8;
/// How long after the log was told that all connections are in use it is told again.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// How many connections a server may have, and how many it has.
#[derive(Debug)]
pub(crate) struct Connections {
    /// The most for each worker.
    pub most_of_worker: usize,
    /// The most for all workers.
    most: usize,
    /// The proxies that may have them all.
    trusted_proxies: Vec<IpNet>,
    /// Those there are.
    held: Mutex<Held>,
}

/// The connections there are.
#[derive(Debug, Default)]
struct Held {
    /// How many.
    all: usize,
    /// How many of each site.
    by_site: HashMap<IpAddr, usize>,
    /// When the log was told that there are too many.
    told_at: Option<Instant>,
}

/// One connection, for as long as it lasts.
pub(crate) struct Connection {
    /// Among which.
    connections: Arc<Connections>,
    /// Whose.
    site: IpAddr,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut held = self.connections.held();
        held.all -= 1;
        let own = held.by_site.get(&self.site).map_or(0, |own| own - 1);
        if own == 0 {
            held.by_site.remove(&self.site);
        } else {
            held.by_site.insert(self.site, own);
        }
    }
}

impl Connections {
    /// Raises the limit of open files as far as the system lets us, and shares out what there is.
    ///
    /// # Errors
    /// When `workers` could not serve anything with so few descriptors.
    pub(crate) fn within_limits(
        workers: usize,
        listeners: usize,
        trusted_proxies: Vec<IpNet>,
    ) -> Result<Arc<Self>, Failure> {
        let files = raise_limit();
        let own = OWN + OWN_OF_LISTENER * listeners + OWN_OF_WORKER * workers;
        let spare = files.saturating_sub(own);
        if spare < FEWEST {
            return Err(Failure::runtime(
                format!(
                    "this process may open {files} files, and the server needs at least {}",
                    own + FEWEST
                ),
                "raise the limit, with `ulimit -n 1024` in a shell, or LimitNOFILE=1024 in a \
                 unit of systemd",
            ));
        }
        let most_of_worker = ((spare - RESERVE.min(spare / 2)) / workers).clamp(1, MOST_OF_WORKER);
        let most = most_of_worker * workers;
        if most < USEFUL {
            log::warn!(
                "this process may open {files} files: that is enough for {most} connections at a \
                 time; raise the limit (ulimit -n, LimitNOFILE) to 1024 or more"
            );
        }
        Ok(Arc::new(Self {
            most_of_worker,
            most,
            trusted_proxies,
            held: Mutex::default(),
        }))
    }

    /// A few, for a port that only scrapers and supervisors use.
    pub(crate) fn few() -> Arc<Self> {
        Arc::new(Self {
            most_of_worker: FEW,
            most: FEW,
            trusted_proxies: Vec::new(),
            held: Mutex::default(),
        })
    }

    /// A place for a connection from `peer`, until what is returned is dropped; none where its site
    /// has many, and as many as are left free. A site is an IPv4 address, or a /48 of IPv6.
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Connection> {
        let site = limits::site(peer.to_canonical());
        let mut held = self.held();
        let own = held.by_site.get(&site).map_or(0, |own| *own);
        let is_trusted = self
            .trusted_proxies
            .iter()
            .any(|network| network.contains(&peer.to_canonical()));
        let is_heavy =
            own >= ALWAYS.min(self.most / 2) && own + 1 > self.most.saturating_sub(held.all + 1);
        if is_heavy && !is_trusted {
            held.log_rarely(|| {
                format!(
                    "one address has half of the {} connections, and gets no more",
                    self.most
                )
            });
            return None;
        }
        held.all += 1;
        held.by_site.insert(site, own + 1);
        if held.all >= self.most {
            held.log_rarely(|| {
                format!(
                    "all {} connections are in use, and further ones wait until one ends",
                    self.most
                )
            });
        }
        Some(Connection {
            connections: Arc::clone(self),
            site,
        })
    }

    /// Those there are. They are whole even if a thread panicked while it had them.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Tells the log that there are too many connections, unless it was told a moment ago.
    fn log_rarely(&mut self, what: impl FnOnce() -> String) {
        if self
            .told_at
            .is_none_or(|told_at| told_at.elapsed() >= TOLD_EVERY)
        {
            self.told_at = Some(Instant::now());
            log::warn!(
                "{}: see who holds them, or raise the limit of open files (ulimit -n, LimitNOFILE)",
                what()
            );
        }
    }
}

/// Raises the soft limit of open files to the hard one. Returns what it is then.
fn raise_limit() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where the system admits less than it says, what there was has to do.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
    let current = getrlimit(Resource::Nofile).current;
    current
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(usize::MAX)
}

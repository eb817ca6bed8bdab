//! Who reads old pages, and is asked to let go of them.
//!
//! While anybody reads from the write-ahead log, it cannot be started over, and what was committed
//! since cannot be moved into the file. So each thread of ours that reads for longer than a bounded
//! request lets go of its pages where it is asked to, and begins again afterwards. What another
//! process reads cannot be hurried, nor the last pass of a copy ([`mod@super::copy`]).

use tokio::sync::watch;

/// Who is asked to let go of old pages. Each asks those before it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asked {
    /// Nobody: no checkpoint waits.
    Nobody,
    /// Snapshots that are only kept for the next request.
    Snapshots,
    /// The look for damage, which begins again later.
    Checks,
    /// Long reads, which begin again at once.
    Reads,
}

/// Learns who is asked.
#[derive(Clone)]
pub(crate) struct Clearing(watch::Receiver<Asked>);

impl Clearing {
    /// Asks nobody yet; also the end that asks.
    pub(crate) fn new() -> (watch::Sender<Asked>, Self) {
        let (sender, receiver) = watch::channel(Asked::Nobody);
        (sender, Self(receiver))
    }

    /// Whether whoever is `one` of those has to let go.
    pub(crate) fn asks(&self, one: Asked) -> bool {
        *self.0.borrow() >= one
    }

    /// Waits until whoever is `one` of those has to let go, or the file is being closed.
    pub(crate) async fn wait_for(&mut self, one: Asked) {
        // It fails only when the file is being closed.
        let _ = self.0.wait_for(|asked| *asked >= one).await;
    }
}

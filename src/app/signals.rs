//! The signals that end a server.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::cannot_serve;
use crate::failure::Failure;

/// SIGTERM and SIGINT. Listened to before a server says that it is there, so that no signal finds it unprepared.
pub struct Signals {
    /// What supervisors send.
    terminate: Signal,
    /// What Ctrl-C sends.
    interrupt: Signal,
}

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the system does not let us. Must be called within a tokio runtime.
    pub fn listen() -> Result<Self, Failure> {
        let terminate = signal(SignalKind::terminate()).map_err(cannot_serve)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(cannot_serve)?;
        Ok(Self { terminate, interrupt })
    }

    /// Waits for either.
    pub async fn next(&mut self) {
        tokio::select! { _ = self.terminate.recv() => {}, _ = self.interrupt.recv() => {} }
    }
}

//! The signals that end a server, and those that do not.

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::cannot_serve;
use crate::base::failure::Failure;

/// SIGTERM, SIGINT and SIGHUP. They are listened to before anything is opened, so that none finds a
/// server unprepared: one that comes during the start ends it as soon as it is there.
pub struct Signals {
    /// What supervisors send.
    terminate: Signal,
    /// What Ctrl-C sends.
    interrupt: Signal,
    /// What a terminal sends that goes away; none: whoever started this process had it ignored.
    hangup: Option<Signal>,
    /// What a write beyond a limit of the size of files sends. It ends a process that does not
    /// listen; for one that does the write fails, as on a full disk.
    _file_too_large: Signal,
}

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the system does not let us. Must be called within a tokio runtime.
    pub fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(cannot_serve);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: if is_ignored(Number::HUP) {
                None
            } else {
                Some(listen(SignalKind::hangup())?)
            },
            _file_too_large: listen(SignalKind::from_raw(Number::XFSZ.as_raw()))?,
        })
    }

    /// Waits for one that ends a server.
    pub(crate) async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether this process was started with a signal ignored, as `nohup` does. Where the system does
/// not say so, the signal is left as it is, too.
fn is_ignored(signal: Number) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(u64::MAX);
    mask >> (signal.as_raw() - 1) & 1 == 1
}

//! The signals that end a server, that have it read its files again, and that do nothing.

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::cannot_serve;
use crate::base::failure::Failure;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// To stop.
    Stop,
    /// To stop, since the terminal is gone. Shells and the system say so once more.
    StopWithTerminal,
    /// To read files again.
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP. They are listened to before anything is opened, so that none finds a
/// server unprepared: one that comes during the start ends it as soon as it is there.
pub struct Signals {
    /// What supervisors send.
    terminate: Signal,
    /// What Ctrl-C sends.
    interrupt: Signal,
    /// What a terminal sends that goes away, and who wants files to be read again; none: whoever
    /// started this process had it ignored.
    hangup: Option<Signal>,
    /// Whether the process was started at a terminal.
    had_terminal: bool,
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
            had_terminal: has_terminal(),
            _file_too_large: listen(SignalKind::from_raw(Number::XFSZ.as_raw()))?,
        })
    }

    /// Waits for the next one, whatever it asks for: a command has nothing to read again.
    pub(crate) async fn any(&mut self) {
        self.next().await;
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Wish {
        match self.next_number().await {
            Number::HUP if self.had_terminal && !has_terminal() => Wish::StopWithTerminal,
            Number::HUP => Wish::Reload,
            _ => Wish::Stop,
        }
    }

    /// Waits for the next one. Returns its number.
    pub(crate) async fn next_number(&mut self) -> Number {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => Number::TERM,
            _ = self.interrupt.recv() => Number::INT,
            _ = hangup => Number::HUP,
        }
    }
}

/// Whether this process is at a terminal. The system takes it away from all its processes before it
/// tells them.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
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

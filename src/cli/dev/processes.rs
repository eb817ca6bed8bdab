//! The processes of a command, and how they are ended.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process, kill_process_group, test_kill_process,
    test_kill_process_group, waitpgid,
};

/// How long processes have that were asked to end, before they are killed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long after one look whether they have ended comes the next.
const PAUSE: Duration = Duration::from_millis(10);

/// The processes of a command that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processes {
    /// It has a process group of its own, with all that it starts.
    Group(Pid),
    /// It is in the group of the terminal, with the server: only the process itself is known.
    One(Pid),
}

impl Processes {
    /// Sends `signal`, unless nobody is left.
    pub(super) fn send(self, signal: Signal) {
        // Whoever is gone needs no signal.
        let _ = match self {
            Self::Group(group) => kill_process_group(group, signal),
            Self::One(process) => kill_process(process, signal),
        };
    }

    /// Asks all of them to end, and kills those that have not soon.
    pub(super) async fn end(self) {
        self.send(Signal::TERM);
        let start = Instant::now();
        while self.is_left() {
            if start.elapsed() >= PATIENCE {
                return self.send(Signal::KILL);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether any of them is left.
    fn is_left(self) -> bool {
        let tested = match self {
            Self::Group(group) => {
                // In a container this may be the process to which all orphans go.
                while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
                test_kill_process_group(group)
            }
            Self::One(process) => test_kill_process(process),
        };
        tested != Err(Errno::SRCH)
    }
}

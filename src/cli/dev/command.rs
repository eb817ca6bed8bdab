//! The command beside a server for development.
//!
//! It has a process group of its own, so that all that it starts ends with the server. At a
//! terminal it stays in the group of the server: only that group may read what is typed, and gets
//! what Ctrl-C sends.

use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp};
use rustix::termios::tcgetpgrp;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep_until};

use super::processes::Processes;
use super::watcher::Watcher;
use crate::base::failure::Failure;
use crate::server::Signals;

/// How long a command has to end that was sent a signal, before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a shell says of a command that it does not find.
const NOT_FOUND: u8 = 127;
/// What a shell says of a command that it cannot run.
const NOT_RUN: u8 = 126;

/// A command that runs.
pub(super) struct Running {
    /// Its process.
    child: Child,
    /// All of its processes that are known.
    processes: Processes,
    /// What ends it if the server cannot; none: that could not be started.
    watcher: Option<Watcher>,
}

/// A command that could not be started.
pub(super) struct NotStarted {
    /// Why.
    pub failure: Failure,
    /// The exit code, as a shell has it.
    pub code: u8,
}

impl Running {
    /// Starts the command with these `words`, and `variables` in its environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(
        words: &[OsString],
        variables: &[(&str, &str)],
    ) -> Result<Self, NotStarted> {
        let is_at_terminal = is_at_terminal();
        let name = words.first().cloned().unwrap_or_default();
        let mut command = Command::new(&name);
        command.args(words.iter().skip(1));
        command.envs(variables.iter().copied());
        let mut watcher = Watcher::start()
            .inspect_err(|error| {
                log::warn!("the command goes on if this server is killed ({error})");
            })
            .ok();
        let group = watcher.as_ref().and_then(Watcher::group);
        if !is_at_terminal {
            command.process_group(group.map_or(0, |group| group.as_raw_nonzero().get()));
        }
        let child = command
            .spawn()
            .map_err(|error| not_started(&name, &error))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let id = id.and_then(Pid::from_raw);
        let id = id.ok_or_else(|| not_started(&name, &ErrorKind::NotFound.into()))?;
        let processes = if is_at_terminal {
            watcher.iter_mut().for_each(|watcher| watcher.watch(id));
            Processes::One(id)
        } else {
            Processes::Group(group.unwrap_or(id))
        };
        Ok(Self {
            child,
            processes,
            watcher,
        })
    }

    /// Waits until the command ends, and ends what it leaves behind. Signals are passed on to it.
    /// Returns its exit code, 128 and the number of a signal that ended it.
    pub(super) async fn wait(&mut self, signals: &mut Signals) -> u8 {
        let mut deadline = None;
        let status = loop {
            let at = deadline.unwrap_or_else(|| Instant::now() + PATIENCE);
            tokio::select! {
                status = self.child.wait() => break status,
                signal = signals.next_number() => if self.pass_on(signal) {
                    deadline = deadline.or_else(|| Some(Instant::now() + PATIENCE));
                },
                () = sleep_until(at), if deadline.is_some() => {
                    self.processes.send(Signal::KILL);
                    // One of another user's rights goes on all the same.
                    deadline = Some(Instant::now() + PATIENCE);
                }
            }
        };
        self.watcher = None;
        if let Processes::Group(_) = self.processes {
            self.processes.end().await;
        }
        code_of(status)
    }

    /// Passes `signal` on. Returns whether the command should end by it. What a terminal sends, the
    /// command has got already, and may want to go on.
    fn pass_on(&self, signal: Signal) -> bool {
        let is_of_terminal = matches!(signal, Signal::INT | Signal::HUP);
        if is_of_terminal && matches!(self.processes, Processes::One(_)) {
            return false;
        }
        self.processes.send(signal);
        true
    }
}

/// Whether somebody types into this process.
fn is_at_terminal() -> bool {
    let stdin = io::stdin();
    stdin.is_terminal() && tcgetpgrp(stdin) == Ok(getpgrp())
}

/// The exit code of a command that has ended, as a shell has it.
fn code_of(status: io::Result<ExitStatus>) -> u8 {
    let code = status
        .ok()
        .and_then(|status| status.code().or(status.signal().map(|signal| 128 + signal)));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The command could not be started.
fn not_started(name: &OsString, error: &io::Error) -> NotStarted {
    let code = if error.kind() == ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_RUN
    };
    let failure = Failure::runtime(
        format!("cannot run {} ({error})", name.display()),
        "give a program that is in PATH, or its path; a shell's own words need `sh -c '...'`",
    );
    NotStarted { failure, code }
}

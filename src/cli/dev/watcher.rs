//! The process that ends a command when its server is gone: a server that is killed can end nothing
//! any more.
//!
//! It reads a pipe whose other end only the server holds: the end of the pipe is the end of the
//! server, however that came about. It leads the process group that the command gets, and is there
//! before the command: so whatever happens when, nothing is left.

use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, getpgrp};

use super::processes::Processes;
use crate::base::failure::Failure;
use crate::server::{self, Signals};

/// A watcher that runs.
pub(super) struct Watcher(Child);

impl Watcher {
    /// Starts one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start() -> io::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg("end-with")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What a terminal sends to the server is not for it.
            .process_group(0)
            .spawn()?;
        Ok(Self(child))
    }

    /// The group that it leads and ends.
    pub(super) fn group(&self) -> Option<Pid> {
        i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
    }

    /// Has it end one process in place of its group.
    pub(super) fn watch(&mut self, process: Pid) {
        if let Some(pipe) = &mut self.0.stdin {
            // It fails only if the watcher has ended.
            let _ = writeln!(pipe, "{}", process.as_raw_nonzero());
        }
    }
}

/// A server that ends in its own way ends the command itself.
impl Drop for Watcher {
    fn drop(&mut self) {
        // It fails only if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for the end of the server, and ends its command then.
///
/// # Errors
/// When signals cannot be listened to.
pub(crate) fn run() -> Result<(), Failure> {
    server::block_on(async {
        // What is sent to the group is for the command.
        let _signals = Signals::listen()?;
        let mut pipe = io::stdin().lock();
        let mut line = String::new();
        // Whatever ends the pipe, the server is gone.
        let _ = pipe.read_line(&mut line);
        let _ = pipe.read_to_end(&mut Vec::new());
        let process = line.trim_end().parse().ok().and_then(Pid::from_raw);
        let processes = process.map_or_else(|| Processes::Group(getpgrp()), Processes::One);
        processes.end().await;
        Ok(())
    })
}

//! The call that strace made fail, as its trace tells.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::Outcome;

/// A call that strace made fail.
#[derive(Clone, Copy)]
pub struct Injection {
    /// Seconds since 1970.
    pub at: f64,
    /// Whether the thread that commits made it, and not the one that moves the log into the file.
    pub commit: bool,
}

/// The first call that was made to fail, if any was; one of a commit before all others.
pub fn injected_at(trace: &Path) -> Outcome<Option<Injection>> {
    let text = String::from_utf8_lossy(&fs::read(trace)?).into_owned();
    let is_log_write = |line: &&str| line.contains("write") && line.contains("-wal>");
    let writers: BTreeSet<&str> = text.lines().filter(is_log_write).map(thread_of).collect();
    let injected = || text.lines().filter(|line| line.contains("(INJECTED)"));
    let of_commit = injected().find(|line| writers.contains(thread_of(line)));
    let Some(line) = of_commit.or_else(|| injected().next()) else {
        return Ok(None);
    };
    let at = line
        .split_whitespace()
        .nth(1)
        .ok_or("no time in the trace")?
        .parse()?;
    Ok(Some(Injection {
        at,
        commit: of_commit.is_some(),
    }))
}

/// The thread that a line of the trace is about.
fn thread_of(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

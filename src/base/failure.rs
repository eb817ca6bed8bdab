//! Errors for the person at the terminal: what, which value, and what to do.

use std::fmt;
use std::path::Path;

/// Why a command did not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, naming the value.
    what: String,
    /// What to do about it.
    hint: String,
    /// Whether the command was called wrongly, rather than failing at its work.
    usage: bool,
}

impl Failure {
    /// What went wrong.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }

    /// The command failed at its work: exit code 1.
    pub(crate) fn runtime(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
            usage: false,
        }
    }

    /// The command was given something it cannot use: exit code 2.
    pub(crate) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
            usage: true,
        }
    }

    /// A file is in the way, which only `--force` replaces.
    pub(crate) fn exists(path: &Path) -> Self {
        Self::runtime(
            format!("{} is there already", path.display()),
            "name another file, or replace this one with --force",
        )
    }

    /// The same with more about what went wrong.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.what = format!("{} ({note})", self.what);
        self
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }
}

/// Two lines: what went wrong, and what to do.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  hint: {}", self.what, self.hint)
    }
}

impl std::error::Error for Failure {}

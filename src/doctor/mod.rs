//! What is wrong with a server, or soon will be, each finding with what to do about it.
//!
//! * [`certificate`] looks at the certificate that the server shows, [`mod@file`] at the data file
//!   and at what lies beside it, [`replica`] at what Litestream has, [`queue`] at the mail that
//!   waits, [`setup`] at the settings.
//! * [`network`] looks at what can only be reached; [`probe`] is how the server is known there.
//! * [`status`] counts.
//!
//! The same checks run in a server and in a command beside it. No finding names a path: the API
//! shows them.

mod certificate;
mod file;
pub(crate) mod network;
pub(crate) mod probe;
mod queue;
mod replica;
mod setup;
pub(crate) mod status;

use serde::Serialize;
use utoipa::ToSchema;

use crate::base::failure::Failure;
use crate::db::{Integrity, Reader, tally};

pub(crate) use file::{Sizes, measure};
pub(crate) use setup::Setup;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FindingState)]
pub(crate) enum Severity {
    /// Nothing is wrong.
    Ok,
    /// It works, and is not as it should be.
    Warn,
    /// It does not work, or soon will not.
    Bad,
}

/// What a check found.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
pub(crate) struct Finding {
    /// The name of the check.
    #[schema(value_type = String, example = "disk")]
    pub name: &'static str,
    /// How bad it is.
    pub state: Severity,
    /// What was found.
    pub detail: String,
    /// What to do about it. Absent where nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub fix: Option<String>,
}

impl Finding {
    /// Nothing is wrong.
    pub(crate) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            state: Severity::Ok,
            detail: detail.into(),
            fix: None,
        }
    }

    /// It works, and is not as it should be.
    pub(crate) fn warn(
        name: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            name,
            state: Severity::Warn,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }

    /// It does not work, or soon will not.
    pub(crate) fn bad(
        name: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            state: Severity::Bad,
            ..Self::warn(name, detail, fix)
        }
    }

    /// What a command could not do, in its words.
    pub(crate) fn of_failure(name: &'static str, failure: &Failure) -> Self {
        Self::bad(name, failure.what(), failure.hint())
    }
}

/// What only the server itself knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    /// Whether writes are taken.
    pub is_writable: bool,
    /// Whether the data file is at its place.
    pub is_in_place: bool,
    /// What the last look through the whole file came to.
    pub integrity: Integrity,
}

/// What can be found without reading the data file.
pub(crate) fn examine_outside(setup: &Setup) -> Vec<Finding> {
    let mut findings = vec![
        Finding::ok("version", concat!("invited ", env!("CARGO_PKG_VERSION"))),
        file::check_mode(setup),
        file::check_secret(setup),
        file::check_disk(setup),
        file::check_log(setup),
        replica::check(setup),
    ];
    findings.extend(setup::check(setup));
    findings.extend(setup.certificate.as_ref().map(certificate::check));
    findings
}

/// What can be found in the data file.
pub(crate) fn examine_file(reader: &Reader<'_>) -> Vec<Finding> {
    vec![
        Finding::ok("sqlite", format!("SQLite {}", crate::db::sqlite_version())),
        file::check_schema(reader),
        file::check_clock(reader),
        queue::check(reader),
    ]
}

/// Whether the counts that the data file keeps are those of its rows. It looks at all of them, so
/// only a command does.
pub(crate) fn check_counts(reader: &Reader<'_>) -> Finding {
    let name = "counts";
    match tally::compare(reader) {
        Ok(wrong) if wrong.is_empty() => Finding::ok(name, "those of its rows"),
        Ok(wrong) => {
            let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
            Finding::warn(
                name,
                wrong.join("; "),
                "another program has changed rows: `invited verify --recount`",
            )
        }
        Err(error) => Finding::bad(name, error.detail.clone(), "see `invited verify`"),
    }
}

/// Whether a server serves the file.
pub(crate) fn check_served(is_served: bool) -> Finding {
    if is_served {
        Finding::ok("server", "a server has the data file")
    } else {
        let fix = "start it: `invited serve`, or `systemctl start invited`";
        Finding::warn("server", "no server runs on the data file", fix)
    }
}

/// What the server itself says.
pub(crate) fn examine_running(running: Running) -> Vec<Finding> {
    let restart = "look at the log for what the disk reported, mend that, and restart the server";
    let writes = if !running.is_in_place {
        let fix = "do not stop the server: it holds the file open that has what was written; copy \
                   that first, as docs/troubleshooting.md says";
        Finding::bad("writes", "the data file was removed or replaced", fix)
    } else if running.is_writable {
        Finding::ok("writes", "writes are taken")
    } else {
        Finding::bad("writes", "writes are refused: the disk failed", restart)
    };
    let integrity = match running.integrity {
        Integrity::Unchecked => Finding::ok("integrity", "the file was not looked through yet"),
        Integrity::Ok => Finding::ok("integrity", "no damage was found in the file"),
        Integrity::Damaged => Finding::bad(
            "integrity",
            "the file is damaged",
            "look at the log for where, and go back to a copy of the file",
        ),
    };
    vec![writes, integrity]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The states of what a server says, writes first.
    fn states(is_writable: bool, is_in_place: bool, integrity: Integrity) -> [Severity; 2] {
        let running = Running {
            is_writable,
            is_in_place,
            integrity,
        };
        let findings = examine_running(running);
        [findings[0].state, findings[1].state]
    }

    #[test]
    fn a_server_says_that_its_disk_failed_or_its_file_is_gone_or_damaged() {
        use Severity::{Bad, Ok};
        assert_eq!(states(true, true, Integrity::Unchecked), [Ok, Ok]);
        assert_eq!(states(false, true, Integrity::Ok), [Bad, Ok]);
        assert_eq!(states(true, false, Integrity::Ok), [Bad, Ok]);
        assert_eq!(states(true, true, Integrity::Damaged), [Ok, Bad]);
    }
}

//! How a server is, in numbers: what runs, on which file, and how much is in it.

use std::path::Path;

use serde::Serialize;

use super::{Finding, Setup, Severity, Sizes, measure};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{self, Holder, Reader};
use crate::invitation::store as invitations;
use crate::key::{self, KeyStatus};
use crate::organization::store as organizations;
use crate::outbox::mail::store::waiting as mail;
use crate::outbox::mail::waiting::{Counts, Selection};

/// Rows of a kind that are counted at most.
const MOST_COUNTED: u32 = 1_000_000;

/// How a server is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// The version of this program.
    pub version: &'static str,
    /// The version of SQLite in it.
    pub sqlite: &'static str,
    /// The data file.
    pub data_file: String,
    /// Who serves it; none: nobody.
    pub server: Option<Holder>,
    /// How large it is.
    pub sizes: Sizes,
    /// What is in it.
    pub contents: Contents,
    /// How many findings are how bad.
    pub findings: Findings,
}

/// What is in a data file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contents {
    /// The version of its schema.
    pub schema: i64,
    /// Organizations, a million at most.
    pub organizations: i64,
    /// Invitations, a million at most.
    pub invitations: i64,
    /// The mail that waits.
    pub mail: Counts,
    /// The keys that work, and when one of them was used last.
    pub keys: Keys,
}

/// The keys of a data file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Keys {
    /// How many work.
    pub live: usize,
    /// When one that works was used last; none: never.
    pub last_used_at: Option<Timestamp>,
}

/// How many findings are how bad.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    /// It does not work, or soon will not.
    pub bad: usize,
    /// It works, and is not as it should be.
    pub warn: usize,
}

impl Contents {
    /// Counts what is in the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn count(reader: &Reader<'_>) -> Result<Self> {
        let mut keys = key::store::list(reader)?;
        keys.retain(|key| key.status(reader.now) == KeyStatus::Live);
        Ok(Self {
            schema: reader.schema_version()?,
            organizations: organizations::count_all(reader, MOST_COUNTED)?,
            invitations: invitations::count_all(reader, MOST_COUNTED)?,
            mail: mail::count(reader, &Selection::default())?,
            keys: Keys {
                live: keys.len(),
                last_used_at: keys.iter().filter_map(|key| key.last_used_at).max(),
            },
        })
    }
}

impl Status {
    /// How the server of `setup` is, whose file has `contents` and whose checks found `findings`.
    pub(crate) fn new(setup: &Setup, contents: Contents, findings: &[Finding]) -> Self {
        let count = |severity| findings.iter().filter(|one| one.state == severity).count();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            sqlite: db::sqlite_version(),
            data_file: absolute(&setup.database),
            server: db::find_holder(&setup.database),
            sizes: measure(setup),
            contents,
            findings: Findings {
                bad: count(Severity::Bad),
                warn: count(Severity::Warn),
            },
        }
    }
}

/// `path` from the root.
fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}

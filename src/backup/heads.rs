//! Heads of histories as people keep them elsewhere: a line of JSON each.
//!
//! A head is as good as the whole history up to it: nothing of that can be changed without leading
//! to another one.

use std::io::{self, BufRead};
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::verify::Report;
use crate::audit;
use crate::base::error::Result;
use crate::base::failure::Failure;
use crate::base::hex::hex;
use crate::db::Reader;
use crate::event::chain::Head;
use crate::event::store::row;

/// How written heads begin.
pub(crate) const MAGIC: &str = r#"{"organization":""#;

/// The head of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WrittenHead {
    /// Whose history.
    organization: String,
    /// How many events it had.
    count: i64,
    /// The last of them.
    event: Uuid,
    /// The hash that all of them lead to, in hexadecimal digits.
    chain: String,
}

impl WrittenHead {
    /// The head of the history of `organization` at `event`.
    pub(crate) fn new(organization: &str, event: Uuid, head: &Head) -> Self {
        Self {
            organization: organization.to_owned(),
            count: head.position,
            event,
            chain: hex(&head.chain),
        }
    }
}

/// Heads as lines.
///
/// # Errors
/// None that is known.
pub(crate) fn lines(heads: &[WrittenHead]) -> std::result::Result<String, Failure> {
    let line = |head| serde_json::to_string(head).map(|line| line + "\n");
    let lines = heads.iter().map(line).collect::<serde_json::Result<_>>();
    lines.map_err(|error| Failure::runtime(error.to_string(), "try again"))
}

/// Reads the heads that were written into the file at `path`.
///
/// # Errors
/// When it cannot be read, a line of it is no head, or there is none in it: that would compare
/// nothing, and say that all is well.
pub(crate) fn read(path: &Path) -> std::result::Result<Vec<WrittenHead>, Failure> {
    let failed = |what: String| {
        let hint = "name a file that `invited verify --heads` has written";
        Failure::usage(format!("{}: {what}", path.display()), hint)
    };
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut heads = Vec::new();
    for (number, line) in io::BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| failed(error.to_string()))?;
        let head = serde_json::from_str(&line);
        heads.push(head.map_err(|_| failed(format!("line {} is no head", number + 1)))?);
    }
    if heads.is_empty() {
        return Err(Failure::usage(
            format!("{}: there is no head in it", path.display()),
            "write it anew by `invited verify --heads` once there is an organization; until then \
             there is nothing to compare",
        ));
    }
    Ok(heads)
}

/// Looks whether each of `heads` is still in its history.
pub(crate) fn compare(
    reader: &Reader<'_>,
    heads: &[WrittenHead],
    report: &mut Report,
) -> Result<()> {
    for head in heads {
        let (organization, event) = (head.organization.escape_default(), head.event);
        let found = row::find_head_at(reader, &head.organization, event)?;
        let is_same = |found: &Head| WrittenHead::new(&head.organization, event, found) == *head;
        if found.as_ref().is_some_and(is_same) {
            continue;
        }
        if found.is_some() {
            report.findings.add(format!(
                "the history of {organization} up to the event {event} is not the one whose head \
                 was written down"
            ));
        } else if audit::store::was_deleted_after(reader, &head.organization, event)? {
            report.deleted.push(organization.to_string());
        } else {
            report.findings.add(format!(
                "the event {event} of the head of {organization} that was written down is not in \
                 the history any more"
            ));
        }
    }
    Ok(())
}

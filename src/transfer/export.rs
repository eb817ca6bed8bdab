//! Writes organizations with their invitations and histories as an export.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde_json::json;

use super::{Counts, FORMAT, TOLD_EVERY, Tell};
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::Reader;
use crate::event;
use crate::invitation;
use crate::organization::{self, Record};

/// Organizations that are read at a time.
const AT_A_TIME: u32 = 100;

/// What every export begins with.
const START: &[u8] = br#"{"invited":{"format":"#;

/// Whether the file at `path` begins as an export does.
pub(crate) fn is_one(path: &Path) -> bool {
    let mut start = [0; START.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == START
}

/// Why an export failed.
#[derive(Debug)]
pub(crate) enum ExportError {
    /// The data file cannot be read.
    Source(Error),
    /// The export cannot be written.
    Target(io::Error),
    /// There is no such organization.
    Unknown(OrganizationId),
}

impl From<Error> for ExportError {
    fn from(error: Error) -> Self {
        Self::Source(error)
    }
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Target(error)
    }
}

/// Writes the organizations `only`, or where that is empty all of them, to `output`. Those that are
/// being deleted are left out. Returns how much it is.
///
/// # Errors
/// When anything cannot be read or written: what was written by then is no export.
pub(crate) fn write(
    reader: &Reader<'_>,
    only: &[OrganizationId],
    output: impl Write,
    tell: Tell<'_>,
) -> std::result::Result<Counts, ExportError> {
    let mut export = Export {
        output,
        hasher: blake3::Hasher::new(),
        counts: Counts::default(),
        tell,
        line: Vec::new(),
    };
    // It begins with `START`.
    let header = json!({"invited": {
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "exportedAt": reader.now,
    }});
    export.write_line(header.to_string().as_bytes())?;
    if only.is_empty() {
        export.write_all(reader)?;
    }
    let mut written = HashSet::new();
    for id in only.iter().filter(|id| written.insert(*id)) {
        let found = organization::store::find(reader, id)?;
        let whole = found.ok_or_else(|| ExportError::Unknown(id.clone()))?;
        export.write_organization(reader, id, &whole)?;
    }
    export.end()
}

/// An export under way.
struct Export<'a, W> {
    /// Where it goes.
    output: W,
    /// The hash of all that was written.
    hasher: blake3::Hasher,
    /// How much was written.
    counts: Counts,
    /// Whom it tells of that.
    tell: Tell<'a>,
    /// The line that is being written.
    line: Vec<u8>,
}

impl<W: Write> Export<'_, W> {
    /// Writes every organization.
    fn write_all(&mut self, reader: &Reader<'_>) -> std::result::Result<(), ExportError> {
        let mut after = String::new();
        loop {
            let page = organization::store::list_whole(reader, &after, AT_A_TIME)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            last.as_str().clone_into(&mut after);
            for (id, whole) in &page {
                self.write_organization(reader, id, whole)?;
            }
        }
    }

    /// Writes an organization, and what belongs to it.
    fn write_organization(
        &mut self,
        reader: &Reader<'_>,
        id: &OrganizationId,
        whole: &Record,
    ) -> std::result::Result<(), ExportError> {
        let mut members = json!({ "id": id });
        if !whole.settings.is_empty() {
            let settings = serde_json::to_value(&whole.settings);
            members["settings"] = settings.map_err(Error::internal)?;
        }
        members["createdAt"] = json!(whole.created_at);
        members["updatedAt"] = json!(whole.updated_at);
        self.write_line(json!({ "organization": members }).to_string().as_bytes())?;
        self.counts.organizations += 1;
        invitation::store::each(reader, id, |invitation, note| {
            self.counts.invitations += 1;
            self.write_record("invitation", |line| {
                invitation::whole::write(invitation, note, line)
            })
        })?;
        event::store::each(reader, id, |event| {
            self.counts.events += 1;
            self.write_record("event", |line| {
                serde_json::to_writer(line, event).map_err(Error::internal)
            })
        })
    }

    /// Writes a record of this kind.
    fn write_record(
        &mut self,
        kind: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> std::result::Result<(), ExportError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend_from_slice(b"{\"");
        line.extend_from_slice(kind.as_bytes());
        line.extend_from_slice(b"\":");
        write(&mut line)?;
        line.push(b'}');
        self.write_line(&line)?;
        self.line = line;
        if self.counts.total().is_multiple_of(TOLD_EVERY) {
            (self.tell)(self.counts.total());
        }
        Ok(())
    }

    /// Writes a line.
    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        for bytes in [line, b"\n"] {
            self.hasher.update(bytes);
            self.output.write_all(bytes)?;
        }
        Ok(())
    }

    /// Writes the last line.
    fn end(mut self) -> std::result::Result<Counts, ExportError> {
        let (records, blake3) = (self.counts.total(), self.hasher.finalize().to_hex());
        let end = json!({"end": {"records": records, "blake3": blake3.as_str()}});
        self.write_line(end.to_string().as_bytes())?;
        self.output.flush()?;
        Ok(self.counts)
    }
}

//! Reads an export line by line: what a line says is checked, and at the end the whole.

use std::io::{self, BufRead, Read};

use uuid::Uuid;

use super::record::{LineBody, Record};
use super::{Counts, FORMAT, Mistake, Mistakes, TOLD_EVERY, Tell};
use crate::base::error::Error;
use crate::base::organization_id::OrganizationId;

/// The most bytes of a line: more than the settings of an organization can have, before and after
/// a change of all of them.
const MAX_LINE: usize = 4 * 1024 * 1024;

/// The lines of an export.
pub struct Lines<R> {
    /// Where they come from.
    input: R,
    /// The number of the last line.
    number: u64,
    /// The last line.
    line: Vec<u8>,
    /// The hash of all lines before the last one.
    hasher: blake3::Hasher,
    /// How many records there were, wrong ones too.
    records: u64,
    /// The organization to which a record belongs.
    current: Current,
    /// Whether nothing may follow.
    has_ended: bool,
}

/// The organization to which a record belongs.
enum Current {
    /// There was none yet.
    None,
    /// This one, whose history has come to the event.
    Known(OrganizationId, Uuid),
    /// One that is wrong itself: of what belongs to it nothing more is said.
    Wrong,
}

/// What can be wrong with reading.
#[derive(Debug)]
pub enum Trouble {
    /// A line. Others may be fine.
    Line(Mistake),
    /// The input itself.
    Input(io::Error),
}

impl<R: BufRead> Lines<R> {
    /// Begins to read `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            line: Vec::new(),
            hasher: blake3::Hasher::new(),
            records: 0,
            current: Current::None,
            has_ended: false,
        }
    }

    /// The number of the last line that was read.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next record; none: the export has ended, and is whole.
    ///
    /// # Errors
    /// What is wrong with the line, or with the export. After [`Trouble::Line`] one may go on.
    pub fn next_record(&mut self) -> Result<Option<Record>, Trouble> {
        while self.read_line().map_err(Trouble::Input)? {
            let taken = self.take_line();
            self.hasher.update(&self.line);
            if let Some(record) = taken.map_err(|what| self.mistake(what))? {
                return Ok(Some(record));
            }
        }
        if self.has_ended {
            return Ok(None);
        }
        self.has_ended = true;
        let cut_off = "the file is cut off: an export ends with a line `{\"end\":...}`";
        Err(self.mistake(cut_off.to_owned()))
    }

    /// Reads a line with its end. Returns whether there is one.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        let mut limited = self.input.by_ref().take(limit);
        limited.read_until(b'\n', &mut self.line)?;
        if self.line.len() == MAX_LINE && !self.line.ends_with(b"\n") {
            // It is refused, so what follows of it is not even hashed.
            self.input.skip_until(b'\n')?;
        }
        self.number += u64::from(!self.line.is_empty());
        Ok(!self.line.is_empty())
    }

    /// What the last line says; none: it is the first or the last one of the export.
    fn take_line(&mut self) -> Result<Option<Record>, String> {
        if self.line.len() == MAX_LINE {
            return Err(format!("a line has at most {MAX_LINE} bytes"));
        }
        if self.has_ended {
            return Err("nothing comes behind the line `{\"end\":...}`".to_owned());
        }
        let body = LineBody::read(&self.line);
        let is_record = self.number > 1;
        let body = body.map_err(|error| {
            self.records += u64::from(is_record);
            describe(&error)
        })?;
        if body.len() != 1 || body.invited.is_some() == is_record {
            self.records += u64::from(is_record);
            return Err(if is_record {
                "one of organization, invitation, event and end".to_owned()
            } else {
                "the first line is `{\"invited\":...}`".to_owned()
            });
        }
        if let Some(end) = &body.end {
            self.has_ended = true;
            return self
                .check_end(end.records, end.blake3.as_deref())
                .map(|()| None);
        }
        if let Some(header) = &body.invited {
            return check_header(header.format, header.version.as_deref()).map(|()| None);
        }
        self.records += 1;
        self.take_record(body).map(Some)
    }

    /// What the last line says, which is a record.
    fn take_record(&mut self, body: LineBody) -> Result<Record, String> {
        let current = match &self.current {
            Current::None | Current::Wrong => None,
            Current::Known(id, _) => Some(id),
        };
        let was_wrong = matches!(self.current, Current::Wrong);
        let is_organization = body.is_organization();
        let record = body.parse(current).map_err(|error| {
            if is_organization {
                self.current = Current::Wrong;
            }
            if was_wrong && !is_organization {
                "it belongs to the organization before it, which is wrong".to_owned()
            } else {
                describe(&error)
            }
        })?;
        let record = record.ok_or_else(|| "a record".to_owned())?;
        match (&record, &mut self.current) {
            (Record::Organization(id, _), current) => {
                *current = Current::Known(id.clone(), Uuid::nil());
            }
            (Record::Event(event), Current::Known(_, last)) => {
                if event.id <= *last {
                    return Err("/event/id: events come in the order of their ids".to_owned());
                }
                *last = event.id;
            }
            _ => {}
        }
        Ok(record)
    }

    /// Checks the last line against all before it.
    fn check_end(&self, records: Option<u64>, blake3: Option<&str>) -> Result<(), String> {
        let found = self.hasher.finalize().to_hex();
        if records != Some(self.records) {
            return Err(format!(
                "the file has {} records, and its last line says {}",
                self.records,
                records.map_or_else(|| "nothing".to_owned(), |records| records.to_string())
            ));
        }
        if blake3 != Some(found.as_str()) {
            return Err(
                "the checksum is not that of the lines before: the file was changed since it was \
                 exported"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// What is wrong with the last line.
    fn mistake(&self, what: String) -> Trouble {
        Trouble::Line(Mistake {
            line: self.number.max(1),
            what,
        })
    }
}

/// Checks the first line.
fn check_header(format: Option<u64>, version: Option<&str>) -> Result<(), String> {
    match format {
        Some(FORMAT) => Ok(()),
        Some(newer) if newer > FORMAT => Err(format!(
            "it has format {newer}, of invited {}, and this version reads format {FORMAT}: import it \
             by that version or a later one",
            version.unwrap_or("of another version")
        )),
        _ => Err(format!("/invited/format: {FORMAT}")),
    }
}

/// What is wrong with a line, each with its place.
pub(crate) fn describe(error: &Error) -> String {
    if error.fields.is_empty() {
        return error.detail.to_string();
    }
    let one = |field: &crate::base::error::FieldError| {
        let colon = if field.pointer.is_empty() { "" } else { ": " };
        format!("{}{colon}{}", field.pointer, field.reason())
    };
    let all: Vec<_> = error.fields.iter().map(one).collect();
    all.join("; ")
}

/// Reads an export to its end. Returns how much is in it, or all that is wrong with it.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn check(input: impl BufRead, tell: Tell<'_>) -> io::Result<Result<Counts, Mistakes>> {
    let (mut lines, mut counts, mut mistakes) =
        (Lines::new(input), Counts::default(), Mistakes::default());
    loop {
        match lines.next_record() {
            Ok(Some(record)) => {
                counts.add(&record);
                if counts.total().is_multiple_of(TOLD_EVERY) {
                    tell(counts.total());
                }
            }
            Ok(None) if mistakes.is_empty() => return Ok(Ok(counts)),
            Ok(None) => return Ok(Err(mistakes)),
            Err(Trouble::Line(mistake)) => mistakes.add(mistake),
            Err(Trouble::Input(error)) => return Err(error),
        }
    }
}

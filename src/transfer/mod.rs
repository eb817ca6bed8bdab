//! Organizations with their invitations and their histories as text, to and from another data file.
//!
//! * [`export`] writes an export. [`lines`] reads one line by line, [`record`] is what a line says,
//!   and [`import`] puts all of it into a data file.
//!
//! # Format
//! Lines of JSON, each an object with one member. The first one names the format, the last one has
//! the number of the records between the two, and a BLAKE3 of all bytes before it:
//!
//! ```text
//! {"invited":{"format":1,"version":"0.1.0","exportedAt":"2026-11-23T02:43:00.123Z"}}
//! {"organization":{"id":"acme","settings":{"name":"Acme Ltd."},"createdAt":...,"updatedAt":...}}
//! {"invitation":{"role":"developer","id":...,"email":...,"organizationId":"acme",...}}
//! {"event":{"id":...,"type":"invitation.created","organizationId":"acme",...}}
//! {"end":{"records":3,"blake3":"..."}}
//! ```
//!
//! An organization comes before what belongs to it, and its events come in the order of its history.
//! Invitations and events are as the API shows them. What an import does not take is an error: a
//! format that has more gets another number.

pub(crate) mod export;
pub(crate) mod import;
pub mod lines;
pub mod record;

use std::fmt;

use serde::Serialize;

use record::Record;

/// The number of the format.
const FORMAT: u64 = 1;
/// How an export begins.
pub(crate) const MAGIC: &[u8] = b"{\"invited\":";
/// The most mistakes that are kept: one damaged place may make many.
const MOST_MISTAKES: usize = 10;

/// How many records there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Organizations.
    pub organizations: u64,
    /// Invitations.
    pub invitations: u64,
    /// Events.
    pub events: u64,
}

impl Counts {
    /// All of them together.
    pub(crate) fn total(self) -> u64 {
        self.organizations + self.invitations + self.events
    }

    /// Counts a record.
    fn add(&mut self, record: &Record) {
        match record {
            Record::Organization(..) => self.organizations += 1,
            Record::Invitation(_) => self.invitations += 1,
            Record::Event(_) => self.events += 1,
        }
    }
}

/// As a person counts.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "organizations {}, invitations {}, events {}",
            self.organizations, self.invitations, self.events
        )
    }
}

/// After how many records somebody is told.
pub(crate) const TOLD_EVERY: u64 = 1_000;

/// Whom somebody tells how many records are done.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(u64);

/// A line that cannot be taken, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The number of the line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// All that is wrong with an export: the first lines of it, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    /// The first ones.
    pub first: Vec<Mistake>,
    /// How many there are.
    count: usize,
}

impl Mistakes {
    /// Adds one.
    fn add(&mut self, mistake: Mistake) {
        self.count += 1;
        if self.first.len() < MOST_MISTAKES {
            self.first.push(mistake);
        }
    }

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// A line each.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mistake) in self.first.iter().enumerate() {
            write!(f, "{}{mistake}", if place == 0 { "" } else { "\n  " })?;
        }
        match self.count - self.first.len() {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

//! Looks through a whole file: what SQLite sees of damage, and what only the histories tell.

use std::fmt;

use super::heads::WrittenHead;
use super::{Step, Tell, chain, heads, store};
use crate::base::error::{Code, Error, Result};
use crate::base::failure::Failure;
use crate::db::{Progress, Reader, Source, tally};

/// After how many events somebody is told.
const TOLD_EVERY: u64 = 1_000;
/// Findings that are kept: one damaged page may have many.
const MOST: usize = 100;

/// How many rows there are of what people ask about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    /// Organizations.
    pub organizations: u32,
    /// Invitations, in every state.
    pub invitations: u32,
    /// Events of all histories.
    pub events: u32,
    /// API keys, revoked ones too.
    pub keys: u32,
    /// Webhooks.
    pub webhooks: u32,
}

/// What is wrong with a file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The first ones, a sentence each.
    pub first: Vec<String>,
    /// How many there are.
    pub count: usize,
}

impl Findings {
    /// Adds one.
    pub(crate) fn add(&mut self, what: String) {
        self.count += 1;
        if self.first.len() < MOST {
            self.first.push(what);
        }
    }

    /// Notes that a part of the file is damaged so that a check could not go on.
    fn note(&mut self, checked: Result<()>) -> Result<()> {
        match checked {
            Err(error) if error.code == Code::StorageCorrupt => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                self.add(format!(
                    "a check could not go on: {}",
                    cause.unwrap_or_default()
                ));
                Ok(())
            }
            checked => checked,
        }
    }
}

/// What a look through a file is asked about histories, besides whether they fit.
#[derive(Debug, Default)]
pub(crate) struct Ask {
    /// Heads that were written down: are they still in their histories?
    pub against: Vec<WrittenHead>,
    /// Whether the heads of today are to be told.
    pub wants_heads: bool,
}

/// What a look through a whole file came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What is in it.
    pub counts: Counts,
    /// What is wrong with it.
    pub findings: Findings,
    /// The counts that are not those of its rows, a sentence each. That is no damage: the file is
    /// served and copied all the same.
    pub miscounts: Vec<String>,
    /// The heads of its histories, where they were asked for.
    pub heads: Vec<WrittenHead>,
    /// The organizations of heads that were written down, and that were deleted since.
    pub deleted: Vec<String>,
    /// Whether the schema is an earlier one, so that histories were not looked at.
    pub is_outdated: bool,
}

/// A walk over events, of which somebody is told now and then.
pub(crate) struct Walk<'a> {
    /// Who is told.
    tell: Tell<'a>,
    /// How far it has come.
    progress: Progress,
}

impl Walk<'_> {
    /// Goes on by an event.
    pub(crate) fn step(&mut self) {
        self.progress.done += 1;
        if self.progress.done.is_multiple_of(TOLD_EVERY) {
            (self.tell)(Step::Comparing(self.progress));
        }
    }
}

/// Looks through the file of `source`, in one moment of it. `tell` is told how far that has come,
/// once it is at the histories.
///
/// # Errors
/// When it cannot be read for another reason than damage.
pub(crate) fn check(
    source: &Source,
    ask: &Ask,
    tell: Tell<'_>,
) -> std::result::Result<Report, Failure> {
    source
        .at_one_moment(|reader| {
            let mut report = Report {
                is_outdated: source.is_outdated(),
                ..Report::default()
            };
            check_file(reader, &mut report)?;
            if !report.is_outdated {
                check_histories(reader, ask, &mut report, tell)?;
            }
            Ok(report)
        })
        .map_err(|error| failed(source, &error))
}

/// Runs the checks that a file of each version has to stand.
fn check_file(reader: &Reader<'_>, report: &mut Report) -> Result<()> {
    let checked = store::check_integrity(reader, &mut report.findings);
    report.findings.note(checked)?;
    let checked = store::check_foreign_keys(reader, &mut report.findings);
    report.findings.note(checked)?;
    let counted = store::count(reader).map(|found| report.counts = found);
    report.findings.note(counted)
}

/// Runs the checks of what the present schema says.
fn check_histories(
    reader: &Reader<'_>,
    ask: &Ask,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<()> {
    let rounds = store::rounds(report.counts.invitations);
    // Each round reads every event, and so does the look at their chains.
    let total = u64::from(report.counts.events) * u64::from(rounds + 1);
    let progress = Progress { done: 0, total };
    let mut walk = Walk { tell, progress };
    let checked = store::check_histories(reader, &mut report.findings, rounds, &mut walk);
    report.findings.note(checked)?;
    let counted = tally::compare(reader).map(|found| {
        report.miscounts = found.iter().map(ToString::to_string).collect();
    });
    report.findings.note(counted)?;
    let heads = ask.wants_heads.then_some(&mut report.heads);
    let checked = chain::check(reader, &mut report.findings, heads, &mut walk);
    report.findings.note(checked)?;
    let compared = heads::compare(reader, &ask.against, report);
    report.findings.note(compared)
}

/// A file cannot be read.
fn failed(source: &Source, error: &Error) -> Failure {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Failure::runtime(
        format!("{}{cause} ({})", error.detail, source.path().display()),
        "nothing was changed; try again",
    )
}

/// In the order of their weight, as a person counts.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invitations {}, organizations {}, events {}, keys {}, webhooks {}",
            self.invitations, self.organizations, self.events, self.keys, self.webhooks
        )
    }
}

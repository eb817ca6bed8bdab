//! `invited config check`: everything that `serve` would refuse in the settings, at once.

use std::collections::BTreeSet;

use clap::CommandFactory;
use serde::Serialize;

use crate::base::alike::{alike, slip};
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::cli::arguments::{complete, known_variables};
use crate::cli::format::OutputArgs;
use crate::cli::{Cli, database};
use crate::config::Settings;
use crate::config::sources::{Source, Sources, names_flag, no_setting, unknown_variables};
use crate::config::tls::{is_unseen, unseen};
use crate::server::Tls;

/// What was found.
#[derive(Serialize)]
struct Report {
    /// Whether nothing is wrong.
    ok: bool,
    /// What `serve` would refuse.
    problems: Vec<Problem>,
    /// What it would take, and tell of.
    notes: BTreeSet<String>,
}

/// Something that `serve` would refuse.
#[derive(Serialize)]
struct Problem {
    /// What is wrong.
    what: String,
    /// What to do about it.
    hint: String,
}

/// Runs the command.
pub(super) fn run(
    settings: &Settings,
    output: OutputArgs,
    sources: &Sources,
) -> Result<(), Failure> {
    let problems = problems(settings, sources);
    let report = Report {
        ok: problems.is_empty(),
        problems: problems.iter().map(problem).collect(),
        notes: notes(settings, sources),
    };
    output.print(|| text(&report, sources), &report)?;
    match problems.len() {
        0 => Ok(()),
        1 => Err(Failure::usage("a setting is wrong", "see above")),
        count => Err(Failure::usage(
            format!("{count} settings are wrong"),
            "see above",
        )),
    }
}

/// Everything that is wrong. What only follows from a value that is refused itself is left out.
fn problems(settings: &Settings, sources: &Sources) -> Vec<Failure> {
    let mut problems = sources.failures.clone();
    let mut found = settings.problems(&database(settings.database.clone()), Mode::Serve);
    found.extend(check_certificate(settings).err());
    let is_own = |failure: &Failure| {
        let refused = sources.refused.iter();
        let mut named = refused.filter(|key| names_flag(failure.what(), key));
        named.next().is_none()
    };
    problems.extend(
        found
            .into_iter()
            .filter(is_own)
            .map(|failure| sources.explain(failure)),
    );
    problems
}

/// Checks the certificate and its key, and that somebody sees them.
fn check_certificate(settings: &Settings) -> Result<(), Failure> {
    match settings.tls.files()? {
        Some(_) if is_unseen(&settings.places_with_tls()) => Err(unseen()),
        Some(files) => Tls::load(files).map(drop),
        None => Ok(()),
    }
}

/// A failure as programs read it.
fn problem(failure: &Failure) -> Problem {
    Problem {
        what: failure.what().to_owned(),
        hint: failure.hint().to_owned(),
    }
}

/// What is taken, and told of. A start tells only of those variables that are surely slips.
fn notes(settings: &Settings, sources: &Sources) -> BTreeSet<String> {
    let known = known_variables(&complete(Cli::command()));
    let names = || known.iter().map(String::as_str);
    let unknown = unknown_variables(&known).map(|name| {
        let meant = slip(&name, names()).or_else(|| alike(&name, names()));
        no_setting(&name, meant)
    });
    let told = sources.notes.iter().cloned();
    told.chain(unknown).chain(settings.plain_links()).collect()
}

/// The report for people.
fn text(report: &Report, sources: &Sources) -> String {
    let mut text = String::new();
    for Problem { what, hint } in &report.problems {
        text += &format!("BAD   {what}\n      hint: {hint}\n");
    }
    for note in &report.notes {
        text += &format!("note  {note}\n");
    }
    if report.ok {
        let count = |is_one: fn(&Source) -> bool| {
            let settings = sources.settings.iter();
            settings.filter(|setting| is_one(&setting.source)).count()
        };
        text += &format!(
            "ok    settings by flags: {}, by variables: {}, by the file: {}\n",
            count(|source| matches!(source, Source::Flag)),
            count(|source| matches!(source, Source::Variable(_))),
            count(|source| matches!(source, Source::File(..))),
        );
    }
    text
}

//! `invited verify`: looks through a data file or a backup.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::format::{Format, OutputArgs};
use super::progress::Display;
use super::stdout;
use crate::backup::verify::{self, Ask, Report};
use crate::backup::{self, Step, heads, part};
use crate::base::failure::Failure;
use crate::db::{Source, tally, write_file};

/// What is looked through.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// A backup; none: the data file
    #[arg(value_name = "FILE", conflicts_with = "database")]
    file: Option<PathBuf>,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// Write the heads of all histories into a file, to be kept elsewhere; - for stdout
    #[arg(long, value_name = "HEADS")]
    heads: Option<PathBuf>,
    /// Check that the heads in this file are still in their histories
    #[arg(long, value_name = "HEADS")]
    against: Option<PathBuf>,
    /// Count the rows anew that `/metrics` shows, where another program has changed some
    #[arg(long, conflicts_with = "file")]
    recount: bool,
    /// How to print what was found.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: VerifyArgs) -> Result<(), Failure> {
    if args.output.output == Format::Json && is_stdout(args.heads.as_deref()) {
        return Err(Failure::usage(
            "--output json prints to stdout, and so does --heads -",
            "name a file for the heads",
        ));
    }
    if is_stdout(args.heads.as_deref()) {
        stdout::check("the heads")?;
    }
    backup::give_way();
    let against = args.against.as_deref().map(heads::read).transpose()?;
    let ask = Ask {
        against: against.unwrap_or_default(),
        wants_heads: args.heads.is_some(),
    };
    // What was just compared may be brought up to date; nothing else is replaced.
    let may_replace = args.heads == args.against;
    if let Some(path) = &args.heads
        && !may_replace
        && path.exists()
    {
        return Err(Failure::runtime(
            format!("{} is there already", path.display()),
            "name another file, or the same file with --against",
        ));
    }
    let source = match args.file {
        Some(file) => Source::open_backup(&file)?,
        None => Source::open(&super::database(args.database))?,
    };
    if args.recount {
        write_file(source.path(), tally::recount)?;
    }
    let mut display = Display::new();
    display.show(Step::Checking);
    let report = verify::check(&source, &ask, &mut |step| display.show(step))?;
    drop(display);
    check_heads(source.path(), &report, &ask)?;
    if let Some(failure) = failure(source.path(), &report, &ask) {
        args.output
            .print(|| told(&report, &ask), &shown(&source, &report, &ask))?;
        return Err(failure);
    }
    let written = heads::lines(&report.heads)?;
    match args.heads.as_deref() {
        place if is_stdout(place) => {
            // A closed stderr does not make the file a worse one.
            let _ = io::stderr().write_all(told(&report, &ask).as_bytes());
            return super::print(&written);
        }
        Some(place) => part::write_private(place, &written, heads::MAGIC, may_replace)?,
        None => {}
    }
    args.output
        .print(|| told(&report, &ask), &shown(&source, &report, &ask))
}

/// What the command fails with, by what was found in the file at `path`; none: nothing is wrong.
fn failure(path: &Path, report: &Report, ask: &Ask) -> Option<Failure> {
    match (report.findings.count, report.miscounts.len()) {
        (0, 0) => None,
        (0, counts) => Some(backup::miscounted(path, counts)),
        (count, _) if ask.against.is_empty() => Some(backup::damaged(path, count)),
        (count, _) => Some(backup::differs(path, count)),
    }
}

/// Whether the heads go to stdout.
fn is_stdout(heads: Option<&Path>) -> bool {
    heads.is_some_and(|place| place.as_os_str() == "-")
}

/// Makes sure that the heads that are asked for were looked at: nobody looks at the histories of a
/// file of an earlier version.
fn check_heads(path: &Path, report: &Report, ask: &Ask) -> Result<(), Failure> {
    let asks = ask.wants_heads || !ask.against.is_empty();
    if !(report.is_outdated && asks) {
        return Ok(());
    }
    Err(Failure::runtime(
        format!("{} is of an earlier version", path.display()),
        "heads are written and compared by the version that made it, or once the file is brought up \
         to date",
    ))
}

/// What was found, for programs.
fn shown(source: &Source, report: &Report, ask: &Ask) -> serde_json::Value {
    json!({
        "file": source.path().to_string_lossy(),
        "ok": report.findings.count == 0 && report.miscounts.is_empty(),
        "counts": report.counts,
        "findings": report.findings.first.iter().chain(&report.miscounts).collect::<Vec<_>>(),
        "findingsTotal": report.findings.count + report.miscounts.len(),
        "headsCompared": ask.against.len(),
        "deletedOrganizations": report.deleted,
        "schemaVersion": source.schema_version(),
    })
}

/// What was found, for people.
fn told(report: &Report, ask: &Ask) -> String {
    if report.findings.count > 0 || !report.miscounts.is_empty() {
        return lines(report.findings.first.iter().chain(&report.miscounts));
    }
    let deleted = report
        .deleted
        .iter()
        .map(|organization| format!("{organization} was deleted since its head was written down"));
    let outdated = report.is_outdated.then_some(
        "the file is of an earlier version: histories are compared once it is brought up to date",
    );
    let compared = (!ask.against.is_empty())
        .then(|| format!("heads that were compared: {}", ask.against.len()));
    lines(deleted)
        + &lines(compared.into_iter())
        + &lines(outdated.into_iter())
        + &format!("ok: {}\n", report.counts)
}

/// Texts as lines.
fn lines(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    texts.map(|text| format!("{}\n", text.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_earlier_file_it_is_said_that_histories_wait_and_heads_are_refused() {
        let report = |is_outdated| Report {
            is_outdated,
            ..Report::default()
        };
        let counts = "ok: invitations 0, organizations 0, events 0, keys 0, webhooks 0\n";
        assert_eq!(told(&report(false), &Ask::default()), counts);
        let later = "the file is of an earlier version: histories are compared once it is brought up \
                     to date\n";
        assert_eq!(
            told(&report(true), &Ask::default()),
            format!("{later}{counts}")
        );
        let (path, wants) = (Path::new("a.db"), |wants_heads| Ask {
            wants_heads,
            ..Ask::default()
        });
        assert_eq!(check_heads(path, &report(false), &wants(true)), Ok(()));
        assert_eq!(check_heads(path, &report(true), &wants(false)), Ok(()));
        let refused = check_heads(path, &report(true), &wants(true)).expect_err("it is older");
        assert_eq!(refused.what(), "a.db is of an earlier version");
    }
}

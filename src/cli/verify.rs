//! `invited verify`: looks through a data file or a backup.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::format::OutputArgs;
use super::progress::Display;
use crate::backup::verify::{self, Ask, Report};
use crate::backup::{self, Step, heads, part};
use crate::base::failure::Failure;
use crate::db::Source;

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
    /// How to print what was found.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: VerifyArgs) -> Result<(), Failure> {
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
        return Err(Failure::usage(
            format!("{} is there already", path.display()),
            "name another file, or the same file with --against",
        ));
    }
    let source = match args.file {
        Some(file) => Source::open_backup(&file)?,
        None => Source::open(&super::database(args.database))?,
    };
    let mut display = Display::new();
    display.show(Step::Checking);
    let report = verify::check(&source, &ask)?;
    drop(display);
    if report.findings.count > 0 {
        args.output
            .print(|| told(&report), &shown(&source, &report))?;
        return Err(backup::damaged(source.path(), report.findings.count));
    }
    let written = heads::lines(&report.heads)?;
    match args.heads.as_deref() {
        Some(place) if place.as_os_str() == "-" => {
            // A closed stderr does not make the file a worse one.
            let _ = io::stderr().write_all(told(&report).as_bytes());
            return super::print(&written);
        }
        Some(place) => part::write_private(place, &written, may_replace)?,
        None => {}
    }
    args.output
        .print(|| told(&report), &shown(&source, &report))
}

/// What was found, for programs.
fn shown(source: &Source, report: &Report) -> serde_json::Value {
    json!({
        "file": source.path().to_string_lossy(),
        "ok": report.findings.count == 0,
        "counts": report.counts,
        "findings": report.findings.first,
        "findingsTotal": report.findings.count,
        "deletedOrganizations": report.deleted,
    })
}

/// What was found, for people.
fn told(report: &Report) -> String {
    if report.findings.count > 0 {
        return lines(report.findings.first.iter());
    }
    let deleted = report
        .deleted
        .iter()
        .map(|organization| format!("{organization} was deleted since its head was written down"));
    lines(deleted) + &format!("ok: {}\n", report.counts)
}

/// Texts as lines.
fn lines(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    texts.map(|text| format!("{}\n", text.as_ref())).collect()
}

//! `invited export`: organizations with their invitations and histories as text, also while a server
//! runs.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::format::{Format, OutputArgs};
use super::progress::Display;
use super::stdout;
use crate::backup::part::{Part, cannot_write};
use crate::backup::{self, Product};
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, Source};
use crate::key::new::parse_organization;
use crate::transfer::Counts;
use crate::transfer::export::{self, ExportError};

/// Exports.
const EXPORT: Product = Product {
    name: "export",
    hint: "nothing was changed; name another file",
    is_one: export::is_one,
};
/// What an export does not have.
const MISSING: [&str; 6] = [
    "API keys",
    "webhooks",
    "the secret",
    "mail",
    "stored answers",
    "the history of the server",
];

/// What is exported, and where to.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// File of the export, or - for stdout
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only these organizations, by comma or repeated; none: all
    #[arg(long = "organization", value_name = "ID,...", value_delimiter = ',',
        value_parser = parse_organization)]
    organizations: Vec<OrganizationId>,
    /// Replace an export that is there
    #[arg(long)]
    force: bool,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// How to print what was exported.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: &ExportArgs) -> Result<(), Failure> {
    let source = Source::open(&super::database(args.database.clone()))?;
    if source.is_outdated() {
        return Err(Failure::runtime(
            format!("{} is of an earlier version", source.path().display()),
            "export it by the version that made it, or bring it up to date with `invited migrate`",
        ));
    }
    if args.file.as_os_str() == "-" {
        return to_stdout(&source, args);
    }
    backup::check_place(&source, &args.file, args.force, &EXPORT)?;
    let part = Part::begin(&args.file)?;
    let failed = |error: io::Error| cannot_write(&args.file, &error);
    part.file().set_len(0).map_err(failed)?;
    let counts = write(&source, args, BufWriter::new(part.file()))?;
    part.file().sync_all().map_err(failed)?;
    part.finish(&args.file, args.force)?;
    let shown = json!({
        "file": args.file.to_string_lossy(),
        "counts": counts,
        "missing": MISSING,
    });
    args.output.print(|| told(&args.file, counts), &shown)
}

/// Writes an export to stdout, and what is told of it to stderr.
fn to_stdout(source: &Source, args: &ExportArgs) -> Result<(), Failure> {
    if args.output.output == Format::Json {
        return Err(Failure::usage(
            "--output json prints to stdout, and so does the export",
            "name a file",
        ));
    }
    stdout::check("the export")?;
    let counts = write(source, args, BufWriter::new(io::stdout().lock()))?;
    // A closed stderr does not make the export a worse one.
    let _ = io::stderr().write_all(told(Path::new("stdout"), counts).as_bytes());
    Ok(())
}

/// Writes what is asked for to `output`.
fn write(source: &Source, args: &ExportArgs, output: impl Write) -> Result<Counts, Failure> {
    let mut display = Display::new();
    let written = source.at_one_moment(|reader| {
        let total = total(reader, &args.organizations)?;
        let mut tell = |done| display.show_records("exporting", done, total);
        Ok(export::write(
            reader,
            &args.organizations,
            output,
            &mut tell,
        ))
    });
    drop(display);
    match written {
        Ok(Ok(counts)) => Ok(counts),
        Ok(Err(ExportError::Target(error))) => Err(cannot_write(&args.file, &error)),
        Ok(Err(ExportError::Unknown(id))) => Err(Failure::runtime(
            format!("there is no organization {id}"),
            "name one that is there: ids are case-sensitive",
        )),
        Ok(Err(ExportError::Source(error))) | Err(error) => Err(unreadable(source, &error)),
    }
}

/// How many records an export of the organizations `only` has, or where that is empty one of all.
/// Nobody has counted the records of some organizations: then it is none.
fn total(reader: &Reader<'_>, only: &[OrganizationId]) -> Result<Option<u64>, Error> {
    if !only.is_empty() {
        return Ok(None);
    }
    let counts = backup::store::count(reader)?;
    let parts = [counts.organizations, counts.invitations, counts.events];
    Ok(Some(parts.map(u64::from).iter().sum()))
}

/// The data file cannot be read.
fn unreadable(source: &Source, error: &Error) -> Failure {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Failure::runtime(
        format!("{}{cause} ({})", error.detail, source.path().display()),
        "`invited verify` names all that is wrong with a file",
    )
}

/// What a person has to know of an export.
fn told(place: &Path, counts: Counts) -> String {
    format!(
        "{}: {counts}\nnot in it: {}\nopen links work elsewhere only with a copy of the secret; \
         without one, send the invitations again\n",
        place.display(),
        MISSING.join(", ")
    )
}

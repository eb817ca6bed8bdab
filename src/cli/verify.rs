//! `invited verify`: looks through a data file or a backup.

use std::path::PathBuf;

use clap::Args;

use super::progress::Display;
use crate::backup::verify::{self, Report};
use crate::backup::{self, Step};
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
}

/// Runs the command.
pub(crate) fn run(args: VerifyArgs) -> Result<(), Failure> {
    backup::give_way();
    let source = match args.file {
        Some(file) => Source::open_backup(&file)?,
        None => Source::open(&super::database(args.database))?,
    };
    let mut display = Display::new();
    display.show(Step::Checking);
    let Report { counts, findings } = verify::check(&source)?;
    drop(display);
    if findings.count == 0 {
        return super::print(&format!("ok: {counts}\n"));
    }
    let lines: String = findings
        .first
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect();
    super::print(&lines)?;
    Err(backup::damaged(source.path(), findings.count))
}

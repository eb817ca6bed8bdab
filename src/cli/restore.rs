//! `invited restore`: a backup in the place of the data file.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::format::OutputArgs;
use super::progress::Display;
use crate::backup::restore::{Restored, restore};
use crate::base::failure::Failure;
use crate::config;
use crate::db::Replacement;

/// What is restored.
#[derive(Args, Debug)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do not ask for the secret of the backup: then the next start needs --new-secret, too
    #[arg(long)]
    new_secret: bool,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// File with the secret [default: the data file's name with .secret]
    #[arg(long, env = "INVITED_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How to print what was restored.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: RestoreArgs) -> Result<(), Failure> {
    let database = crate::db::resolve(&super::database(args.database.clone()))?;
    // What is said wrongly is refused before anything is made.
    let secrets = config::secret_source(args.secret_file.as_deref(), &database)?;
    let place = Replacement::claim(&super::database(args.database))?;
    let mut display = Display::new();
    let restored = restore(&args.file, place, &secrets, args.new_secret, &mut |step| {
        display.show(step);
    });
    drop(display);
    let Restored {
        counts,
        before,
        secret,
    } = restored?;
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    let shown = json!({
        "file": path(&database),
        "counts": counts,
        "before": before.as_ref().map(path),
        "secret": secret.as_ref().map(path),
    });
    let told = || {
        let mut told = format!("{}: {counts}\n", database.display());
        told.extend(before.map(|path| format!("the file before is {}\n", path.display())));
        told.extend(secret.map(|path| format!("its secret is {}\n", path.display())));
        told
    };
    args.output.print(told, &shown)
}

//! `invited backup`: a copy of the data file, also while a server runs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::HumanBytes;
use serde_json::json;

use super::format::{Format, OutputArgs};
use super::progress::Display;
use super::stdout;
use crate::backup::{self, Made};
use crate::base::failure::Failure;
use crate::config;
use crate::db::Source;
use crate::secret;

/// Where the copy goes.
#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    /// File of the backup, or - for stdout
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a backup that is there
    #[arg(long)]
    force: bool,
    /// Put a copy of the secret beside the backup, as FILE.secret
    #[arg(long)]
    with_secret: bool,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// File with the secret [default: the data file's name with .secret]
    #[arg(long, env = "INVITED_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How to print what was copied.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: &BackupArgs) -> Result<(), Failure> {
    let source = Source::open(&super::database(args.database.clone()))?;
    if args.file.as_os_str() == "-" {
        return to_stdout(&source, args);
    }
    let secret = if args.with_secret {
        let secret = config::secret_source(args.secret_file.as_deref(), source.path())?;
        Some(secret::start::text_of(&source, &secret)?)
    } else {
        None
    };
    let mut display = Display::new();
    let made = backup::make(
        &source,
        &args.file,
        secret.as_deref(),
        args.force,
        &mut |step| display.show(step),
    )?;
    drop(display);
    let shown = json!({
        "file": args.file.to_string_lossy(),
        "bytes": made.bytes,
        "counts": made.counts,
        "hasSecret": secret.is_some(),
    });
    let told = || told(&args.file, &made, secret.is_some());
    args.output.print(told, &shown)
}

/// Writes a backup to stdout, and what is told of it to stderr.
fn to_stdout(source: &Source, args: &BackupArgs) -> Result<(), Failure> {
    if args.output.output == Format::Json {
        return Err(Failure::usage(
            "--output json prints to stdout, and so does the backup",
            "name a file",
        ));
    }
    if args.with_secret {
        return Err(Failure::usage(
            "--with-secret puts the secret beside a file, and stdout is none",
            "name a file, or copy the secret yourself",
        ));
    }
    stdout::check("the backup")?;
    let mut display = Display::new();
    let made = backup::make_to(source, &mut io::stdout().lock(), &mut |step| {
        display.show(step);
    })?;
    drop(display);
    // A closed stderr does not make the backup a worse one.
    let _ = write!(io::stderr(), "{}", told(Path::new("stdout"), &made, false));
    Ok(())
}

/// What a person has to know of a backup.
fn told(place: &Path, made: &Made, has_secret: bool) -> String {
    let secret = if has_secret {
        format!(
            "the secret is beside it, in {}.secret: whoever has both can open invitations\n",
            place.display()
        )
    } else {
        "the secret is not in it: keep a copy of that elsewhere\n".to_owned()
    };
    format!(
        "{}: {}, {}\n{secret}",
        place.display(),
        HumanBytes(made.bytes),
        made.counts
    )
}

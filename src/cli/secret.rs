//! `invited secret`: the secret from which links and codes are derived, changed beside a running
//! server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::format::OutputArgs;
use crate::base::clock::{Clock, Timestamp};
use crate::base::duration;
use crate::base::failure::Failure;
use crate::config;
use crate::secret::rotate::rotate;
use crate::secret::start::KEEP_SECONDS;

/// The longest that an earlier secret verifies: as long as an invitation can be pending.
const MAX_KEEP_SECONDS: i64 = 365 * 24 * 60 * 60;

/// What to do with the secret.
#[derive(Args, Debug)]
pub(crate) struct SecretArgs {
    /// What to do.
    #[command(subcommand)]
    command: SecretCommand,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE", global = true)]
    database: Option<PathBuf>,
    /// File with the secret [default: the data file's name with .secret]
    #[arg(long, env = "INVITED_SECRET_FILE", value_name = "FILE", global = true)]
    secret_file: Option<PathBuf>,
}

/// What to do with the secret.
#[derive(Subcommand, Debug)]
enum SecretCommand {
    /// Put a new secret in front, which signs once the server is restarted; the one before verifies
    /// for a while
    Rotate(RotateArgs),
}

/// For how long the secret before verifies.
#[derive(Args, Debug)]
struct RotateArgs {
    /// How long links and codes by the secret before work, as 12h or 30d, at most 365d [default:
    /// 30d]
    #[arg(long, value_name = "DURATION", value_parser = parse_keep, conflicts_with = "until")]
    keep_old: Option<i64>,
    /// Until when they work, as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_until)]
    until: Option<Timestamp>,
    /// How to print what was changed.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: SecretArgs) -> Result<(), Failure> {
    let database = super::database(args.database);
    let source = config::secret_source(args.secret_file.as_deref(), &database)?;
    let SecretCommand::Rotate(RotateArgs {
        keep_old,
        until,
        output,
    }) = args.command;
    let kept_until = || {
        Clock::System
            .now()
            .plus_seconds(keep_old.unwrap_or(KEEP_SECONDS))
    };
    let until = until.unwrap_or_else(kept_until);
    let path = rotate(&database, &source, until)?;
    let told = || {
        format!(
            "a new secret is the first in {}: keep a copy of the file\n\
         restart the server to sign with it; links and codes by the one before work until \
         {until}\n",
            path.display()
        )
    };
    let shown = json!({ "file": path.to_string_lossy(), "until": until });
    output.print(told, &shown)
}

/// Reads for how many seconds the secret before verifies.
fn parse_keep(text: &str) -> Result<i64, String> {
    let range = 0..=MAX_KEEP_SECONDS.unsigned_abs();
    let keep = duration::parse_within(text, range, "from 0s to 365d")?;
    Ok(i64::try_from(keep.as_secs()).unwrap_or(MAX_KEEP_SECONDS))
}

/// Reads until when the secret before verifies.
fn parse_until(text: &str) -> Result<Timestamp, String> {
    let now = Clock::System.now();
    let until = Timestamp::parse(text)
        .filter(|&until| (now..=now.plus_seconds(MAX_KEEP_SECONDS)).contains(&until));
    until.ok_or_else(|| "a time from now to 365d from now, as 2027-01-31T00:00:00Z".to_owned())
}

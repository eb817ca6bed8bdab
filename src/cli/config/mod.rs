//! `invited config`: the settings of a server, shown, checked and begun.

mod check;
mod init;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::format::OutputArgs;
use crate::base::failure::Failure;
use crate::config::Settings;
use crate::config::sources::Sources;

/// What to do with settings.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    command: ConfigCommand,
}

/// What to do with settings.
#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Show each setting of `serve`: its value, and whether a flag, a variable or a line of the
    /// file gave it; secrets are not shown
    Show(Box<SettingsArgs>),
    /// Look for everything in the settings that `serve` would refuse
    Check(Box<SettingsArgs>),
    /// Print a configuration file with every setting and its default
    Init(InitArgs),
}

/// The settings that are meant.
#[derive(Args, Debug)]
struct SettingsArgs {
    /// Those of a server.
    #[command(flatten)]
    settings: Settings,
    /// How to print them.
    #[command(flatten)]
    output: OutputArgs,
}

/// Where the new file goes.
#[derive(Args, Debug)]
struct InitArgs {
    /// File to make; none: print to stdout
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "file")]
    force: bool,
}

impl ConfigArgs {
    /// Whether the command itself tells of values that are wrong.
    pub(super) fn tells_failures(&self) -> bool {
        matches!(self.command, ConfigCommand::Check(_))
    }
}

/// Runs the command.
pub(super) fn run(args: ConfigArgs, sources: &Sources) -> Result<(), Failure> {
    match args.command {
        ConfigCommand::Show(args) => show::run(args.output, sources),
        ConfigCommand::Check(args) => check::run(&args.settings, args.output, sources),
        ConfigCommand::Init(args) => init::run(args.file.as_deref(), args.force),
    }
}

//! The command line: one file a subcommand.

mod arguments;
mod audit;
mod backup;
mod banner;
mod completions;
mod config;
mod dev;
mod doctor;
mod export;
mod format;
mod groups;
mod healthcheck;
mod hints;
mod import;
mod key;
pub(crate) mod listen;
mod log_line;
mod login;
mod mail;
mod man;
mod migrate;
mod openapi;
mod output;
mod progress;
mod reference;
mod restore;
mod secret;
mod serve;
mod status;
mod stdout;
mod verify;
mod version;
mod webhook;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::base::failure::Failure;
use crate::config::log::Format;
use crate::config::sources::Sources;
use crate::config::{DevSettings, Settings};

pub use output::start_logging;

/// Where the data file is when nothing says otherwise.
const DEFAULT_DATABASE: &str = "invited-data/invited.db";

/// How one begins.
const EXAMPLES: &str = "\
Examples:
  invited dev                          try it: samples, a mailbox and a console, without a key
  invited serve --public-url https://invites.example.com --smtp-url smtps://mail.example.com
  invited key create --name app        a key for an application
  invited backup /backups/today.db     a copy of the data file, also while a server runs";

/// Organization invitations as one binary with one SQLite file
#[derive(Parser, Debug)]
#[command(
    name = "invited",
    version,
    about,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// What to do; nothing: serve.
    #[command(subcommand)]
    command: Option<Command>,
    /// The settings of a server that is started without a subcommand.
    #[command(flatten)]
    settings: Settings,
}

/// What to do.
#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the API (what `invited` alone does, too)
    Serve(Box<Settings>),
    /// Serve sample data to this machine only, without keys, from a temporary file
    Dev(Box<DevSettings>),
    /// End the command of a server for development when the server is gone: the server starts this
    #[command(hide = true)]
    EndWith,
    /// Make, list and revoke API keys, also while a server runs
    Key(key::KeyArgs),
    /// List what was done to the server: keys, webhooks, deletions, erasures, logins
    Audit(audit::AuditArgs),
    /// Print a link that signs in to the console once, within ten minutes
    Login(login::LoginArgs),
    /// Sign everybody out of the console
    Logout(login::LogoutArgs),
    /// Copy the data file, also while a server runs
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the data file, while no server runs
    Restore(restore::RestoreArgs),
    /// Write organizations with their invitations as text, also while a server runs
    Export(export::ExportArgs),
    /// Put an export or a seed into the data file, while no server runs
    Import(import::ImportArgs),
    /// Bring the data file of an earlier version up to date, or try that on a copy
    Migrate(migrate::MigrateArgs),
    /// Look for damage in the data file or a backup, and compare every invitation with its history
    Verify(verify::VerifyArgs),
    /// Change the secret from which links and codes are derived
    Secret(secret::SecretArgs),
    /// Try how mail leaves
    Mail(mail::MailArgs),
    /// Hand events on to an application on this machine, while it is being developed
    Webhook(webhook::WebhookArgs),
    /// Show, check or begin the settings of a server
    Config(config::ConfigArgs),
    /// Look for what is wrong with a server, also while it runs
    Doctor(Box<doctor::DoctorArgs>),
    /// Say what runs, on which file, and how much is in it
    Status(Box<status::StatusArgs>),
    /// Ask a server whether it takes requests: exit code 0 if it does
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print an OpenAPI document
    Openapi {
        /// Which one: of the API, of what only `dev` has, of the pages, or of the ClickHouse Cloud
        /// dialect
        #[arg(long, value_enum, default_value = "api")]
        part: crate::api::openapi::Part,
    },
    /// Print what a shell needs to complete commands
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(man::ManArgs),
    /// Print which program this is
    Version(version::VersionArgs),
}

/// Runs what the command line asks for. Returns the exit code of what is done.
///
/// # Errors
/// What the person at the terminal has to know.
pub fn run() -> Result<ExitCode, Failure> {
    let (cli, sources) = arguments::read();
    let refused = sources.failures.first().filter(|_| !cli.tells_failures());
    let tells_records = cli.tells_records();
    let outcome = match refused {
        Some(failure) => Err(failure.clone()),
        None => cli
            .run(&sources)
            .map_err(|failure| sources.explain(failure)),
    };
    match outcome {
        Err(failure) if tells_records => {
            tell(banner::refusal(&failure));
            Ok(ExitCode::from(failure.exit_code()))
        }
        outcome => outcome,
    }
}

impl Cli {
    /// Whether the command itself tells of values that are wrong.
    fn tells_failures(&self) -> bool {
        matches!(&self.command, Some(Command::Config(args)) if args.tells_failures())
    }

    /// Whether it is a server whose log is read by programs, which read why it ended there.
    fn tells_records(&self) -> bool {
        let settings = match &self.command {
            None => &self.settings,
            Some(Command::Serve(settings)) => settings,
            Some(Command::Dev(settings)) => &settings.server,
            Some(_) => return false,
        };
        settings.log.log_format == Format::Json
    }

    /// Runs the command.
    fn run(self, sources: &Sources) -> Result<ExitCode, Failure> {
        match self.command {
            // It may end as the command that it runs.
            Some(Command::Dev(settings)) => return dev::run(&settings, sources),
            None => serve::run(self.settings, sources),
            Some(Command::Serve(settings)) => serve::run(*settings, sources),
            Some(Command::EndWith) => dev::watcher::run(),
            Some(Command::Key(args)) => key::run(args),
            Some(Command::Audit(args)) => audit::run(args),
            Some(Command::Login(args)) => login::login(args),
            Some(Command::Logout(args)) => login::logout(args),
            Some(Command::Backup(args)) => backup::run(&args),
            Some(Command::Restore(args)) => restore::run(args),
            Some(Command::Export(args)) => export::run(&args),
            Some(Command::Import(args)) => import::run(&args),
            Some(Command::Migrate(args)) => migrate::run(args),
            Some(Command::Verify(args)) => verify::run(args),
            Some(Command::Secret(args)) => secret::run(args),
            Some(Command::Mail(args)) => mail::run(args),
            Some(Command::Webhook(args)) => webhook::run(args),
            Some(Command::Config(args)) => config::run(args, sources),
            Some(Command::Doctor(args)) => doctor::run(*args, sources),
            Some(Command::Status(args)) => status::run(*args),
            Some(Command::Healthcheck(args)) => healthcheck::run(args),
            Some(Command::Openapi { part }) => openapi::run(part),
            Some(Command::Completions(args)) => completions::run(&args),
            Some(Command::Man(args)) => man::run(args),
            Some(Command::Version(args)) => version::run(&args),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// The data file that is meant: the one that is named, or the default one.
fn database(named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(|| PathBuf::from(DEFAULT_DATABASE))
}

/// Prints an error to stderr.
pub fn print_error(failure: &Failure) {
    tell(format!("invited: {failure}\n"));
}

/// Prints `line` to stderr. Where even that is impossible, the exit code has to do: a pipe that
/// nobody reads is waited for no longer than a second.
fn tell(line: String) {
    let (written, is_written) = mpsc::channel();
    thread::spawn(move || drop(written.send(io::stderr().write_all(line.as_bytes()))));
    let _ = is_written.recv_timeout(Duration::from_secs(1));
}

/// Prints to stdout. A reader that has gone away, as `head` does, is no error.
fn print(text: &str) -> Result<(), Failure> {
    match write_out(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(cannot_print(&error)),
        _ => Ok(()),
    }
}

/// Prints to stdout what cannot be shown again: a reader that has gone away has not got it.
fn deliver(text: &str) -> Result<(), Failure> {
    write_out(text).map_err(|error| cannot_print(&error))
}

/// Writes all of `text` to stdout.
fn write_out(text: &str) -> io::Result<()> {
    io::stdout().write_all(text.as_bytes())?;
    io::stdout().flush()
}

/// Stdout cannot be written.
fn cannot_print(error: &io::Error) -> Failure {
    let what = format!("cannot print ({error})");
    Failure::runtime(what, "check where the output goes")
}

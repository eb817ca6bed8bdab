//! `invited mail`: how mail leaves, tried before it matters.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::format::{Format, OutputArgs};
use crate::base::email::{Email, Hosts};
use crate::base::failure::Failure;
use crate::base::roots::Roots;
use crate::config;
use crate::config::mail::{Hidden, SmtpSettings};
use crate::mail::transport::{Smtp, address};
use crate::mail::{trial, webhook};

/// What to do with mail.
#[derive(Args, Debug)]
pub(crate) struct MailArgs {
    /// What to do.
    #[command(subcommand)]
    command: MailCommand,
}

/// What to do with mail.
#[derive(Subcommand, Debug)]
enum MailCommand {
    /// Send a mail to an address, and tell of each step
    Test(Box<TestArgs>),
    /// Print the secret by which requests to --mail-webhook are signed
    Secret(SecretArgs),
}

/// Whose secret is meant.
#[derive(Args, Debug)]
struct SecretArgs {
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// File with the secret of the server [default: the data file's name with .secret]
    #[arg(long, env = "INVITED_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// Whom to send a mail to, and how.
#[derive(Args, Debug)]
struct TestArgs {
    /// Whom the mail goes to
    #[arg(value_name = "ADDRESS", value_parser = parse_address)]
    to: Email,
    /// By which server it leaves
    #[command(flatten)]
    smtp: SmtpSettings,
    /// Not tried: this command tries a mail server only
    #[arg(
        long,
        env = "INVITED_MAIL_WEBHOOK",
        hide_env_values = true,
        value_name = "URL"
    )]
    mail_webhook: Option<Hidden>,
    /// PEM file with the certificates of your own authorities, trusted besides the well-known ones
    #[arg(long, env = "INVITED_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How to print the steps: as JSON, once all are done.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: MailArgs) -> Result<(), Failure> {
    match args.command {
        MailCommand::Test(args) => test(&args),
        MailCommand::Secret(args) => secret(&args),
    }
}

/// Prints the secret of the mail webhook, and nothing else.
fn secret(args: &SecretArgs) -> Result<(), Failure> {
    super::stdout::check("the secret")?;
    let database = super::database(args.database.clone());
    let source = config::secret_source(args.secret_file.as_deref(), &database)?;
    let loaded = source.load(false)?.ok_or_else(|| {
        let hint = "start the server once, or name its data file (--database)";
        Failure::runtime("there is no secret of a server yet", hint)
    })?;
    super::print(&format!("{}\n", webhook::reveal(&loaded.signing)))
}

/// Sends a mail, and tells of each step.
fn test(args: &TestArgs) -> Result<(), Failure> {
    args.smtp.check_tokens()?;
    let server = args.smtp.server()?;
    if server.is_none() && args.mail_webhook.is_some() {
        let hint = "to try --mail-webhook, invite an address of your own; to try a mail server, \
            give --smtp-url";
        let what = "this command tries a mail server only, and --mail-webhook is none";
        return Err(Failure::usage(what, hint));
    }
    let (Some(server), Some(sender)) = (server, &args.smtp.mail_from) else {
        let hint = "give the settings of the server: --smtp-url and --mail-from";
        return Err(Failure::usage("no mail server is named", hint));
    };
    let roots = args.ca_file.as_deref().map(Roots::load).transpose()?;
    let roots = roots.unwrap_or_default();
    let smtp = Smtp::new(server, address(&sender.address), &roots)?;
    let is_text = args.output.output == Format::Text;
    let (mut failed, mut steps) = (Ok(()), Vec::new());
    let mut tell = |step: &str, what: &str| {
        if is_text {
            let printed = super::print(&format!("{step:<10} {what}\n"));
            failed = std::mem::replace(&mut failed, Ok(())).and(printed);
        }
        steps.push(json!({ "step": step, "what": what }));
    };
    let sent = trial::run(&smtp, sender, &args.to, &roots, &mut tell);
    // The steps before the one that failed, too.
    args.output.print(String::new, &steps)?;
    sent.and(failed)
}

/// Reads an address.
fn parse_address(text: &str) -> Result<Email, String> {
    Email::parse(text, Hosts::SingleLabelToo).map_err(|(_, detail)| detail.to_owned())
}

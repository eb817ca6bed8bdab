//! `invited mail`: how mail leaves, tried before it matters.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::base::email::{Email, Hosts};
use crate::base::failure::Failure;
use crate::base::roots::Roots;
use crate::config::mail::SmtpSettings;
use crate::mail::transport::{Smtp, address};
use crate::mail::trial;

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
    Test(TestArgs),
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
    /// PEM file with the certificates of your own authorities, trusted besides the well-known ones
    #[arg(long, env = "INVITED_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: MailArgs) -> Result<(), Failure> {
    let MailCommand::Test(args) = args.command;
    let server = args.smtp.server()?;
    let (Some(server), Some(sender)) = (server, &args.smtp.mail_from) else {
        let hint = "give the settings of the server: --smtp-url and --mail-from";
        return Err(Failure::usage("no mail server is named", hint));
    };
    let roots = args.ca_file.as_deref().map(Roots::load).transpose()?;
    let roots = roots.unwrap_or_default();
    let smtp = Smtp::new(server, address(&sender.address), &roots)?;
    let mut failed = Ok(());
    let mut tell = |step: &str, what: &str| {
        let printed = super::print(&format!("{step:<10} {what}\n"));
        failed = std::mem::replace(&mut failed, Ok(())).and(printed);
    };
    trial::run(&smtp, sender, &args.to, &roots, &mut tell)?;
    failed
}

/// Reads an address.
fn parse_address(text: &str) -> Result<Email, String> {
    Email::parse(text, Hosts::SingleLabelToo).map_err(|(_, detail)| detail.to_owned())
}

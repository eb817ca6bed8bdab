//! `invited webhook`: webhooks while an application is being developed.

use clap::{Args, Subcommand};
use url::Url;

use super::listen::registration::{Registration, Server};
use super::listen::{self, Listen};
use crate::base::alike;
use crate::base::failure::Failure;
use crate::base::organization_id::OrganizationId;
use crate::event::EventType;
use crate::key::new::parse_organization;
use crate::key::token::PlainKey;
use crate::server;

/// What to do with webhooks.
#[derive(Args, Debug)]
pub(crate) struct WebhookArgs {
    /// What to do.
    #[command(subcommand)]
    command: WebhookCommand,
}

/// What to do with webhooks.
#[derive(Subcommand, Debug)]
enum WebhookCommand {
    /// Hand the events of a server on to an application on this machine, until stopped
    Listen(ListenArgs),
}

/// What to listen for, and where to hand it on.
#[derive(Args, Debug)]
struct ListenArgs {
    /// Where the application takes webhooks, as `http://localhost:3000/webhooks`
    #[arg(long, value_name = "URL", value_parser = parse_target)]
    forward_to: Url,
    /// The server: `invited dev`, or one that allows webhooks to loopback addresses
    #[arg(long, env = "INVITED_URL", value_name = "URL", default_value = "http://127.0.0.1:8080",
        value_parser = crate::config::parse_public_url)]
    url: Url,
    /// The API key for a server that asks for one; better by INVITED_KEY, since command lines are
    /// seen by everybody on the machine
    #[arg(long, env = "INVITED_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,
    /// Only events of this organization
    #[arg(long, value_name = "ID", value_parser = parse_organization)]
    organization: Option<OrganizationId>,
    /// Only these types of events, by comma or repeated, as invitation.accepted; none: all
    #[arg(long, value_name = "TYPE,...", value_delimiter = ',', value_parser = parse_type)]
    types: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: WebhookArgs) -> Result<(), Failure> {
    let WebhookCommand::Listen(args) = args.command;
    let listen = Listen {
        server: Server::new(&args.url, args.key.as_deref().map(parse_key).transpose()?),
        registration: Registration {
            organization: args.organization,
            types: args.types,
        },
        forward_to: args.forward_to,
        say,
    };
    server::block_on(listen::run(listen))
}

/// Prints a line. Nothing that was delivered fails because nobody reads what is told of it.
fn say(line: &str) {
    let _ = super::print(&format!("{line}\n"));
}

/// Reads a key. Not by clap, which would print what is wrong with it.
fn parse_key(text: &str) -> Result<PlainKey, Failure> {
    let wrong = || {
        Failure::usage(
            "--key (or INVITED_KEY) is no API key",
            "a key is ivk_, and 89 more characters: copy all of it",
        )
    };
    PlainKey::parse(text).ok_or_else(wrong)
}

/// Reads a type of events.
fn parse_type(text: &str) -> Result<String, String> {
    let known: Vec<_> = EventType::ALL.iter().map(|(_, name)| *name).collect();
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(alike::instead(text, &known).unwrap_or_default())
}

/// Reads where the application takes webhooks.
fn parse_target(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "an http or https URL, as http://localhost:3000/webhooks".to_owned())
}

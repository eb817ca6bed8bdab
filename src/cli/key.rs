//! `invited key`: API keys, made, listed and revoked beside a running server.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::format::{OutputArgs, table};
use super::stdout;
use crate::audit::By;
use crate::base::clock::{Clock, Timestamp};
use crate::base::duration;
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::base::shell::shell_word;
use crate::db::{read_file, write_file};
use crate::key::json::ApiKey;
use crate::key::new::{MAX_LIFETIME_SECONDS, parse_name, parse_organization, parse_scope};
use crate::key::token::{KeyId, PlainKey};
use crate::key::{self, Key, NewKey, Rights, Scope};

/// What to do with keys.
#[derive(Args, Debug)]
pub(crate) struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    command: KeyCommand,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE", global = true)]
    database: Option<PathBuf>,
}

/// What to do with keys.
#[derive(Subcommand, Debug)]
enum KeyCommand {
    /// Make a key and print it: it cannot be shown again
    Create(CreateArgs),
    /// Print a new key that no data file has yet, for `--admin-key-file`
    Generate(OutputArgs),
    /// List the keys, without their secrets
    List(OutputArgs),
    /// Revoke a key: the next request that carries it is refused
    Revoke {
        /// The key's id: the 16 hex digits after `ivk_`
        #[arg(value_parser = parse_id)]
        id: KeyId,
    },
}

/// What a new key is to be.
#[derive(Args, Debug)]
struct CreateArgs {
    /// What you call it, for the list
    #[arg(long, default_value = "key", value_parser = parse_name)]
    name: String,
    /// What it may do, by comma or repeated [default: invitations:read,invitations:write]
    #[arg(long = "scope", value_name = "SCOPE,...", value_delimiter = ',',
        value_parser = parse_scope)]
    scopes: Vec<Scope>,
    /// The organizations it is bound to, by comma or repeated; none: all
    #[arg(long = "organization", value_name = "ID,...", value_delimiter = ',',
        value_parser = parse_organization)]
    organizations: Vec<OrganizationId>,
    /// The roles it may grant, by comma or repeated; none: any
    #[arg(long = "role", value_name = "ROLE,...", value_delimiter = ',')]
    roles: Vec<Role>,
    /// How long it works, as 12h or 90d, at most 10y; else until it is revoked
    #[arg(long, value_name = "DURATION", value_parser = parse_lifetime)]
    expires_in: Option<i64>,
    /// How to print the key.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: KeyArgs) -> Result<(), Failure> {
    let database = super::database(args.database);
    match args.command {
        KeyCommand::Create(new) => create(&database, new),
        KeyCommand::Generate(output) => generate(output),
        KeyCommand::List(output) => list(&database, output),
        KeyCommand::Revoke { id } => revoke(&database, &id),
    }
}

/// Prints a key that no data file has yet.
fn generate(output: OutputArgs) -> Result<(), Failure> {
    stdout::check("the key")?;
    let key = PlainKey::generate().map_err(|error| {
        Failure::runtime(
            format!("the system has no randomness to give ({error})"),
            "try again",
        )
    })?;
    output.deliver(
        || format!("{}\n", key.reveal()),
        &json!({ "key": key.reveal() }),
    )
}

/// Makes a key; prints it, and nothing else, to stdout.
fn create(database: &Path, new: CreateArgs) -> Result<(), Failure> {
    stdout::check("the key")?;
    let output = new.output;
    let scopes = if new.scopes.is_empty() {
        vec![Scope::Read, Scope::Write]
    } else {
        new.scopes
    };
    let new = NewKey {
        name: new.name,
        rights: Rights {
            scopes: scopes.into_iter().collect(),
            organizations: Some(new.organizations).filter(|list| !list.is_empty()),
            roles: Some(new.roles).filter(|list| !list.is_empty()),
        },
        expires_at: new
            .expires_in
            .map(|seconds| Clock::System.now().plus_seconds(seconds)),
    };
    let (made, key) = write_file(database, |tx| {
        let key = key::manage::create_as(tx, &new, By::CLI)?;
        let made = key::store::find(tx, &key.id)?;
        let made = made.ok_or_else(|| Error::internal("a key vanished in its own transaction"))?;
        Ok((made, key))
    })?;
    let mut shown = ApiKey::new(&made, Clock::System.now());
    shown.key = Some(key.reveal());
    output
        .deliver(|| format!("{}\n", key.reveal()), &shown)
        .map_err(|failure| undelivered(database, &key.id, &failure))
}

/// The new key `id` was not printed because of `failure`: nobody has it, so it is revoked.
fn undelivered(database: &Path, id: &KeyId, failure: &Failure) -> Failure {
    let id_text = id.as_str();
    match write_file(database, |tx| key::manage::revoke_as(tx, id, By::CLI)) {
        Ok(_) => Failure::runtime(
            format!(
                "{}; the key {id_text} was made, and is revoked again",
                failure.what()
            ),
            failure.hint(),
        ),
        Err(why) => Failure::runtime(
            format!(
                "{}; the key {id_text} is live, and cannot be revoked: {}",
                failure.what(),
                why.what()
            ),
            format!(
                "nobody has seen it: invited key revoke {id_text} --database {}",
                shell_word(&database.to_string_lossy())
            ),
        ),
    }
}

/// Prints the keys.
fn list(database: &Path, output: OutputArgs) -> Result<(), Failure> {
    let keys = read_file(database, key::store::list)?;
    let now = Clock::System.now();
    let shown: Vec<_> = keys.iter().map(|key| ApiKey::new(key, now)).collect();
    output.print(|| text(&keys, now), &shown)
}

/// The keys as a table.
fn text(keys: &[Key], now: Timestamp) -> String {
    let header = [
        "ID",
        "STATE",
        "CREATED",
        "CREATED BY",
        "LAST USED",
        "EXPIRES",
        "SCOPES",
        "ORGANIZATIONS",
        "ROLES",
        "NAME",
    ]
    .map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header)
        .chain(keys.iter().map(|key| row(key, now)))
        .collect();
    table(&rows)
}

/// One line of the table.
fn row(key: &Key, now: Timestamp) -> [String; 10] {
    let all =
        |names: Option<Vec<&str>>| names.map_or_else(|| "all".to_owned(), |names| names.join(","));
    let organizations = key.rights.organizations.as_ref();
    let roles = key.rights.roles.as_ref();
    [
        key.id.as_str().to_owned(),
        key.status(now).name().to_owned(),
        key.created_at.to_string(),
        key.created_by.clone(),
        key.last_used_at
            .map_or_else(|| "never".to_owned(), |last| last.to_string()),
        key.expires_at
            .map_or_else(|| "never".to_owned(), |end| end.to_string()),
        key.rights.scopes.to_string(),
        all(organizations.map(|list| list.iter().map(OrganizationId::as_str).collect())),
        all(roles.map(|list| list.iter().map(Role::as_str).collect())),
        key.name.clone(),
    ]
}

/// Revokes a key.
fn revoke(database: &Path, id: &KeyId) -> Result<(), Failure> {
    if write_file(database, |tx| key::manage::revoke_as(tx, id, By::CLI))? {
        return super::print(&format!("revoked {}\n", id.as_str()));
    }
    Err(Failure::runtime(
        format!(
            "there is no live key {} in {}",
            id.as_str(),
            database.display()
        ),
        "see `invited key list` for the keys and their states",
    ))
}

/// Reads a key's id; a whole key is taken by its id, so that nobody has to cut it.
pub(super) fn parse_id(text: &str) -> Result<KeyId, String> {
    let id = text
        .strip_prefix("ivk_")
        .and_then(|rest| rest.split('_').next())
        .unwrap_or(text);
    KeyId::parse(id).ok_or_else(|| "an id is the 16 hex digits after ivk_".to_owned())
}

/// Reads a lifetime in seconds.
fn parse_lifetime(text: &str) -> Result<i64, String> {
    let range = 1..=MAX_LIFETIME_SECONDS.unsigned_abs();
    let lifetime = duration::parse_within(text, range, "from 1s to 10y")?;
    Ok(i64::try_from(lifetime.as_secs()).unwrap_or(MAX_LIFETIME_SECONDS))
}

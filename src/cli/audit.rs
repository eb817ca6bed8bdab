//! `invited audit`: the history of the server, beside a running one.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::format::{OutputArgs, table};
use crate::audit::query::{AuditParams, AuditQuery};
use crate::audit::store::{self, Sight};
use crate::base::error::{Error, Result as AppResult};
use crate::base::failure::Failure;
use crate::base::page::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::db::{Reader, read_file};

/// The most rows that are printed at once.
const MOST: i64 = 1_000_000;

/// Which rows of the history.
#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// Only these actions, by comma or repeated, as key.created
    #[arg(long = "action", value_name = "ACTION,...", value_delimiter = ',')]
    actions: Vec<String>,
    /// Only what this actor did: the id of a key, cli, dev, or server
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Only what was done to the key, the webhook or the organization with this id
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// Only what concerns this organization
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Only from then on, as 2026-11-30T02:43:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only before then
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Newest first (desc), or oldest first
    #[arg(long, value_name = "ORDER", default_value = "desc", value_parser = ["desc", "asc"])]
    order: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = DEFAULT_LIMIT,
        value_parser = clap::value_parser!(u32).range(1..=MOST))]
    limit: u32,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// How to print the rows.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: AuditArgs) -> Result<(), Failure> {
    let (output, limit) = (args.output, args.limit);
    let database = super::database(args.database.clone());
    let query = AuditQuery::parse(params(args)).map_err(|error| refused(&error))?;
    let rows = read_file(&database, |reader| list(reader, query, limit))?;
    output.print(|| text(&rows), &rows)
}

/// What is asked for, as a query of the API has it.
fn params(args: AuditArgs) -> AuditParams {
    AuditParams {
        action: Some(args.actions.join(",")).filter(|actions| !actions.is_empty()),
        actor: args.actor,
        subject: args.subject,
        organization_id: args.organization,
        since: args.since,
        until: args.until,
        order: Some(args.order),
        limit: None,
        cursor: None,
    }
}

/// A value is not one that can be asked for.
fn refused(error: &Error) -> Failure {
    let Some(field) = error.fields.first() else {
        return Failure::usage(error.detail.clone(), "see `invited audit --help`");
    };
    let flag = match &*field.pointer {
        "organizationId" => "organization",
        pointer => pointer,
    };
    let what = format!("--{flag} has a value that cannot be asked for");
    Failure::usage(what, field.reason())
}

/// The rows that `query` asks for, `limit` at most, as the API shows them.
fn list(reader: &Reader<'_>, mut query: AuditQuery, limit: u32) -> AppResult<Vec<Value>> {
    let (mut rows, mut left) = (Vec::new(), limit);
    while left > 0 {
        query.page.limit = left.min(MAX_LIMIT);
        left -= query.page.limit;
        let (last, has_more) = store::list(reader, &query, &Sight::WHOLE, |entry| {
            rows.push(serde_json::to_value(entry).map_err(Error::internal)?);
            Ok(())
        })?;
        query.page.after = last;
        if !has_more {
            break;
        }
    }
    Ok(rows)
}

/// The rows as a table.
fn text(rows: &[Value]) -> String {
    let header = [
        "TIME",
        "ACTION",
        "ACTOR",
        "SUBJECT",
        "ORGANIZATIONS",
        "DETAILS",
    ];
    let lines = rows.iter().map(|row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let organizations = row["organizations"].as_array().into_iter().flatten();
        let organizations: Vec<_> = organizations.filter_map(Value::as_str).collect();
        let details = row.get("details").map(ToString::to_string);
        [
            text("createdAt"),
            text("action"),
            text("actor"),
            text("subject"),
            organizations.join(","),
            details.unwrap_or_default(),
        ]
    });
    let lines: Vec<_> = std::iter::once(header.map(str::to_owned))
        .chain(lines)
        .collect();
    table(&lines)
}

//! The common check after every fault.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::Outcome;
use crate::client::Client;
use crate::ledger::{Entry, Findings, Row, compare};
use crate::load::Load;
use crate::server::Server;

/// Longer than a command or the writer holds the lock of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many contradictions a failure shows.
const SHOWN: usize = 10;

/// The keys that commands made beside the server.
#[derive(Default)]
pub struct Keys {
    /// Keys that must open the server.
    pub made: Vec<String>,
    /// Keys that must not.
    pub revoked: Vec<String>,
}

impl Keys {
    /// Takes the keys of another load in.
    pub fn add(&mut self, other: Self) {
        self.made.extend(other.made);
        self.revoked.extend(other.revoked);
    }

    /// How many changes were acknowledged: a revoked key was made first.
    pub fn changes(&self) -> usize {
        self.made.len() + 2 * self.revoked.len()
    }
}

/// All loads on one file.
#[derive(Default)]
pub struct History {
    /// Where they wrote.
    organizations: Vec<String>,
    /// What they were told.
    entries: Vec<Entry>,
}

impl History {
    /// Adds one load.
    pub fn add(&mut self, load: &Load, entries: Vec<Entry>) {
        self.organizations.extend(load.organizations());
        self.entries.extend(entries);
    }

    /// Later faults have not undone what was there after earlier ones; how many changes were acknowledged.
    pub fn holds(&self, server: &Server, key: &str) -> Outcome<usize> {
        let findings = answers_hold(server, key, &self.organizations, &self.entries)?;
        nothing_lost(&findings)?;
        Ok(findings.acknowledged)
    }
}

/// Fails with the text unless the condition holds.
pub fn ensure(condition: bool, text: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(text().into()) }
}

/// SQLite finds the file sound. The server may be running: the file is opened through SQLite and not written.
pub fn sound(database: &Path) -> Outcome {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let verdict: String = connection.query_row("pragma integrity_check", [], |row| row.get(0))?;
    ensure(verdict == "ok", || format!("integrity_check: {verdict}"))?;
    let mut statement = connection.prepare("pragma foreign_key_check")?;
    ensure(!statement.exists([])?, || "foreign_key_check reports rows".to_owned())
}

/// Moves the log of a stopped server into the file, so that a copy of the file alone holds everything.
pub fn settle(database: &Path) -> Outcome {
    let connection = Connection::open(database)?;
    connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// The answers of one load and what the server lists for its organizations.
pub fn answers_hold(server: &Server, key: &str, organizations: &[String], entries: &[Entry]) -> Outcome<Findings> {
    let client = Client::new(&server.base, key);
    let mut rows = Vec::new();
    for organization in organizations {
        rows.extend(list(&client, organization)?);
    }
    Ok(compare(entries, &rows))
}

/// All invitations of one organization.
pub fn list(client: &Client, organization: &str) -> Outcome<Vec<Row>> {
    let answer = client.list(organization).ok_or("the list was not answered")?;
    let body = match answer.body {
        Value::Array(body) if answer.status == 200 => body,
        body => return Err(format!("the list was answered {} {body}", answer.status).into()),
    };
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let row =
        |item: &Value| Row { id: text(item, "id"), email: text(item, "email"), pending: item["status"] == "pending" };
    Ok(body.iter().map(row).collect())
}

/// Each key opens the server, or not, as its command was told.
pub fn keys_hold(server: &Server, keys: &Keys) -> Outcome {
    let path = "/v1/organizations/keys/invitations";
    let status = |key: &String| Client::new(&server.base, key).status(path);
    for key in &keys.made {
        let found = status(key);
        ensure(found == Some(200), || format!("a key that was made is answered {found:?}"))?;
    }
    for key in &keys.revoked {
        let found = status(key);
        ensure(found == Some(401), || format!("a key that was revoked is answered {found:?}"))?;
    }
    Ok(())
}

/// Nothing that was acknowledged is lost, and nothing is there that was not asked for.
pub fn nothing_lost(findings: &Findings) -> Outcome {
    let Findings { lost, wrong, .. } = findings;
    none("lost", lost)?;
    none("wrong", wrong)
}

/// Nothing is there that was answered with an error of the server.
pub fn nothing_resurfaced(findings: &Findings) -> Outcome {
    none("refused with 5xx, yet there", &findings.resurfaced)
}

/// Nothing of a kind was found.
pub fn none(what: &str, list: &[String]) -> Outcome {
    let shown = &list[..list.len().min(SHOWN)];
    ensure(list.is_empty(), || format!("{} {what}, such as {shown:#?}", list.len()))
}

/// No answer of a load was a 5xx.
pub fn nothing_failed(entries: &[Entry]) -> Outcome {
    let failed = |entry: &&Entry| matches!(entry, Entry::CreateFailed { .. } | Entry::DeleteFailed { .. });
    let failures: Vec<&Entry> = entries.iter().filter(failed).take(SHOWN).collect();
    ensure(failures.is_empty(), || format!("answers 5xx, such as {failures:#?}"))
}

/// The server neither panicked nor printed a backtrace.
pub fn no_panic(log: &str) -> Outcome {
    ensure(!log.contains("panicked at") && !log.contains("stack backtrace"), || format!("the server panicked:\n{log}"))
}

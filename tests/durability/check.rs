//! The common check after every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::Outcome;
use crate::client::{Answer, Client};
use crate::compare::{Acknowledged, Findings, Found, Row, compare};
use crate::ledger::{Change, Entry, Reply};
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

    /// Later faults have not undone what was there after earlier ones; what was acknowledged.
    pub fn holds(&self, server: &Server, key: &str) -> Outcome<Acknowledged> {
        let findings = answers_hold(server, key, &self.organizations, &self.entries)?;
        nothing_lost(&findings)?;
        nothing_resurfaced(&findings)?;
        Ok(findings.acknowledged)
    }
}

/// Fails with the text unless the condition holds.
pub fn ensure(condition: bool, text: impl FnOnce() -> String) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(text().into())
    }
}

/// SQLite finds the file sound. The server may be running: the file is opened through SQLite and
/// not written.
pub fn sound(database: &Path) -> Outcome {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let verdict: String = connection.query_row("pragma integrity_check", [], |row| row.get(0))?;
    ensure(verdict == "ok", || format!("integrity_check: {verdict}"))?;
    let mut statement = connection.prepare("pragma foreign_key_check")?;
    ensure(!statement.exists([])?, || {
        "foreign_key_check reports rows".to_owned()
    })
}

/// Moves the log of a stopped server into the file, so that a copy of the file alone holds
/// everything.
pub fn settle(database: &Path) -> Outcome {
    let connection = Connection::open(database)?;
    connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// The answers of loads and what the server shows of their organizations and keys.
pub fn answers_hold(
    server: &Server,
    key: &str,
    organizations: &[String],
    entries: &[Entry],
) -> Outcome<Findings> {
    let client = Client::new(&server.base, key);
    let mut rows = Vec::new();
    for organization in organizations {
        rows.extend(list(&client, organization)?);
    }
    let keys = keys_of(&client, organizations, entries)?;
    Ok(compare(entries, &Found { rows, keys }))
}

/// All invitations of one organization.
pub fn list(client: &Client, organization: &str) -> Outcome<Vec<Row>> {
    let row = |item: &Value| Row {
        id: text(item, "id"),
        email: text(item, "email"),
        role: text(item, "role"),
        status: text(item, "status"),
        send_count: item["sendCount"]
            .as_u64()
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or_default(),
    };
    Ok(items(client.list(organization))?.iter().map(row).collect())
}

/// The keys with names of these organizations. Those that the writers hold are tried.
fn keys_of(
    client: &Client,
    organizations: &[String],
    entries: &[Entry],
) -> Outcome<BTreeMap<String, String>> {
    let domains: BTreeSet<_> = organizations
        .iter()
        .map(|organization| format!("{organization}.example"))
        .collect();
    let is_ours = |name: &str| {
        name.split_once('@')
            .is_some_and(|(_, domain)| domains.contains(domain))
    };
    let listed = items(client.get("/v1/keys"))?;
    let status = |item: &Value| (text(item, "name"), text(item, "status"));
    let mut keys: BTreeMap<_, _> = listed
        .iter()
        .map(status)
        .filter(|(name, _)| is_ours(name))
        .collect();
    for entry in entries {
        if let Entry {
            change: Change::MakeKey { name },
            reply: Reply::Done(key),
        } = entry
            && let Some(status) = keys.get_mut(name)
        {
            *status = match status_of(client, key) {
                Some(200) => "live".to_owned(),
                Some(401) => "revoked".to_owned(),
                other => format!("answered {other:?}"),
            };
        }
    }
    Ok(keys)
}

/// The items of a list that must have been answered.
fn items(answer: Option<Answer>) -> Outcome<Vec<Value>> {
    let answer = answer.ok_or("a list was not answered")?;
    match answer.body {
        Value::Array(items) if answer.status == 200 => Ok(items),
        body => Err(format!("a list was answered {} {body}", answer.status).into()),
    }
}

/// A field of text.
fn text(item: &Value, name: &str) -> String {
    item[name].as_str().unwrap_or_default().to_owned()
}

/// What a list is answered with that key.
fn status_of(client: &Client, key: &str) -> Option<u16> {
    client
        .with_key(key)
        .status("/v1/organizations/keys/invitations")
}

/// Each key opens the server, or not, as its command was told.
pub fn keys_hold(server: &Server, keys: &Keys) -> Outcome {
    let client = Client::new(&server.base, "");
    for key in &keys.made {
        let found = status_of(&client, key);
        ensure(found == Some(200), || {
            format!("a key that was made is answered {found:?}")
        })?;
    }
    for key in &keys.revoked {
        let found = status_of(&client, key);
        ensure(found == Some(401), || {
            format!("a key that was revoked is answered {found:?}")
        })?;
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
    ensure(list.is_empty(), || {
        format!("{} {what}, such as {shown:#?}", list.len())
    })
}

/// No answer of a load was a 5xx.
pub fn nothing_failed(entries: &[Entry]) -> Outcome {
    let failures: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.failure().is_some())
        .take(SHOWN)
        .collect();
    ensure(failures.is_empty(), || {
        format!("answers 5xx, such as {failures:#?}")
    })
}

/// The server neither panicked nor printed a backtrace.
pub fn no_panic(log: &str) -> Outcome {
    ensure(
        !log.contains("panicked at") && !log.contains("stack backtrace"),
        || format!("the server panicked:\n{log}"),
    )
}

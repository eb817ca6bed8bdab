//! The SQL that looks at everything in a file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::verify::{Counts, Findings, Walk};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::db::Reader;

/// Invitations whose histories are kept in memory at a time: some 60 bytes each.
const AT_A_TIME: u32 = 500_000;
/// The most rounds over the history: one for each last byte of an id.
const MOST_ROUNDS: u32 = 256;

/// What an invitation is, and what its history says that it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outline {
    /// A hash of the address; none: the history does not say.
    email: Option<u64>,
    /// A hash of the role; none: the history does not say.
    role: Option<u64>,
    /// How it ended; none: it can still be accepted, or ran out.
    end: Option<&'static str>,
    /// When it ends; none: the history does not say.
    expires_at: Option<i64>,
    /// Whether it was deleted.
    is_deleted: bool,
}

/// What an event says of an invitation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'a> {
    /// Its address.
    #[serde(borrow)]
    email: Option<Cow<'a, str>>,
    /// Its role.
    #[serde(borrow)]
    role: Option<Cow<'a, str>>,
    /// Its status.
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    /// Its end.
    #[serde(borrow)]
    expires_at: Option<Cow<'a, str>>,
}

/// How many rows there are of what people ask about.
pub(crate) fn count(reader: &Reader<'_>) -> Result<Counts> {
    let sql = "select (select count(*) from organization), (select count(*) from invitation),
                      (select count(*) from event), (select count(*) from api_key),
                      (select count(*) from webhook)";
    let counts = reader.query_row(sql, [], |row| {
        Ok(Counts {
            organizations: row.get(0)?,
            invitations: row.get(1)?,
            events: row.get(2)?,
            keys: row.get(3)?,
            webhooks: row.get(4)?,
        })
    });
    Ok(counts?)
}

/// Has SQLite look at every page, every index and every constraint.
pub(crate) fn check_integrity(reader: &Reader<'_>, findings: &mut Findings) -> Result<()> {
    let mut statement = reader.prepare("pragma integrity_check(1000)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let message: String = row.get(0)?;
        if message != "ok" {
            findings.add(message);
        }
    }
    Ok(())
}

/// Looks for rows whose row elsewhere is missing.
pub(crate) fn check_foreign_keys(reader: &Reader<'_>, findings: &mut Findings) -> Result<()> {
    let mut statement = reader.prepare("pragma foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, target): (String, String) = (row.get(0)?, row.get(2)?);
        findings.add(format!(
            "a row of the table {table} belongs to a row of {target} that is missing"
        ));
    }
    Ok(())
}

/// In how many rounds over the history so many invitations are compared with it.
pub(crate) fn rounds(invitations: u32) -> u32 {
    invitations.div_ceil(AT_A_TIME).clamp(1, MOST_ROUNDS)
}

/// Compares every invitation with its history, in so many rounds.
pub(crate) fn check_histories(
    reader: &Reader<'_>,
    findings: &mut Findings,
    rounds: u32,
    walk: &mut Walk<'_>,
) -> Result<()> {
    for round in 0..rounds {
        let is_in = |id: &Uuid| u32::from(id.as_bytes()[15]) % rounds == round;
        let mut told = read_histories(reader, is_in, findings, walk)?;
        compare_rows(reader, is_in, &mut told, findings)?;
        check_missing(reader, &told, findings)?;
    }
    Ok(())
}

/// What the history says of each invitation that is asked for.
fn read_histories(
    reader: &Reader<'_>,
    is_in: impl Fn(&Uuid) -> bool,
    findings: &mut Findings,
    walk: &mut Walk<'_>,
) -> Result<HashMap<Uuid, Outline>> {
    let mut told: HashMap<Uuid, Outline> = HashMap::new();
    // Rows are in the order of their making.
    let sql = "select invitation_id, type, after, id
               from event not indexed
               where invitation_id is not null
               order by rowid";
    let mut statement = reader.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        walk.step();
        let id = id_of(row, 0)?;
        if !is_in(&id) {
            continue;
        }
        if told.entry(id).or_default().apply(row).is_err() {
            findings.add(format!(
                "the event {} of the invitation {id} cannot be read",
                id_of(row, 3)?
            ));
        }
    }
    Ok(told)
}

/// Compares each invitation that is asked for with what was told of it, and takes it out of that.
fn compare_rows(
    reader: &Reader<'_>,
    is_in: impl Fn(&Uuid) -> bool,
    told: &mut HashMap<Uuid, Outline>,
    findings: &mut Findings,
) -> Result<()> {
    let sql = "select id, email, role, state, expires_at
               from invitation
               where not exists (select 1 from purge
                                 where purge.organization_id = invitation.organization_id)";
    let mut statement = reader.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = id_of(row, 0)?;
        if !is_in(&id) {
            continue;
        }
        let Some(told) = told.remove(&id) else {
            findings.add(format!("the invitation {id} has no history"));
            continue;
        };
        match Outline::of_row(row) {
            Ok(found) => {
                for what in told.differences(&found) {
                    findings.add(format!(
                        "the {what} of the invitation {id} is not the one of its history"
                    ));
                }
            }
            Err(_) => findings.add(format!("the invitation {id} cannot be read")),
        }
    }
    Ok(())
}

/// Looks for invitations that were told of, were not deleted, and are not there. While something
/// is being deleted or erased, rows go before their history does.
fn check_missing(
    reader: &Reader<'_>,
    told: &HashMap<Uuid, Outline>,
    findings: &mut Findings,
) -> Result<()> {
    let is_purging =
        reader.query_row("select exists (select 1 from purge)", [], |row| row.get(0))?;
    if is_purging {
        return Ok(());
    }
    // An erasure takes the address out of the history.
    let is_missing = |outline: &Outline| !outline.is_deleted && outline.email.is_some();
    for (id, _) in told.iter().filter(|(_, outline)| is_missing(outline)) {
        findings.add(format!(
            "the invitation {id} is missing, and its history does not say that it was deleted"
        ));
    }
    Ok(())
}

impl Outline {
    /// Goes on with an event: its type, and the facts after it.
    fn apply(&mut self, row: &Row<'_>) -> Result<()> {
        self.is_deleted = text(row, 1)? == "invitation.deleted";
        let Some(after) = row.get_ref(2)?.as_str_or_null().map_err(Error::corrupt)? else {
            return Ok(());
        };
        let facts: Facts<'_> = serde_json::from_str(after).map_err(Error::corrupt)?;
        self.email = facts.email.map(|email| hash(&email)).or(self.email);
        self.role = facts.role.map(|role| hash(&role)).or(self.role);
        if let Some(status) = facts.status {
            self.end = end(&status);
        }
        if let Some(time) = facts.expires_at {
            let time = Timestamp::parse(&time)
                .ok_or_else(|| Error::corrupt("a time that cannot be read"))?;
            self.expires_at = Some(time.as_millis());
        }
        Ok(())
    }

    /// What a row of the table `invitation` is.
    fn of_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            email: Some(hash(text(row, 1)?)),
            role: Some(hash(text(row, 2)?)),
            end: match row.get(3)? {
                1 => end("accepted"),
                2 => end("declined"),
                3 => end("revoked"),
                _ => None,
            },
            expires_at: Some(row.get(4)?),
            is_deleted: false,
        })
    }

    /// What of an invitation that was told of differs from the one that was found.
    fn differences(&self, found: &Self) -> impl Iterator<Item = &'static str> {
        let differs = |told: Option<u64>, found| told.is_some() && told != found;
        [
            ("address", differs(self.email, found.email)),
            ("role", differs(self.role, found.role)),
            ("status", self.end != found.end || self.is_deleted),
            (
                "end",
                self.expires_at.is_some() && self.expires_at != found.expires_at,
            ),
        ]
        .into_iter()
        .filter_map(|(what, differs)| differs.then_some(what))
    }
}

/// How an invitation of this status ended; none: it can be accepted, or ran out, which no row has
/// to say.
fn end(status: &str) -> Option<&'static str> {
    ["accepted", "declined", "revoked"]
        .into_iter()
        .find(|end| *end == status)
}

/// A hash of a text, for this process.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// An id, as the file holds it.
fn id_of(row: &Row<'_>, column: usize) -> Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(column)?))
}

/// A text, borrowed from its row.
fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str> {
    row.get_ref(column)?.as_str().map_err(Error::corrupt)
}

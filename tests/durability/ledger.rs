//! What the writers asked for and were told, and whether the file agrees with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::Outcome;
use crate::check::ensure;
use crate::scale::Scale;

/// One request for a change and its outcome. Every address belongs to one organization only.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Answered 200 or 201: the invitation exists.
    Created {
        /// The id in the answer.
        id: String,
        /// The address in the request.
        email: String,
    },
    /// Not answered: the invitation may exist.
    CreateUnanswered {
        /// The address in the request.
        email: String,
    },
    /// Answered 4xx, with an address that no other request carries: no invitation exists.
    CreateRefused {
        /// The address in the request.
        email: String,
    },
    /// Answered 5xx: no invitation exists.
    CreateFailed {
        /// The address in the request.
        email: String,
        /// The status and the error code.
        answer: String,
    },
    /// Answered 204: the invitation is gone.
    Deleted {
        /// The id in the request.
        id: String,
    },
    /// Not answered: the invitation may be gone.
    DeleteUnanswered {
        /// The id in the request.
        id: String,
    },
    /// Answered 5xx: the invitation is still there.
    DeleteFailed {
        /// The id in the request.
        id: String,
        /// The status and the error code.
        answer: String,
    },
    /// An answer that the request cannot have.
    Unexpected {
        /// The request and the answer.
        what: String,
    },
}

impl Entry {
    /// The same request if its answer never arrived; nothing if it could not change anything then either.
    pub fn unanswered(self) -> Option<Self> {
        match self {
            Self::Created { email, .. } | Self::CreateUnanswered { email } | Self::CreateFailed { email, .. } => {
                Some(Self::CreateUnanswered { email })
            }
            Self::Deleted { id } | Self::DeleteUnanswered { id } | Self::DeleteFailed { id, .. } => {
                Some(Self::DeleteUnanswered { id })
            }
            Self::CreateRefused { .. } | Self::Unexpected { .. } => None,
        }
    }
}

/// One invitation as the server lists it.
#[derive(Debug)]
pub struct Row {
    /// UUIDv7: later ones are greater.
    pub id: String,
    /// The address.
    pub email: String,
    /// Whether it stands.
    pub pending: bool,
}

/// Where the file and the answers disagree.
#[derive(Default)]
pub struct Findings {
    /// Acknowledged changes that are not there.
    pub lost: Vec<String>,
    /// Changes answered with 5xx that are there all the same.
    pub resurfaced: Vec<String>,
    /// Any other contradiction.
    pub wrong: Vec<String>,
    /// How many acknowledged changes were looked up.
    pub acknowledged: usize,
}

/// The entries, sorted for look-up.
#[derive(Default)]
struct Index<'a> {
    /// Address by acknowledged id.
    created: BTreeMap<&'a str, &'a str>,
    /// Ids of which the deletion was acknowledged.
    deleted: BTreeSet<&'a str>,
    /// Ids of which the deletion was asked for, with any answer.
    delete_asked: BTreeSet<&'a str>,
    /// Number of creations by address that may have happened without an acknowledgement.
    possible: BTreeMap<&'a str, usize>,
}

impl<'a> Index<'a> {
    /// Sorts the entries.
    fn new(entries: &'a [Entry]) -> Self {
        let mut index = Self::default();
        for entry in entries {
            match entry {
                Entry::Created { id, email } => {
                    index.created.insert(id, email);
                }
                Entry::CreateUnanswered { email } | Entry::CreateFailed { email, .. } => {
                    *index.possible.entry(email).or_default() += 1;
                }
                Entry::Deleted { id } => {
                    index.deleted.insert(id);
                    index.delete_asked.insert(id);
                }
                Entry::DeleteUnanswered { id } | Entry::DeleteFailed { id, .. } => {
                    index.delete_asked.insert(id);
                }
                Entry::CreateRefused { .. } | Entry::Unexpected { .. } => {}
            }
        }
        index
    }
}

/// Compares everything that was asked for with everything that is listed.
pub fn compare(entries: &[Entry], rows: &[Row]) -> Findings {
    let index = Index::new(entries);
    let by_id: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut findings = Findings { acknowledged: index.created.len() + index.deleted.len(), ..Findings::default() };
    compare_entries(entries, &index, &by_id, rows, &mut findings);
    compare_rows(&index, rows, &mut findings);
    compare_standing(&index, &by_id, rows, &mut findings);
    findings
}

/// Every answer holds.
fn compare_entries(
    entries: &[Entry],
    index: &Index<'_>,
    by_id: &BTreeMap<&str, &Row>,
    rows: &[Row],
    findings: &mut Findings,
) {
    let addresses: BTreeSet<&str> = rows.iter().map(|row| row.email.as_str()).collect();
    let acknowledged: BTreeSet<&str> = index.created.values().copied().collect();
    for (id, email) in &index.created {
        let asked = index.delete_asked.contains(id);
        if !asked && by_id.get(id).is_none_or(|row| row.email != *email) {
            findings.lost.push(format!("the creation of {id} for {email}"));
        }
    }
    for entry in entries {
        match entry {
            Entry::Deleted { id } if by_id.contains_key(id.as_str()) => {
                findings.lost.push(format!("the deletion of {id}"));
            }
            Entry::CreateRefused { email } if addresses.contains(email.as_str()) => {
                findings.wrong.push(format!("{email} was refused and exists"));
            }
            Entry::CreateFailed { email, answer }
                if addresses.contains(email.as_str()) && !acknowledged.contains(email.as_str()) =>
            {
                findings.resurfaced.push(format!("{email}, answered {answer}, exists"));
            }
            Entry::DeleteFailed { id, answer } if !by_id.contains_key(id.as_str()) => {
                findings.resurfaced.push(format!("{id}, answered {answer}, is deleted"));
            }
            Entry::Unexpected { what } => findings.wrong.push(format!("unexpected: {what}")),
            _ => {}
        }
    }
}

/// Every row was asked for.
fn compare_rows(index: &Index<'_>, rows: &[Row], findings: &mut Findings) {
    let mut surplus: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| !index.created.contains_key(row.id.as_str())) {
        *surplus.entry(&row.email).or_default() += 1;
    }
    for (email, count) in surplus {
        let possible = index.possible.get(email).copied().unwrap_or_default();
        if count > possible {
            findings.wrong.push(format!("{count} rows of {email} nobody was told of"));
        }
    }
}

/// At most one invitation stands per address, and it is the last one acknowledged or a later one.
fn compare_standing(index: &Index<'_>, by_id: &BTreeMap<&str, &Row>, rows: &[Row], findings: &mut Findings) {
    let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, email) in &index.created {
        if !index.delete_asked.contains(id) {
            newest.insert(email, id);
        }
    }
    let mut standing: BTreeMap<&str, &str> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.pending) {
        if let Some(other) = standing.insert(&row.email, &row.id) {
            let Row { id, email, .. } = row;
            findings.wrong.push(format!("{email} stands twice: {id} and {other}"));
        }
    }
    for (email, id) in newest {
        let stands = standing.get(email).is_some_and(|stands| *stands >= id);
        if by_id.contains_key(id) && !stands {
            findings.lost.push(format!("{id} for {email} does not stand, nor a later one"));
        }
    }
}

/// The comparison itself can fail: each kind of loss is found in a made-up story, and a true story passes.
pub fn finds_what_is_lost(_: &Scale) -> Outcome {
    let entry = |id: &str, email: &str| Entry::Created { id: id.into(), email: email.into() };
    let row = |id: &str, email: &str, pending| Row { id: id.into(), email: email.into(), pending };
    let told = [entry("1", "a"), entry("2", "b"), Entry::Deleted { id: "2".into() }, entry("3", "a")];
    let count = |rows: &[Row]| {
        let findings = compare(&told, rows);
        (findings.lost.len(), findings.wrong.len())
    };
    let true_story = [row("1", "a", false), row("3", "a", true)];
    let replaced_unseen = [row("1", "a", false), row("3", "a", false), row("4", "a", true)];
    let cases = [
        (&true_story[..], (0, 0)),
        (&true_story[..1], (1, 0)),
        (&[row("1", "a", true), row("3", "a", true)][..], (0, 1)),
        (&[row("1", "a", false), row("3", "a", false)][..], (1, 0)),
        (&[row("1", "a", false), row("2", "b", true), row("3", "a", true)][..], (1, 0)),
        (&replaced_unseen[..], (0, 1)),
        (&[row("1", "x", false), row("3", "a", true)][..], (1, 0)),
    ];
    for (rows, expected) in cases {
        let found = count(rows);
        ensure(found == expected, || format!("{rows:?}: {found:?} instead of {expected:?}"))?;
    }
    Ok(())
}

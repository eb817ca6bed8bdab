//! Whether what the server shows agrees with what the writers were told.
//!
//! # The rules
//! What was acknowledged is there, what was refused is not, and what was not answered may be. A
//! property that was asked for several times stands where the last acknowledged request left it, or
//! where a later one did that was not answered; so nothing goes back. An atomic batch is there
//! whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use crate::asked::{ABSENT, Address, Asked, Count, Invitation, Trail, Verdict};
use crate::ledger::{Entry, Reply};

/// One invitation as the server lists it.
#[derive(Clone, Debug)]
pub struct Row {
    /// UUIDv7: later ones are greater.
    pub id: String,
    /// The address.
    pub email: String,
    /// The role.
    pub role: String,
    /// Where it stands.
    pub status: String,
    /// How often it was sent again.
    pub send_count: usize,
}

/// What the server shows.
#[derive(Debug, Default)]
pub struct Found {
    /// The invitations of the organizations that the writers used.
    pub rows: Vec<Row>,
    /// The keys of these writers by name: `live` if they open the server, else `revoked`.
    pub keys: BTreeMap<String, String>,
}

/// How many changes of each kind were acknowledged.
#[derive(Default)]
pub struct Acknowledged(pub BTreeMap<&'static str, usize>);

impl Acknowledged {
    /// How many changes of all kinds there are.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }
}

impl Display for Acknowledged {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self
            .0
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        write!(
            formatter,
            "{} acknowledged changes ({})",
            self.total(),
            kinds.join(", ")
        )
    }
}

/// Where the server and the answers disagree.
#[derive(Default)]
pub struct Findings {
    /// Acknowledged changes that are not there.
    pub lost: Vec<String>,
    /// Changes answered with 5xx that are there all the same.
    pub resurfaced: Vec<String>,
    /// Any other contradiction.
    pub wrong: Vec<String>,
    /// The acknowledged changes that were looked up.
    pub acknowledged: Acknowledged,
}

impl Findings {
    /// Notes how the value that a property is found to have fits to the requests.
    fn judge(&mut self, what: &str, trail: &Trail<'_>, found: &str) {
        match trail.judge(found) {
            Verdict::Holds => {}
            Verdict::Lost(told) => self
                .lost
                .push(format!("{what} is {found}, but {told} was acknowledged")),
            Verdict::Resurfaced(answer) => self
                .resurfaced
                .push(format!("{what} is {found}, answered {answer}")),
            Verdict::Unasked => self
                .wrong
                .push(format!("{what} is {found}, as nobody was told")),
        }
    }

    /// Notes that there is more of something than was acknowledged, unless requests without an
    /// answer explain it.
    fn judge_surplus(&mut self, what: &str, surplus: usize, counts: &[&Count<'_>]) {
        let unanswered: usize = counts.iter().map(|count| count.unanswered).sum();
        let failed: Vec<&str> = counts
            .iter()
            .flat_map(|count| &count.failed)
            .copied()
            .collect();
        if surplus > unanswered + failed.len() {
            self.wrong
                .push(format!("{surplus} {what}, of which nobody was told"));
        } else if surplus > unanswered {
            self.resurfaced
                .push(format!("{surplus} {what}, answered {failed:?}"));
        }
    }
}

/// Compares everything that was asked for with everything that is there.
pub fn compare(entries: &[Entry], found: &Found) -> Findings {
    let mut findings = Findings::default();
    let asked = Asked::new(entries);
    for Entry { change, reply } in entries {
        if let Reply::Unexpected(answer) = reply {
            findings
                .wrong
                .push(format!("{change:?} was answered {answer}"));
        }
    }
    compare_invitations(&asked, &found.rows, &mut findings);
    compare_rows(&asked, &found.rows, &mut findings);
    compare_batches(&asked, &found.rows, &mut findings);
    compare_keys(&asked, &found.keys, &mut findings);
    findings.acknowledged = Acknowledged(asked.acknowledged);
    findings
}

/// Every invitation that was acknowledged is there as its last answer left it.
fn compare_invitations(asked: &Asked<'_>, rows: &[Row], findings: &mut Findings) {
    let by_id: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut latest: BTreeMap<&str, &str> = BTreeMap::new();
    for Row { id, email, .. } in rows {
        let latest = latest.entry(email).or_default();
        *latest = (*latest).max(id);
    }
    for (id, invitation) in &asked.invitations {
        let Some(email) = invitation.email else {
            continue;
        };
        let what = format!("{id} for {email}");
        let Some(row) = by_id.get(id).filter(|row| row.email == email) else {
            findings.judge(&what, &invitation.status, ABSENT);
            continue;
        };
        let address = &asked.addresses[email];
        if !invitation.is_replaced(&row.status) {
            findings.judge(&what, &invitation.status, &row.status);
        } else if latest[email].max(address.latest) <= *id {
            findings
                .lost
                .push(format!("{what} does not stand, nor a later one"));
        }
        findings.judge(&format!("the role of {what}"), &invitation.role, &row.role);
        compare_resends(&what, (invitation, address), row.send_count, findings);
    }
}

/// The invitation was sent again as often as was acknowledged. Creations at its address may have
/// sent it, too.
fn compare_resends(
    what: &str,
    (invitation, address): (&Invitation<'_>, &Address<'_>),
    found: usize,
    findings: &mut Findings,
) {
    let told = invitation.resends.done;
    if found < told {
        findings.lost.push(format!(
            "{what} was sent again {found} times, but {told} were acknowledged"
        ));
    } else {
        let what = format!("more resends of {what}");
        findings.judge_surplus(
            &what,
            found - told,
            &[&invitation.resends, &address.creations],
        );
    }
}

/// Every row was asked for, and at most one stands per address.
fn compare_rows(asked: &Asked<'_>, rows: &[Row], findings: &mut Findings) {
    let mut surplus: BTreeMap<&str, usize> = BTreeMap::new();
    let mut standing = BTreeMap::new();
    for Row {
        id, email, status, ..
    } in rows
    {
        if asked
            .invitations
            .get(id.as_str())
            .is_none_or(|invitation| invitation.email.is_none())
        {
            *surplus.entry(email).or_default() += 1;
        }
        if matches!(status.as_str(), "pending" | "accepted")
            && let Some(other) = standing.insert(email, id)
        {
            findings
                .wrong
                .push(format!("{email} stands twice: {id} and {other}"));
        }
    }
    for (email, count) in surplus {
        let creations = asked.addresses.get(email).map(|address| &address.creations);
        findings.judge_surplus(
            &format!("more rows of {email}"),
            count,
            creations.as_slice(),
        );
    }
}

/// An atomic batch without an acknowledgement is there whole or not at all.
fn compare_batches(asked: &Asked<'_>, rows: &[Row], findings: &mut Findings) {
    let there: BTreeSet<&str> = rows.iter().map(|row| row.email.as_str()).collect();
    for (batch, emails) in &asked.batches {
        let kept: Vec<&str> = emails
            .iter()
            .copied()
            .filter(|email| !asked.addresses[email].delete_asked)
            .collect();
        let count = kept.iter().filter(|email| there.contains(*email)).count();
        if count != 0 && count != kept.len() {
            findings.wrong.push(format!(
                "{count} of {} rows of the atomic batch {batch} are there",
                kept.len()
            ));
        }
    }
}

/// Every key opens the server or not, as was acknowledged, and there are no others.
fn compare_keys(asked: &Asked<'_>, keys: &BTreeMap<String, String>, findings: &mut Findings) {
    for (name, trail) in &asked.keys {
        findings.judge(
            &format!("the key {name}"),
            trail,
            keys.get(*name).map_or(ABSENT, String::as_str),
        );
    }
    for name in keys
        .keys()
        .filter(|name| !asked.keys.contains_key(name.as_str()))
    {
        findings
            .wrong
            .push(format!("nobody asked for the key {name}"));
    }
}

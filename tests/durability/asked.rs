//! What was asked for and told, sorted by what it is about.

use std::collections::BTreeMap;

use crate::ledger::{Change, Entry, Reply};

/// The state of what is not there.
pub const ABSENT: &str = "absent";

/// What every value has been told that nobody had to ask for.
static GIVEN: Reply = Reply::Done(String::new());

/// How a value that is found fits to the requests for it.
pub enum Verdict<'a> {
    /// It is the last one acknowledged, or a later one that was not answered.
    Holds,
    /// It is older than this one, which was acknowledged.
    Lost(&'a str),
    /// It was answered with this error.
    Resurfaced(&'a str),
    /// It was refused or never asked for.
    Unasked,
}

/// The values that one property was to take, in the order of the requests, and the replies.
#[derive(Default)]
pub struct Trail<'a>(Vec<(&'a str, &'a Reply)>);

impl<'a> Trail<'a> {
    /// Adds values that are known without a request of their own.
    fn begin(&mut self, values: &[&'a str]) {
        self.0.extend(values.iter().map(|value| (*value, &GIVEN)));
    }

    /// Adds a value that was asked for.
    fn push(&mut self, value: &'a str, reply: &'a Reply) {
        self.0.push((value, reply));
    }

    /// The last value that was acknowledged, and its place.
    fn told(&self) -> Option<(usize, &'a str)> {
        let place = self.0.iter().rposition(|(_, reply)| reply.is_done())?;
        Some((place, self.0[place].0))
    }

    /// How a value that is found fits in.
    pub fn judge(&self, found: &str) -> Verdict<'a> {
        let Some(place) = self.0.iter().rposition(|(value, _)| *value == found) else {
            return Verdict::Unasked;
        };
        match (self.told(), self.0[place].1) {
            (Some((told, value)), _) if place < told => Verdict::Lost(value),
            (_, Reply::Done(_) | Reply::Unanswered) => Verdict::Holds,
            (_, Reply::Failed(answer)) => Verdict::Resurfaced(answer),
            (_, Reply::Refused | Reply::Unexpected(_)) => Verdict::Unasked,
        }
    }
}

/// Requests of which only the number matters.
#[derive(Default)]
pub struct Count<'a> {
    /// How many were acknowledged.
    pub done: usize,
    /// How many were not answered.
    pub unanswered: usize,
    /// The answers 5xx.
    pub failed: Vec<&'a str>,
}

impl<'a> Count<'a> {
    /// Counts one.
    fn add(&mut self, reply: &'a Reply) {
        match reply {
            Reply::Done(_) => self.done += 1,
            Reply::Unanswered => self.unanswered += 1,
            Reply::Failed(answer) => self.failed.push(answer),
            Reply::Refused | Reply::Unexpected(_) => {}
        }
    }
}

/// What was asked for and told of one invitation.
#[derive(Default)]
pub struct Invitation<'a> {
    /// The address, if the creation was acknowledged; else the rest says too little.
    pub email: Option<&'a str>,
    /// Where it was to stand.
    pub status: Trail<'a>,
    /// The roles that it was to have.
    pub role: Trail<'a>,
    /// How often it was to be sent again.
    pub resends: Count<'a>,
}

impl Invitation<'_> {
    /// Whether it is revoked, and not by a request that names it: then a new one took its place.
    pub fn is_replaced(&self, status: &str) -> bool {
        let told = self.status.told().map(|(_, told)| told);
        status == "revoked"
            && told == Some("pending")
            && matches!(self.status.judge(status), Verdict::Unasked)
    }
}

/// What was asked for and told of one address.
#[derive(Default)]
pub struct Address<'a> {
    /// Its creations.
    pub creations: Count<'a>,
    /// The greatest id that was acknowledged.
    pub latest: &'a str,
    /// Whether one of its invitations was to be deleted.
    pub delete_asked: bool,
}

/// All entries.
#[derive(Default)]
pub struct Asked<'a> {
    /// By id.
    pub invitations: BTreeMap<&'a str, Invitation<'a>>,
    /// By address.
    pub addresses: BTreeMap<&'a str, Address<'a>>,
    /// Where each key was to stand, by name.
    pub keys: BTreeMap<&'a str, Trail<'a>>,
    /// The addresses of each atomic batch that was not acknowledged.
    pub batches: BTreeMap<&'a str, Vec<&'a str>>,
    /// How many changes of each kind were acknowledged.
    pub acknowledged: BTreeMap<&'static str, usize>,
}

impl<'a> Asked<'a> {
    /// Sorts the entries.
    pub fn new(entries: &'a [Entry]) -> Self {
        let mut asked = Self::default();
        for Entry { change, reply } in entries {
            let is_news = asked.add(change, reply);
            if reply.is_done() && is_news {
                *asked.acknowledged.entry(change.kind()).or_default() += 1;
            }
        }
        asked
    }

    /// Sorts one entry in; false for the creation of an invitation that is known already.
    fn add(&mut self, change: &'a Change, reply: &'a Reply) -> bool {
        match change {
            Change::Create { email, role, batch } => {
                return self.add_creation((email, role), batch.as_deref(), reply);
            }
            Change::Delete { id, email } => {
                self.invitations
                    .entry(id)
                    .or_default()
                    .status
                    .push(ABSENT, reply);
                self.addresses.entry(email).or_default().delete_asked = true;
            }
            Change::Close { id, status } => self
                .invitations
                .entry(id)
                .or_default()
                .status
                .push(status, reply),
            Change::Resend { id } => self.invitations.entry(id).or_default().resends.add(reply),
            Change::Update { id, role } => self
                .invitations
                .entry(id)
                .or_default()
                .role
                .push(role, reply),
            Change::MakeKey { name } => {
                let key = self.keys.entry(name).or_default();
                key.begin(&[ABSENT]);
                key.push("live", reply);
            }
            Change::RevokeKey { name } => self.keys.entry(name).or_default().push("revoked", reply),
        }
        true
    }

    /// Sorts a creation in; whether it tells of a new invitation.
    fn add_creation(
        &mut self,
        (email, role): (&'a str, &'a str),
        batch: Option<&'a str>,
        reply: &'a Reply,
    ) -> bool {
        let address = self.addresses.entry(email).or_default();
        address.creations.add(reply);
        let Reply::Done(id) = reply else {
            if let Some(batch) = batch {
                self.batches.entry(batch).or_default().push(email);
            }
            return false;
        };
        address.latest = address.latest.max(id);
        let invitation = self.invitations.entry(id).or_default();
        if invitation.email.is_some() {
            return false;
        }
        invitation.email = Some(email);
        invitation.status.begin(&[ABSENT, "pending"]);
        invitation.role.begin(&[role]);
        true
    }
}

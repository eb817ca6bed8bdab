//! One writer: it mixes every kind of change, and keeps what it is told.
//!
//! * [`changes`]: the changes that it asks for.

mod changes;

use std::time::Instant;

use serde_json::{Value, json};

use crate::client::{Answer, Client, invitations};
use crate::ledger::{Change, Entry, Reply};
use crate::load::Told;

/// An invitation at an address that only one writer uses.
struct Own {
    /// Its id.
    id: String,
    /// Its address.
    email: String,
}

/// One writer and what it was told. After a change that failed it asks nothing more of that
/// invitation; where it has none to change, it makes some.
pub struct Writer {
    /// Its connection.
    client: Client,
    /// The organization it writes to.
    organization: String,
    /// Makes its addresses its own.
    number: usize,
    /// Its choices.
    random: fastrand::Rng,
    /// Goes into the metadata of its invitations.
    padding: String,
    /// How many addresses, roles and names it has used.
    used: usize,
    /// Pending invitations of its own.
    pending: Vec<Own>,
    /// Accepted invitations of its own.
    accepted: Vec<Own>,
    /// Addresses of its own that are free again.
    freed: Vec<String>,
    /// Its live API keys: the name and the key.
    keys: Vec<(String, String)>,
    /// Whether an answer stayed away.
    is_cut_off: bool,
    /// What it was told.
    told: Vec<Told>,
}

impl Writer {
    /// A writer that has not written yet.
    pub fn new(
        client: Client,
        organization: String,
        number: usize,
        random: fastrand::Rng,
        padding: String,
    ) -> Self {
        let (pending, accepted, freed, keys, told) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (used, is_cut_off) = (0, false);
        Self {
            client,
            organization,
            number,
            random,
            padding,
            used,
            pending,
            accepted,
            freed,
            keys,
            is_cut_off,
            told,
        }
    }

    /// Whether an answer stayed away: the server is gone.
    pub fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// What it was told since this was last asked.
    pub fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// Sends one request.
    pub fn step(&mut self) {
        match self.random.u32(0..24) {
            0..=4 => self.create_fresh(),
            5..=7 => self.create_shared(),
            8 => self.create_refused(),
            9 => match self.freed.pop() {
                Some(email) => self.create_own(email),
                None => self.create_fresh(),
            },
            10..=11 => self.create_batch(),
            12..=13 => self.delete(),
            14..=15 => self.resend(),
            16..=17 => self.update(),
            18..=19 => self.accept(),
            20..=21 => self.revoke(),
            _ => self.change_keys(),
        }
    }

    /// An address, or the name of a key, that no request has carried.
    fn fresh_address(&mut self) -> String {
        self.used += 1;
        format!(
            "w{}-{}@{}.example",
            self.number, self.used, self.organization
        )
    }

    /// The path of one of its invitations and what follows.
    fn path(&self, own: &Own, rest: &str) -> String {
        format!("{}/{}{rest}", invitations(&self.organization), own.id)
    }

    /// What a creation asks for.
    fn row(&self, email: &str, role: &str) -> Value {
        json!({ "email": email, "role": role, "metadata": { "padding": self.padding } })
    }

    /// Writes the answer to a creation at an address of its own down.
    fn note_creation(
        &mut self,
        (email, role, batch): (String, &str, Option<String>),
        answer: Option<&Answer>,
        expected: (&[u16], &[u16]),
    ) {
        let change = Change::Create {
            email: email.clone(),
            role: role.to_owned(),
            batch,
        };
        if self.note(change, answer, expected) {
            let id = answer.map(Answer::made).unwrap_or_default().to_owned();
            self.pending.push(Own { id, email });
        }
    }

    /// Writes an answer down by the statuses of success and of refusal that it may have; whether
    /// the change is done.
    fn note(
        &mut self,
        change: Change,
        answer: Option<&Answer>,
        (good, refusals): (&[u16], &[u16]),
    ) -> bool {
        self.is_cut_off |= answer.is_none();
        let reply = Reply::of(answer, good, refusals);
        let is_done = reply.is_done();
        self.told.push(Told {
            at: Instant::now(),
            entry: Entry { change, reply },
        });
        is_done
    }
}

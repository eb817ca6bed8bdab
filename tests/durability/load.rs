//! Writers that mix creations and deletions and keep a ledger of the answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::json;

use crate::Outcome;
use crate::client::{Answer, Client};
use crate::ledger::Entry;
use crate::server::Server;

/// Organizations of one load, so that more than one row range of the file is written.
const ORGANIZATIONS: usize = 4;

/// Addresses that the writers of one organization fight for.
const SHARED_ADDRESSES: usize = 6;

/// An entry and when its answer had arrived.
pub struct Told {
    /// The moment at which the client had the whole answer.
    pub at: Instant,
    /// What was asked for and answered.
    pub entry: Entry,
}

/// Who writes where.
pub struct Load {
    /// Names the organizations and addresses of this load; unique within a file.
    pub name: String,
    /// Concurrent writers, each with a connection of its own.
    pub writers: usize,
    /// Start of the writers' random choices.
    pub seed: u64,
    /// Bytes added to each invitation, to fill a disk sooner.
    pub padding: usize,
}

impl Load {
    /// The organizations that the writers use.
    pub fn organizations(&self) -> Vec<String> {
        (0..ORGANIZATIONS).map(|number| format!("{}-{number}", self.name)).collect()
    }

    /// Runs the writers until the scenario returns and the writers have seen its end, or no answer.
    pub fn run<T>(&self, server: &Server, key: &str, scenario: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Vec<Told>)> {
        let stop = AtomicBool::new(false);
        let organizations = self.organizations();
        thread::scope(|scope| {
            let writers: Vec<_> = (0..self.writers)
                .map(|number| {
                    let client = Client::new(&server.base, key);
                    let organization = organizations[number % ORGANIZATIONS].clone();
                    let random = fastrand::Rng::with_seed(self.seed.wrapping_add(number as u64));
                    let padding = "x".repeat(self.padding);
                    let writer = Writer::new(client, organization, number, random, padding);
                    let stop = &stop;
                    scope.spawn(move || writer.run(stop))
                })
                .collect();
            let result = scenario();
            stop.store(true, Ordering::Relaxed);
            let mut entries = Vec::new();
            for writer in writers {
                entries.extend(writer.join().map_err(|_| "a writer panicked")?);
            }
            Ok((result?, entries))
        })
    }
}

/// One writer and what it was told.
struct Writer {
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
    /// How many addresses it has used.
    used: usize,
    /// Standing invitations at addresses of its own: id and address.
    own: Vec<(String, String)>,
    /// Addresses of its own that are free again.
    freed: Vec<String>,
    /// What it was told.
    entries: Vec<Told>,
}

impl Writer {
    /// A writer that has not written yet.
    fn new(client: Client, organization: String, number: usize, random: fastrand::Rng, padding: String) -> Self {
        let (own, freed, entries) = (Vec::new(), Vec::new(), Vec::new());
        Self { client, organization, number, random, padding, used: 0, own, freed, entries }
    }

    /// Writes until told to stop or until an answer stays away.
    fn run(mut self, stop: &AtomicBool) -> Vec<Told> {
        while !stop.load(Ordering::Relaxed) && self.step() {}
        self.entries
    }

    /// Sends one request; false when it was not answered.
    fn step(&mut self) -> bool {
        match self.random.u32(0..20) {
            0..=11 => {
                let email = self.fresh_address();
                self.create_own(email)
            }
            12..=14 => self.create_shared(),
            15 => self.create_refused(),
            16 => match self.freed.pop() {
                Some(email) => self.create_own(email),
                None => true,
            },
            _ => self.delete_own(),
        }
    }

    /// An address that no request has carried.
    fn fresh_address(&mut self) -> String {
        self.used += 1;
        format!("w{}-{}@{}.example", self.number, self.used, self.organization)
    }

    /// Creates at an address that only this writer uses.
    fn create_own(&mut self, email: String) -> bool {
        let metadata = json!({ "padding": self.padding });
        let body = json!({ "email": email, "role": "developer", "metadata": metadata });
        let answer = self.client.create(&self.organization, &body);
        if let Some(answer) = answer.as_ref().filter(|answer| answer.status == 201) {
            self.own.push((answer.id().to_owned(), email.clone()));
        }
        self.note_creation(email, answer.as_ref(), &[201])
    }

    /// Creates at an address that other writers use too, in any of the ways to meet a standing invitation.
    fn create_shared(&mut self) -> bool {
        let number = self.random.usize(0..SHARED_ADDRESSES);
        let email = format!("shared-{number}@{}.example", self.organization);
        let ways = ["error", "return", "replace", "resend"];
        let way = ways[self.random.usize(0..ways.len())];
        let body = json!({ "email": email, "role": "viewer", "onConflict": way });
        let answer = self.client.create(&self.organization, &body);
        if answer.as_ref().is_some_and(|answer| matches!(answer.status, 409 | 429)) {
            return true;
        }
        self.note_creation(email, answer.as_ref(), &[200, 201])
    }

    /// Asks for a role that no server allows, at an address of its own.
    fn create_refused(&mut self) -> bool {
        let email = self.fresh_address();
        let body = json!({ "email": email, "role": "not a role!" });
        let answer = self.client.create(&self.organization, &body);
        if answer.as_ref().is_some_and(|answer| answer.status == 422) {
            self.note(Entry::CreateRefused { email });
            return true;
        }
        self.note_creation(email, answer.as_ref(), &[])
    }

    /// Deletes one of the invitations at addresses of its own.
    fn delete_own(&mut self) -> bool {
        if self.own.is_empty() {
            return true;
        }
        let (id, email) = self.own.swap_remove(self.random.usize(0..self.own.len()));
        let answer = self.client.delete(&self.organization, &id);
        let entry = match &answer {
            None => Entry::DeleteUnanswered { id },
            Some(answer) if answer.status == 204 => {
                self.freed.push(email);
                Entry::Deleted { id }
            }
            Some(answer) if answer.status >= 500 => Entry::DeleteFailed { id, answer: brief(answer) },
            Some(answer) => Entry::Unexpected { what: format!("deletion: {}", brief(answer)) },
        };
        self.note(entry);
        answer.is_some()
    }

    /// Writes an entry down.
    fn note(&mut self, entry: Entry) {
        self.entries.push(Told { at: Instant::now(), entry });
    }

    /// Writes the answer to a creation down; false when there was none.
    fn note_creation(&mut self, email: String, answer: Option<&Answer>, good: &[u16]) -> bool {
        let entry = match answer {
            None => Entry::CreateUnanswered { email },
            Some(answer) if good.contains(&answer.status) => Entry::Created { id: answer.id().to_owned(), email },
            Some(answer) if answer.status >= 500 => Entry::CreateFailed { email, answer: brief(answer) },
            Some(answer) => Entry::Unexpected { what: format!("{email}: {}", brief(answer)) },
        };
        self.note(entry);
        answer.is_some()
    }
}

/// The entries alone, for trials in which the moment does not matter.
pub fn entries(told: Vec<Told>) -> Vec<Entry> {
    told.into_iter().map(|told| told.entry).collect()
}

/// The status and the code of an answer.
fn brief(answer: &Answer) -> String {
    match answer.code() {
        "" => format!("{} {}", answer.status, answer.body),
        code => format!("{} {code}", answer.status),
    }
}

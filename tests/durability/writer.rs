//! One writer: mixes every kind of change and keeps what it is told.

use std::time::Instant;

use serde_json::{Value, json};

use crate::client::{Answer, Client, invitations};
use crate::ledger::{Change, Entry, Reply};
use crate::load::Told;

/// Addresses that the writers of one organization fight for.
const SHARED_ADDRESSES: usize = 6;

/// The most rows of a batch.
const BATCH_ROWS: usize = 5;

/// A role that no server allows.
const BAD_ROLE: &str = "not a role!";

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

    /// Creates at a new address.
    fn create_fresh(&mut self) {
        let email = self.fresh_address();
        self.create_own(email);
    }

    /// Creates at an address that only this writer uses.
    fn create_own(&mut self, email: String) {
        let body = self.row(&email, "developer");
        let answer = self.client.create(&self.organization, &body);
        self.note_creation((email, "developer", None), answer.as_ref(), (&[201], &[]));
    }

    /// Creates at an address that other writers use too, in any of the ways to meet a standing
    /// invitation.
    fn create_shared(&mut self) {
        let number = self.random.usize(0..SHARED_ADDRESSES);
        let email = format!("shared-{number}@{}.example", self.organization);
        let ways = ["error", "return", "replace", "resend"];
        let way = ways[self.random.usize(0..ways.len())];
        let body = json!({ "email": email, "role": "viewer", "onConflict": way });
        let answer = self.client.create(&self.organization, &body);
        let answered = |status| answer.as_ref().filter(|answer| answer.status == status);
        if answered(409).is_some() {
            return;
        }
        let create = Change::Create {
            email,
            role: "viewer".to_owned(),
            batch: None,
        };
        self.note(create, answer.as_ref(), (&[200, 201], &[]));
        if let Some(standing) = answered(200).filter(|_| way == "resend") {
            self.note(
                Change::Resend {
                    id: standing.made().to_owned(),
                },
                Some(standing),
                (&[200], &[]),
            );
        }
    }

    /// Asks for a role that no server allows, at an address of its own.
    fn create_refused(&mut self) {
        let email = self.fresh_address();
        let body = self.row(&email, BAD_ROLE);
        let answer = self.client.create(&self.organization, &body);
        self.note_creation((email, BAD_ROLE, None), answer.as_ref(), (&[], &[422]));
    }

    /// Creates at several new addresses at once. A bad row fails alone, or with all others where
    /// the batch is atomic.
    pub fn create_batch(&mut self) {
        let emails: Vec<String> = (0..self.random.usize(2..=BATCH_ROWS))
            .map(|_| self.fresh_address())
            .collect();
        let (is_atomic, has_bad_row) = (self.random.bool(), self.random.u32(0..3) == 0);
        let bad_row = has_bad_row.then(|| self.random.usize(0..emails.len()));
        let role_of = |index| {
            if bad_row == Some(index) {
                BAD_ROLE
            } else {
                "developer"
            }
        };
        let rows: Vec<Value> = emails
            .iter()
            .enumerate()
            .map(|(index, email)| self.row(email, role_of(index)))
            .collect();
        let path = format!("{}/batch", invitations(&self.organization));
        let answer = self
            .client
            .post(&path, &json!({ "invitations": rows, "atomic": is_atomic }));
        let batch = is_atomic.then(|| emails[0].clone());
        for (index, email) in emails.into_iter().enumerate() {
            let answer = answer.as_ref().map(|answer| answer.row(index));
            let expected: (&[u16], &[u16]) = match bad_row {
                Some(bad_row) if bad_row == index => (&[], &[422]),
                Some(_) if is_atomic => (&[], &[424]),
                _ => (&[201], &[]),
            };
            self.note_creation(
                (email, role_of(index), batch.clone()),
                answer.as_ref(),
                expected,
            );
        }
    }

    /// Deletes one of its invitations, pending or accepted.
    fn delete(&mut self) {
        let list = if self.random.bool() {
            &mut self.pending
        } else {
            &mut self.accepted
        };
        let Some(own) = take(list, &mut self.random) else {
            return self.create_batch();
        };
        let answer = self.client.delete(&self.path(&own, ""));
        let Own { id, email } = own;
        if self.note(
            Change::Delete {
                id,
                email: email.clone(),
            },
            answer.as_ref(),
            (&[204], &[]),
        ) {
            self.freed.push(email);
        }
    }

    /// Sends one of its invitations again.
    fn resend(&mut self) {
        let Some(own) = take(&mut self.pending, &mut self.random) else {
            return self.create_batch();
        };
        let answer = self.client.post(&self.path(&own, "/resend"), &json!({}));
        if self.note(
            Change::Resend { id: own.id.clone() },
            answer.as_ref(),
            (&[200], &[]),
        ) {
            self.pending.push(own);
        }
    }

    /// Gives one of its invitations a role that no other request asks for.
    fn update(&mut self) {
        let Some(own) = take(&mut self.pending, &mut self.random) else {
            return self.create_batch();
        };
        self.used += 1;
        let role = format!("role-{}", self.used);
        let answer = self
            .client
            .patch(&self.path(&own, ""), &json!({ "role": role }));
        if self.note(
            Change::Update {
                id: own.id.clone(),
                role,
            },
            answer.as_ref(),
            (&[200], &[]),
        ) {
            self.pending.push(own);
        }
    }

    /// Accepts one of its invitations, now and then for a person who was not invited.
    fn accept(&mut self) {
        let Some(own) = take(&mut self.pending, &mut self.random) else {
            return self.create_batch();
        };
        let is_stranger = self.random.u32(0..4) == 0;
        let email = if is_stranger {
            "stranger@b.example"
        } else {
            own.email.as_str()
        };
        let answer = self
            .client
            .post(&self.path(&own, "/accept"), &json!({ "email": email }));
        let change = Change::Close {
            id: own.id.clone(),
            status: "accepted",
        };
        if is_stranger {
            self.note(change, answer.as_ref(), (&[], &[403]));
            self.pending.push(own);
        } else if self.note(change, answer.as_ref(), (&[200], &[])) {
            self.accepted.push(own);
        }
    }

    /// Takes one of its invitations back.
    fn revoke(&mut self) {
        let Some(own) = take(&mut self.pending, &mut self.random) else {
            return self.create_batch();
        };
        let answer = self.client.post(&self.path(&own, "/revoke"), &json!({}));
        if self.note(
            Change::Close {
                id: own.id,
                status: "revoked",
            },
            answer.as_ref(),
            (&[200], &[]),
        ) {
            self.freed.push(own.email);
        }
    }

    /// Makes an API key, or revokes one that it made.
    fn change_keys(&mut self) {
        if self.random.bool()
            && let Some((name, key)) = self.keys.pop()
        {
            let id = key.split('_').nth(1).unwrap_or_default();
            let answer = self.client.delete(&format!("/v1/keys/{id}"));
            self.note(Change::RevokeKey { name }, answer.as_ref(), (&[204], &[]));
            return;
        }
        let name = self.fresh_address();
        let answer = self.client.post(
            "/v1/keys",
            &json!({ "name": name, "scopes": ["invitations:read"] }),
        );
        if self.note(
            Change::MakeKey { name: name.clone() },
            answer.as_ref(),
            (&[201], &[]),
        ) {
            let key = answer
                .as_ref()
                .map(Answer::made)
                .unwrap_or_default()
                .to_owned();
            self.keys.push((name, key));
        }
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

/// Takes any of a list out.
fn take(list: &mut Vec<Own>, random: &mut fastrand::Rng) -> Option<Own> {
    if list.is_empty() {
        None
    } else {
        Some(list.swap_remove(random.usize(0..list.len())))
    }
}

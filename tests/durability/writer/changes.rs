//! The changes that a writer asks for.

use serde_json::{Value, json};

use super::{Own, Writer};
use crate::client::{Answer, invitations};
use crate::ledger::Change;

/// Addresses that the writers of one organization fight for.
const SHARED_ADDRESSES: usize = 6;

/// The most rows of a batch.
const BATCH_ROWS: usize = 5;

/// A role that no server allows.
const BAD_ROLE: &str = "not a role!";

impl Writer {
    /// Creates at a new address.
    pub fn create_fresh(&mut self) {
        let email = self.fresh_address();
        self.create_own(email);
    }

    /// Creates at an address that only this writer uses.
    pub fn create_own(&mut self, email: String) {
        let body = self.row(&email, "developer");
        let answer = self.client.create(&self.organization, &body);
        self.note_creation((email, "developer", None), answer.as_ref(), (&[201], &[]));
    }

    /// Creates at an address that other writers use too, in any of the ways to meet a standing
    /// invitation.
    pub fn create_shared(&mut self) {
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
    pub fn create_refused(&mut self) {
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
    pub fn delete(&mut self) {
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
    pub fn resend(&mut self) {
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
    pub fn update(&mut self) {
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
    pub fn accept(&mut self) {
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
    pub fn revoke(&mut self) {
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
    pub fn change_keys(&mut self) {
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
}

/// Takes any of a list out.
fn take(list: &mut Vec<Own>, random: &mut fastrand::Rng) -> Option<Own> {
    if list.is_empty() {
        None
    } else {
        Some(list.swap_remove(random.usize(0..list.len())))
    }
}

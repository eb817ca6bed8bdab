//! What a server shows, compared with what the model says.

use serde_json::{Value, json};

use super::{Compared, Driver, text};
use crate::model::operation::ROLES;
use crate::model::rules::Model;
use crate::model::state::{Answer, Invitation, Shows};
use crate::support::kept::{Call, Reply};

impl Driver {
    /// Compares an answer with what the model expects.
    pub fn compare_reply(&self, model: &Model, expected: &Answer, reply: &Reply) -> Compared {
        let (status, body) = (reply.status, &reply.body);
        match expected {
            Ok((200..=299, Shows::Nothing)) | Err(_) => {}
            Ok((_, shows)) => same_json("the body", &self.shown(model, shows), body)?,
        }
        match expected {
            Ok((expected, _)) => same(
                "the status",
                &(*expected, ""),
                &(status, body["code"].as_str().unwrap_or("")),
            ),
            Err(refusal) => {
                let text = |name: &str| body[name].as_str().map(str::to_owned);
                same(
                    "the refusal",
                    &refusal.code,
                    &(status, body["code"].as_str().unwrap_or("")),
                )?;
                let named = refusal
                    .names
                    .map(|index| model.invitations[index].id.clone());
                same("invitationId", &named, &text("invitationId"))?;
                same(
                    "invitationStatus",
                    &refusal.standing.map(str::to_owned),
                    &text("invitationStatus"),
                )?;
                same("Retry-After", &refusal.retry_after, &reply.retry_after)
            }
        }
    }

    /// What an answer has to show.
    fn shown(&self, model: &Model, shows: &Shows) -> Value {
        let invitation = |index: usize| self.invitation(&model.invitations[index], model.now);
        match shows {
            Shows::Nothing => Value::Null,
            Shows::Invitation(index) => invitation(*index),
            Shows::Invitations(indexes) => indexes.iter().map(|&index| invitation(index)).collect(),
            Shows::Preview(index) => {
                let whole = invitation(*index);
                let seen = ["organizationId", "role", "status", "expiresAt"];
                let seen = seen.map(|name| (name.to_owned(), whole[name].clone()));
                // A link that an application gives needs a code.
                let proof = (whole["status"] == "pending")
                    .then(|| ("acceptance".to_owned(), json!("code")));
                seen.into_iter().chain(proof).collect()
            }
            Shows::Link(index) => {
                let invitation = &model.invitations[*index];
                let token = invitation.tokens.last().cloned().unwrap_or_default();
                let url = format!("http://invited.test/accept#{token}");
                json!({ "token": token, "url": url, "expiresAt": text(invitation.expires_at) })
            }
        }
    }

    /// An invitation as the API has to show it.
    fn invitation(&self, invitation: &Invitation, now: i64) -> Value {
        let status = invitation.status(now);
        let mut shown = json!({
            "role": ROLES[invitation.role],
            "id": invitation.id,
            "email": self.email(invitation.address),
            "createdAt": text(invitation.created_at),
            "expiresAt": text(invitation.expires_at),
            "organizationId": self.name(invitation.organization),
            "status": status,
            "updatedAt": text(invitation.updated_at),
        });
        if let Some(closed_at) = invitation.closed_at {
            shown[format!("{status}At")] = json!(text(closed_at));
        }
        if status == "accepted" {
            shown["acceptedBy"] = json!(format!("user-{}", invitation.address));
        }
        if let Some(n) = invitation.metadata {
            shown["metadata"] = json!({ "n": n });
        }
        if let Some(last_sent_at) = invitation.last_sent_at {
            shown["sendCount"] = json!(invitation.send_count);
            shown["lastSentAt"] = json!(text(last_sent_at));
        }
        // The model's server has no mail.
        shown["delivery"] = json!("none");
        shown
    }

    /// Compares everything that can be seen in the end.
    pub fn compare_state(&self, model: &Model) -> Compared {
        for (organization, expected) in model.organizations.iter().enumerate() {
            let read = |rest: &str| {
                let path = self.organization(organization) + rest;
                self.kept.send(&Call::new("GET", path, Value::Null))
            };
            let list = self.shown(model, &model.list(organization, &[]));
            same_json("the list", &list, &read("/invitations")?.body)?;
            let history = |&(event, index, at): &(&str, Option<usize>, i64)| {
                let id = index.map(|index| model.invitations[index].id.clone());
                json!([event, id, text(at)])
            };
            let seen = read("/events?order=asc&limit=1000")?.body;
            let seen = seen.as_array().into_iter().flatten();
            let seen = seen
                .map(|event| json!([event["type"], event["invitationId"], event["createdAt"]]))
                .collect();
            same_json(
                "the history",
                &expected.events.iter().map(history).collect(),
                &seen,
            )?;
        }
        same(
            "foreign_key_check",
            &Vec::new(),
            &self.app.db_rows("pragma foreign_key_check"),
        )
    }
}

/// Compares one thing.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, seen: &T) -> Compared {
    if expected == seen {
        Ok(())
    } else {
        Err(format!(
            "{what}: the model says {expected:?}, the server {seen:?}"
        ))
    }
}

/// Compares one thing as JSON.
fn same_json(what: &str, expected: &Value, seen: &Value) -> Compared {
    if expected == seen {
        Ok(())
    } else {
        Err(format!(
            "{what}: the model says {expected}, the server {seen}"
        ))
    }
}

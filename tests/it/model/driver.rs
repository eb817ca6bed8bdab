//! Does a sequence of operations with the real server and with the model, and compares.

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::operation::{Lifetime, ORGANIZATIONS, Operation, Pick, ROLES, Token};
use super::rules::{Flaw, Model};
use super::state::{Answer, Invitation, Shows};
use crate::support::kept::{Call, Kept, Reply};
use crate::support::{START, TestApp};

/// An id that nothing has.
const NO_ID: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
/// The settings of the server: the limits count by the machine's time, so none is on.
const SETTINGS: [&str; 6] = [
    "--limit-recipient",
    "0",
    "--limit-proofs",
    "0",
    "--limit-address",
    "0",
];

/// What a sequence ends with: nothing, or the first difference.
pub type Compared<T = ()> = Result<T, String>;

/// A server that does one sequence after the other.
pub struct Driver {
    /// The server.
    app: TestApp,
    /// A kept connection to it.
    kept: Kept,
    /// How many sequences there were: each has organizations and addresses of its own.
    runs: u64,
}

/// A time as the API writes it.
fn text(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

impl Driver {
    /// A driver with a server of its own.
    pub fn start() -> Self {
        let app = TestApp::start(Mode::Serve, &SETTINGS);
        Self {
            kept: Kept::new(&app),
            app,
            runs: 0,
        }
    }

    /// Does one sequence; answers the first difference to a model with `flaw`.
    pub fn compare(&mut self, operations: &[Operation], flaw: Option<Flaw>) -> Compared {
        self.runs += 1;
        self.app.clock.set(Timestamp::from_millis(START));
        let mut model = Model::new(flaw);
        let compared = self.do_all(&mut model, operations);
        let cleared = self.clear(&mut model);
        compared.and(cleared)
    }

    /// Does all operations on both sides, and compares what is there then.
    fn do_all(&mut self, model: &mut Model, operations: &[Operation]) -> Compared {
        for (step, operation) in operations.iter().enumerate() {
            self.step(model, operation)
                .map_err(|difference| format!("step {}: {difference}", step + 1))?;
        }
        self.compare_state(model)
            .map_err(|difference| format!("in the end: {difference}"))
    }

    /// Does one operation on both sides.
    fn step(&mut self, model: &mut Model, operation: &Operation) -> Compared {
        let call = self.call(model, operation);
        let made = model.invitations.len();
        let Some(expected) = model.apply(operation) else {
            self.app.clock.set(Timestamp::from_millis(model.now));
            if matches!(operation, Operation::Restart) {
                self.kept.close();
                self.app.restart();
                self.kept = Kept::new(&self.app);
            }
            return Ok(());
        };
        let Some(call) = call else {
            return Err("an operation without a request".to_owned());
        };
        let reply = self.kept.send(&call)?;
        if let Some(new) = model.invitations.get_mut(made) {
            new.id = reply.body["id"].as_str().unwrap_or_default().to_owned();
        }
        self.compare_reply(model, &expected, &reply)?;
        match expected {
            Ok((_, Shows::Invitation(shown))) => self.fetch_token(model, shown),
            _ => Ok(()),
        }
    }

    /// The request of an operation, if it has one.
    fn call(&self, model: &Model, operation: &Operation) -> Option<Call> {
        let with = |method, path: String, body| Some(Call::new(method, path, body));
        let of = |pick: Pick, rest: &str| self.path_of(model, pick) + rest;
        match *operation {
            Operation::Create {
                organization,
                address,
                role,
                lifetime,
                on_conflict,
            } => {
                let mut body =
                    json!({ "email": self.email(address).to_uppercase(), "role": ROLES[role] });
                add_lifetime(&mut body, lifetime, model.now);
                body["onConflict"] = json!(on_conflict);
                with(
                    "POST",
                    self.organization(organization) + "/invitations",
                    body,
                )
            }
            Operation::Get(pick) => with("GET", of(pick, ""), Value::Null),
            Operation::List {
                organization,
                ref statuses,
            } => {
                let query = if statuses.is_empty() {
                    String::new()
                } else {
                    format!("?status={}", statuses.join(","))
                };
                with(
                    "GET",
                    format!("{}/invitations{query}", self.organization(organization)),
                    Value::Null,
                )
            }
            Operation::Open(address) => with(
                "GET",
                format!("/v1/invitations?email={}", self.email(address)),
                Value::Null,
            ),
            Operation::Delete(pick) => with("DELETE", of(pick, ""), Value::Null),
            Operation::Patch {
                pick,
                role,
                lifetime,
                metadata,
            } => {
                let mut body = json!({ "role": role.map(|role| ROLES[role]) });
                add_lifetime(&mut body, lifetime, model.now);
                if let Some(metadata) = metadata {
                    body["metadata"] = json!(metadata.map(|n| json!({ "n": n })));
                }
                with("PATCH", of(pick, ""), body)
            }
            Operation::Resend(pick, lifetime) => {
                let mut body = json!({});
                add_lifetime(&mut body, lifetime, model.now);
                with("POST", of(pick, "/resend"), body)
            }
            Operation::Revoke(pick) => with("POST", of(pick, "/revoke"), Value::Null),
            Operation::Accept { pick, is_invited } => {
                let found = model.back(pick.back).map(|found| &model.invitations[found]);
                with("POST", of(pick, "/accept"), self.claim(found, is_invited))
            }
            Operation::Link(pick) => with("POST", of(pick, "/link"), Value::Null),
            Operation::Answer {
                back,
                token,
                accepts,
                is_invited,
            } => {
                let found = model.back(back).map(|found| &model.invitations[found]);
                let mut body = self.claim(found, is_invited);
                body["token"] = json!(spell(found, token));
                with(
                    "POST",
                    format!(
                        "/v1/invitations/{}",
                        if accepts { "accept" } else { "decline" }
                    ),
                    body,
                )
            }
            Operation::Lookup { back, token } => {
                let found = model.back(back).map(|found| &model.invitations[found]);
                with(
                    "POST",
                    "/v1/invitations/lookup".to_owned(),
                    json!({ "token": spell(found, token) }),
                )
                .map(Call::without_key)
            }
            Operation::Cap(organization, cap) => with(
                "PUT",
                self.organization(organization),
                json!({ "maxPending": cap }),
            ),
            Operation::Disband(organization) => {
                with("DELETE", self.organization(organization), Value::Null)
            }
            Operation::Clock(_) | Operation::Restart => None,
        }
    }

    /// The path of an organization of this sequence.
    fn organization(&self, organization: usize) -> String {
        format!("/v1/organizations/{}", self.name(organization))
    }

    /// The id of an organization of this sequence.
    fn name(&self, organization: usize) -> String {
        format!("run{}-{organization}", self.runs)
    }

    /// An address of this sequence.
    fn email(&self, address: usize) -> String {
        format!("person{address}@run{}.example", self.runs)
    }

    /// The path of the invitation that is meant.
    fn path_of(&self, model: &Model, pick: Pick) -> String {
        let found = model.back(pick.back).map(|found| &model.invitations[found]);
        let own = found.map_or(0, |found| found.organization);
        let organization = if pick.is_foreign {
            (own + 1) % ORGANIZATIONS
        } else {
            own
        };
        let id = found.map_or(NO_ID, |found| &found.id);
        format!("{}/invitations/{id}", self.organization(organization))
    }

    /// What the application vouches for: the invited address, or another one.
    fn claim(&self, invitation: Option<&Invitation>, is_invited: bool) -> Value {
        let address = invitation.map_or(0, |invitation| invitation.address);
        let email = if is_invited {
            self.email(address)
        } else {
            format!("not-{}", self.email(address))
        };
        json!({ "email": email, "subject": format!("user-{address}") })
    }

    /// Compares an answer with what the model expects.
    fn compare_reply(&self, model: &Model, expected: &Answer, reply: &Reply) -> Compared {
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
                seen.into_iter()
                    .map(|name| (name.to_owned(), whole[name].clone()))
                    .collect()
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

    /// Gets the link of an invitation that was just made or sent again.
    fn fetch_token(&self, model: &mut Model, index: usize) -> Compared {
        if model.invitations[index].tokens.len() > model.invitations[index].send_count {
            return Ok(());
        }
        let invitation = &mut model.invitations[index];
        let path = format!(
            "{}/invitations/{}/link",
            self.organization(invitation.organization),
            invitation.id
        );
        let reply = self.kept.send(&Call::new("POST", path, Value::Null))?;
        let token = reply.body["token"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() || invitation.tokens.contains(&token) {
            return Err(format!(
                "there is no new link after a sending: {} {}",
                reply.status, reply.body
            ));
        }
        invitation.tokens.push(token);
        Ok(())
    }

    /// Compares everything that can be seen in the end.
    fn compare_state(&self, model: &Model) -> Compared {
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

    /// Deletes the organizations, after a difference too: the next sequence, perhaps a shorter one,
    /// begins with an empty file.
    fn clear(&self, model: &mut Model) -> Compared {
        let delete = |organization| {
            let call = Call::new("DELETE", self.organization(organization), Value::Null);
            self.kept.send(&call)
        };
        let replies: Vec<_> = (0..ORGANIZATIONS).map(delete).collect::<Result<_, _>>()?;
        for (organization, reply) in replies.iter().enumerate() {
            let expected = model.disband(organization);
            self.compare_reply(model, &expected, reply)?;
        }
        for table in ["organization", "invitation", "event", "code"] {
            same(
                table,
                &Vec::new(),
                &self.app.db_rows(&format!("select 1 from {table}")),
            )?;
        }
        Ok(())
    }
}

/// Compares one thing.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, seen: &T) -> Compared {
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

/// Says how long an invitation is to live.
fn add_lifetime(body: &mut Value, lifetime: Lifetime, now: i64) {
    match lifetime {
        Lifetime::Default => {}
        Lifetime::In(seconds) => body["expiresIn"] = json!(seconds),
        Lifetime::At(millis) => body["expiresAt"] = json!(text(now + millis)),
    }
}

/// The token that is given; without an invitation one that was never made.
fn spell(invitation: Option<&Invitation>, token: Token) -> String {
    let Some(tokens) = invitation.map(|invitation| &invitation.tokens) else {
        return invited::redemption::EXAMPLE_TOKEN.to_owned();
    };
    let last = tokens.len() - 1;
    match token {
        Token::Current => tokens[last].clone(),
        Token::Superseded(by) if last > 0 => tokens[last - by.min(last)].clone(),
        Token::Superseded(place) | Token::Altered(place) => {
            let mut bytes = tokens[last].clone().into_bytes();
            let place = place % bytes.len();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

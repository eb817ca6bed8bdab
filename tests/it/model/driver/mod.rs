//! A driver does a sequence of operations with the real server and with the model.
//!
//! * [`compare`]: what a server shows, compared with what the model says.

mod compare;

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::operation::{Lifetime, ORGANIZATIONS, Operation, Pick, ROLES, Token};
use super::rules::{Flaw, Model};
use super::state::{Invitation, Shows};
use crate::support::kept::{Call, Kept};
use crate::support::process::run;
use crate::support::{START, TestApp, tally};
use compare::same;

/// An id that nothing has.
const NO_ID: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
/// Sequences between two looks at the whole file.
const RUNS_PER_LOOK: u64 = 10;
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
        if self.runs.is_multiple_of(RUNS_PER_LOOK) {
            self.verify();
        }
        let cleared = self.clear(&mut model);
        compared.and(cleared)
    }

    /// Looks through the file with the command: each invitation is what its history says.
    fn verify(&self) {
        let output = run(&["verify", "--database", &self.app.database.to_string_lossy()]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }

    /// Does all operations on both sides, and compares what is there then.
    fn do_all(&mut self, model: &mut Model, operations: &[Operation]) -> Compared {
        for (step, operation) in operations.iter().enumerate() {
            self.step(model, operation)
                .map_err(|difference| format!("step {}: {difference}", step + 1))?;
        }
        // What the file counts as it changes is what is there.
        tally::check(&self.app.database);
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

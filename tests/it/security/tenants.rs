//! Tenants are invisible to each other: every operation of the document for every kind of caller,
//! in both spellings of a key.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use super::callers::{Caller, Kind, callers, expected, has};
use super::operations::{MEMBER, Needs, Operation, all, document};
use crate::support::life::{Contents, path_of};
use crate::support::{Answer, TestApp, invitations};

/// The address of the invitation that every probe aims at.
const TARGET: &str = "target@b.co";
/// An id that no invitation has.
const MISSING: &str = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";

/// What the matrix is played on: acme and globex each with an invitation of the same address, and a
/// key bound to acme.
struct Board {
    /// The server.
    app: TestApp,
    /// Acme's invitation.
    target: Value,
    /// Its token.
    token: String,
    /// The id of a key that acme has.
    key: String,
    /// The id of a webhook that acme has, and of its one delivery.
    webhook: String,
    /// What the file held when all was set.
    before: Contents,
    /// The ids of the keys that the callers have, those that live.
    live: Vec<String>,
}

impl Board {
    /// Sets everything.
    fn new() -> (Self, Vec<Caller>) {
        let off = [
            "--limit-recipient",
            "0",
            "--limit-address",
            "0",
            "--limit-proofs",
            "0",
            "--resend-cooldown",
            "0s",
        ];
        let app = TestApp::start(Mode::Serve, &off);
        let callers = callers(&app);
        let (token, key, webhook) = (String::new(), String::new(), String::new());
        let live = app
            .db_rows("select id from api_key where revoked_at is null")
            .concat();
        let mut board = Self {
            app,
            target: Value::Null,
            token,
            key,
            webhook,
            before: Contents::new(),
            live,
        };
        board.set();
        (board, callers)
    }

    /// Sets acme and its key anew.
    fn set(&mut self) {
        self.app.request("DELETE", "/v1/organizations/acme").send();
        self.revive();
        if self.app.get(&invitations("globex")).text() == "[]" {
            self.app.invite("globex", TARGET);
        }
        self.target = self.app.invite("acme", TARGET);
        self.token = self.app.token_of(&self.target);
        let member = self.app.invite("acme", "member@b.co");
        let joining = json!({ "email": "member@b.co", "subject": MEMBER });
        let accepted = self.app.change(&member, "accept", &joining);
        assert_eq!(accepted.status, 200, "{}", accepted.text());
        self.key = self.app.key(&[Scope::Read], &["acme"], None)[4..20].to_owned();
        self.webhook = self.set_webhook();
        self.before = self.app.contents();
    }

    /// Makes the callers' keys live again, which went with the organization that they are bound to.
    fn revive(&self) {
        let live = self.live.join(" ");
        let job = move |tx: &invited::db::WriteTx<'_>| {
            Ok(tx.execute(
                "update api_key set revoked_at = null where instr(?1, '\"' || id || '\"')",
                [live],
            )?)
        };
        invited::db::write_file(&self.app.database, job).expect("it revives");
    }

    /// Gives acme a webhook that is told of nothing that happens here, with a delivery that has
    /// ended.
    fn set_webhook(&self) -> String {
        let body = json!({"url": "https://hooks.invalid/", "organizationId": "acme",
            "types": ["invitation.erased"]});
        let id = self.app.post("/v1/webhooks", &body.to_string()).json()["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let insert =
            "insert into webhook_delivery (webhook_id, id, state, due_at, attempts, created_at)
            values (unhex(?1), unhex(?1), 1, 0, 1, 0)";
        let job = |tx: &invited::db::WriteTx<'_>| Ok(tx.execute(insert, [id.replace('-', "")])?);
        assert_eq!(invited::db::write_file(&self.app.database, job), Ok(1));
        id
    }

    /// Sends an operation with its example, aimed at acme's invitation or the one named.
    fn send(
        &self,
        operation: &Operation,
        (organization, id): (&str, &str),
        authorization: Option<&str>,
    ) -> Answer {
        let path = operation.path_for(organization, id, &self.key, &self.webhook);
        let mut request = self.app.anonymous(&operation.method, &path);
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        match &operation.body {
            Some(body) => request.json(self.aimed(body).to_string()).send(),
            None => request.send(),
        }
    }

    /// Checks that a success did something, that anything else did nothing, and sets everything
    /// anew where it did.
    fn check_changes(&mut self, operation: &Operation, kind: Kind, status: u16, name: &str) {
        let now = self.app.contents();
        let only_looks = operation.is_read()
            // No mail waits here to be tried.
            || [
                "explainInvitation",
                "getInvitationLink",
                "lookupInvitation",
                "retryMail",
                "sendAcceptForm",
            ]
            .contains(&&*operation.id);
        if status == 200 && !only_looks {
            assert_ne!(now, self.before, "{name}: nothing was done");
            self.set();
        } else if operation.needs == Needs::Token && !only_looks && kind != Kind::Dead {
            // A wrong code is counted.
            for table in ["invitation", "event", "organization", "idempotency"] {
                assert_eq!(now[table], self.before[table], "{name}: {table}");
            }
            self.set();
        } else {
            assert_eq!(now, self.before, "{name}: something was changed");
        }
    }

    /// An example that is about the target.
    fn aimed(&self, example: &Value) -> Value {
        let mut body = example.clone();
        if !body["invitationId"].is_null() {
            body["invitationId"] = self.target["id"].clone();
        }
        if !body["token"].is_null() {
            body["token"] = json!(self.token);
            if !body["email"].is_null() {
                body["email"] = json!(TARGET);
            }
        } else if !body["subject"].is_null() {
            body["email"] = json!(TARGET);
        }
        body
    }
}

/// The `Authorization` of a key in both spellings; of no key, none.
fn spellings(key: Option<&str>) -> Vec<Option<String>> {
    let Some(key) = key else { return vec![None] };
    let (id, secret) = key[4..].split_once('_').expect("a key has two parts");
    let basic = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    vec![
        Some(format!("Bearer {key}")),
        Some(format!("Basic {basic}")),
    ]
}

/// An answer as far as it must be the same for two requests.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let varies = |name: &str| ["date", "x-request-id"].contains(&name);
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !varies(name))
        .cloned()
        .collect();
    headers.sort();
    (answer.status, headers, answer.without_request_id())
}

/// The operations that tell of the moment: when a key was used, what was counted, the room on the
/// disk, how far a check has come.
const MOMENTS: [&str; 4] = ["getKey", "getMetrics", "listFindings", "getHealthReady"];

#[test]
fn every_operation_gives_every_caller_exactly_their_right_in_both_spellings() {
    let (mut board, callers) = Board::new();
    let document = document();
    let mut cells = 0;
    for operation in all() {
        for (caller, key, kind) in &callers {
            let mut answers = Vec::new();
            for authorization in spellings(key.as_deref()) {
                let target = board.target["id"].as_str().expect("an id").to_owned();
                let answer = board.send(&operation, ("acme", &target), authorization.as_deref());
                let name = format!("{} by {caller}, {authorization:?}", operation.id);
                let status = if answer.status < 300 {
                    200
                } else {
                    answer.status
                };
                assert_eq!(
                    status,
                    expected(&operation, *kind),
                    "{name}: {}",
                    answer.text()
                );
                let asked = (answer.status == 401).then_some("Bearer");
                assert_eq!(answer.header("www-authenticate"), asked, "{name}");
                // In `serve` there is nothing to describe about what only `dev` has.
                if operation.needs != Needs::Development {
                    operation.check(&document, &answer);
                }
                board.check_changes(&operation, *kind, status, &name);
                if status != 200 && !matches!(operation.needs, Needs::Token) {
                    assert!(
                        !answer.text().contains("acme") && !answer.text().contains(TARGET),
                        "{name}: {}",
                        answer.text()
                    );
                }
                answers.push(comparable(&answer));
                cells += 1;
            }
            // What is wrong with the form of a key is told in its own spelling.
            if let [bearer, basic] = &answers[..]
                && (bearer.0 >= 300 || operation.is_read())
                && !MOMENTS.contains(&&*operation.id)
                && *caller != "malformed"
            {
                assert_eq!(bearer, basic, "{} by {caller}", operation.id);
            }
        }
    }
    assert!(cells > 1_000, "{cells}");
}

#[test]
fn what_is_foreign_is_answered_like_what_is_missing_to_the_byte() {
    let (board, callers) = Board::new();
    let target = board.target["id"].as_str().expect("an id");
    let own = board.app.get(&invitations("globex")).json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let strangers = callers
        .iter()
        .filter(|(_, _, kind)| matches!(kind, Kind::Foreign(_)));
    for (caller, key, kind) in strangers {
        let Kind::Foreign(scopes) = kind else {
            continue;
        };
        let bearer = format!("Bearer {}", key.as_deref().expect("a key"));
        let scoped = |operation: &Operation| match operation.needs {
            Needs::InOrganization(scope) => has(scopes, scope).then_some(()),
            _ => None,
        };
        for operation in all() {
            let Needs::InOrganization(_) = operation.needs else {
                continue;
            };
            let send = |place| comparable(&board.send(&operation, place, Some(&bearer)));
            let foreign = send(("acme", target));
            assert_eq!(foreign.0, 404, "{} by {caller}", operation.id);
            for (organization, id) in [
                ("acme", MISSING),
                ("acme", &*own),
                ("nobody", target),
                ("ACME", target),
            ] {
                assert_eq!(
                    send((organization, id)),
                    foreign,
                    "{} by {caller}: {organization} {id}",
                    operation.id
                );
            }
            // What can be no id is told so, to everybody.
            assert_eq!(send(("-", "x")).0, 404, "{} by {caller}", operation.id);
            // Nor is one that is missing in an organization that the key does see.
            if operation.path.contains("{invitationId}") && scoped(&operation).is_some() {
                assert_eq!(
                    send(("globex", MISSING)),
                    foreign,
                    "{} by {caller}",
                    operation.id
                );
                assert_eq!(
                    send(("globex", target)),
                    foreign,
                    "{} by {caller}",
                    operation.id
                );
            }
        }
    }
    assert_eq!(board.app.contents(), board.before);
}

#[test]
fn lists_over_organizations_show_only_what_the_key_may_see() {
    let (board, callers) = Board::new();
    for (caller, key, kind) in &callers {
        let (Kind::Own(scopes) | Kind::Foreign(scopes) | Kind::Everywhere(scopes)) = kind else {
            continue;
        };
        if !has(scopes, Scope::Read) {
            continue;
        }
        let seen: &[&str] = match kind {
            Kind::Own(_) => &["acme"],
            Kind::Foreign(_) => &["globex"],
            _ => &["acme", "globex"],
        };
        let get = |path: &str| {
            board
                .app
                .anonymous("GET", path)
                .bearer(key.as_deref().expect("a key"))
                .send()
                .json()
        };
        let names = |list: Value, field: &str| {
            let list = list.as_array().expect("an array").clone();
            list.iter()
                .map(|one| one[field].as_str().expect("text").to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(get("/v1/organizations"), "id"), seen, "{caller}");
        assert_eq!(
            names(get("/v1/invitations?email=target%40b.co"), "organizationId"),
            seen,
            "{caller}"
        );
    }
    assert_eq!(board.app.get(&path_of(&board.target)).status, 200);
}

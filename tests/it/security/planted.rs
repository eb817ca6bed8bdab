//! Secrets that were planted are found nowhere but in the answers that are there to give them.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use invited::base::organization_id::OrganizationId;
use invited::invitation::transition::CurrentInvitation;
use invited::invitation::{Invitation, code, store};
use invited::secret::Keyring;
use serde_json::{Value, json};
use uuid::Uuid;

use super::search::Search;
use super::talkative::Talkative;
use crate::support::client::{Answer, Request};
use crate::support::life::{contents_of, keyring_of, path_of};

/// How many invitations there are, each with at least one token.
const COUNT: usize = 1_000;
/// In how many organizations they are.
const ORGANIZATIONS: usize = 4;
/// How many threads make them.
const THREADS: usize = 32;

/// What was planted, and what was answered meanwhile.
#[derive(Default)]
struct Planted {
    /// The tokens.
    tokens: Vec<String>,
    /// The invitations with a live code.
    with_code: Vec<Value>,
    /// The answers, but those of `link`.
    answers: Vec<u8>,
}

impl Planted {
    /// Gets the link of `made`.
    fn link(&mut self, server: &Talkative, made: &Value) -> String {
        let link = server
            .post(&format!("{}/link", path_of(made)), &json!({}))
            .json();
        let token = link["token"].as_str().expect("a token").to_owned();
        self.tokens.push(token.clone());
        token
    }

    /// Notes an answer, which must have this status.
    fn note(&mut self, answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{}", answer.text());
        for (name, value) in &answer.headers {
            self.answers
                .extend([name.as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        }
        self.answers.extend(&answer.body);
    }

    /// Plants one, and does with it what its number says.
    fn plant(&mut self, server: &Talkative, number: usize) {
        let email = format!("planted{number}@b.co");
        let body = json!({ "email": email, "role": "developer" });
        let path = format!("/v1/organizations/o{}/invitations", number % ORGANIZATIONS);
        let made = Request::new(server.address, "POST", &path)
            .bearer(&server.key)
            .json(body.to_string())
            .send();
        self.note(&made, 201);
        let made = made.json();
        let token = self.link(server, &made);
        let asked = json!({ "token": token, "email": email });
        match number % 4 {
            0 => {
                self.note(
                    &server.post(&format!("{}/resend", path_of(&made)), &json!({})),
                    200,
                );
                let next = self.link(server, &made);
                self.note(&server.person("lookup", &json!({ "token": token })), 404);
                self.note(
                    &server.person("code", &json!({ "token": next, "email": email })),
                    202,
                );
                self.with_code.push(made);
            }
            1 => {
                self.note(&server.person("code", &asked), 202);
                self.note(
                    &server.person(
                        "accept",
                        &json!({ "token": token, "email": "eve@b.co", "code": "000000" }),
                    ),
                    404,
                );
                self.with_code.push(made);
            }
            2 => self.note(&server.post("/v1/invitations/accept", &asked), 200),
            _ => {
                self.note(&server.person("lookup", &json!({ "token": token })), 200);
                // The page gives the token back to whoever sent it, and to nobody else.
                let form = Request::new(server.address, "POST", "/accept")
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .body(format!("do=open&token={token}&email={email}"));
                assert_eq!(form.send().status, 200);
                self.note(&server.post("/v1/invitations/decline", &asked), 200);
                self.note(
                    &server.post(
                        "/v1/invitations/accept",
                        &json!({ "token": token, "rol": token }),
                    ),
                    400,
                );
                self.note(
                    &server.get(&format!("/v1/invitations?token={token}&email=x")),
                    400,
                );
            }
        }
    }
}

/// The live codes of invitations.
fn codes_of(database: &Path, keyring: &Keyring, invitations: &[Value]) -> Vec<String> {
    let current = |reader: &invited::db::Reader<'_>| {
        let code_of = |made: &Value| {
            let organization = made["organizationId"]
                .as_str()
                .and_then(OrganizationId::parse)
                .expect("an organization");
            let id = made["id"]
                .as_str()
                .and_then(|id| Uuid::try_parse(id).ok())
                .expect("an id");
            let show =
                |invitation: &Invitation<'_>| Ok(CurrentInvitation::of(&organization, invitation));
            let present =
                store::find(reader, reader.now, &organization, id, show)?.expect("an invitation");
            Ok(code::current(reader, keyring, &present)?
                .expect("a live code")
                .digits)
        };
        invitations.iter().map(code_of).collect()
    };
    invited::db::read_file(database, current).expect("the file reads")
}

#[test]
fn a_thousand_planted_tokens_are_found_in_no_file_no_log_and_no_answer_but_their_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Talkative::start(folder.path(), &[]);
    let planted = Mutex::new(Planted::default());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (server, planted) = (&server, &planted);
            scope.spawn(move || {
                let mut own = Planted::default();
                (thread..COUNT)
                    .step_by(THREADS)
                    .for_each(|number| own.plant(server, number));
                let mut all = planted.lock().expect("no thread panicked");
                all.tokens.append(&mut own.tokens);
                all.with_code.append(&mut own.with_code);
                all.answers.append(&mut own.answers);
            });
        }
    });
    let mut planted = planted.into_inner().expect("no thread panicked");
    for number in 0..ORGANIZATIONS {
        for what in ["invitations", "events?limit=1000"] {
            planted.note(
                &server.get(&format!("/v1/organizations/o{number}/{what}")),
                200,
            );
        }
    }
    for path in [
        "/v1/keys",
        "/v1/organizations",
        "/clickhouse/v1/organizations/o2/members",
    ] {
        planted.note(&server.get(path), 200);
    }
    assert_eq!(
        (planted.tokens.len(), planted.with_code.len()),
        (COUNT + COUNT / 4, COUNT / 2)
    );
    let database = folder.path().join("invited.db");
    let secret_text = std::fs::read(folder.path().join("invited.db.secret")).expect("the secret");
    let search = Search::new(&planted.tokens, secret_text.trim_ascii());
    // The search finds what there is to find.
    assert_eq!(
        search.count(format!("x{}y", planted.tokens[COUNT]).as_bytes()),
        2
    );
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("the file reads");
    let (file, wal, log) = (read("invited.db"), read("invited.db-wal"), read("log.txt"));
    let holds = |text: &[u8], what: &str| String::from_utf8_lossy(text).contains(what);
    assert!(
        holds(&log, "TRACE") && holds(&log, "/v1/invitations/accept"),
        "the log says everything it can"
    );
    assert!(
        holds(&[&file[..], &wal].concat(), "planted999@b.co")
            && holds(&planted.answers, "planted999@b.co")
    );
    for (name, text) in [
        ("file", &file),
        ("log of the file", &wal),
        ("log", &log),
        ("answers", &planted.answers),
    ] {
        assert_eq!(search.count(text), 0, "{name}");
    }
    assert!(!holds(&log, "@b.co"), "nor has the log addresses");
    let keyring = keyring_of(&folder.path().join("invited.db.secret"));
    let contents = contents_of(&database);
    let values: HashSet<&str> = contents
        .values()
        .flatten()
        .flat_map(|row| row.split(' '))
        .collect();
    for code in codes_of(&database, &keyring, &planted.with_code) {
        assert!(
            !values.contains(&*format!("{code:?}"))
                && !values.contains(&*format!("Integer({code})")),
            "{code}"
        );
    }
    assert!(contents["code"].len() > COUNT / 2 && contents["idempotency"].len() > COUNT);
    assert!(
        !contents["idempotency"]
            .iter()
            .any(|row| row.contains("/link")),
        "no link is stored"
    );
}

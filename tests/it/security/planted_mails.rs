//! The tokens that go out in mail are found nowhere but in the mail, whatever is done with them.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use super::search::Search;
use super::talkative::Talkative;
use crate::support::client::{Answer, Request};
use crate::support::endpoint::Endpoint;
use crate::support::life::path_of;
use crate::support::smtp::{Received, Smtp};

/// How many invitations there are.
const COUNT: usize = 1_000;
/// How many are made by one request.
const BATCH: usize = 250;
/// How many mail domains they are in: few mails go to one at a time.
const DOMAINS: usize = 40;
/// How many threads follow the links.
const THREADS: usize = 8;

/// The address of the invitation `number`.
fn email(number: usize) -> String {
    format!("planted{number}@d{}.example", number % DOMAINS)
}

/// The token that a mail brings.
fn token_in(mail: &Received) -> String {
    let text = mail.decoded();
    let start = text.find("ivm_").expect("a token");
    text[start..start + 101].to_owned()
}

/// Waits until `count` different tokens have come, and sorts them by their address, in the order in
/// which they came. A mail may come twice where it took long.
fn wait_for_mails(smtp: &Smtp, by_address: &mut HashMap<String, Vec<String>>, count: usize) {
    let mut looked = 0;
    while by_address.values().map(Vec::len).sum::<usize>() < count {
        let mails = smtp.wait(looked + 1);
        for mail in &mails[looked..] {
            let tokens = by_address.entry(mail.to[0].clone()).or_default();
            let token = token_in(mail);
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        looked = mails.len();
    }
}

/// What the server said.
#[derive(Default)]
struct Answers(Vec<u8>);

impl Answers {
    /// Notes an answer, which must have this status.
    fn note(&mut self, answer: &Answer, status: u16) {
        assert_eq!(answer.status, status, "{}", answer.text());
        for (name, value) in &answer.headers {
            self.0
                .extend([name.as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        }
        self.0.extend(&answer.body);
    }

    /// Makes all invitations. Returns them in their order.
    fn invite_all(&mut self, server: &Talkative) -> Vec<Value> {
        let mut made = Vec::new();
        for batch in 0..COUNT / BATCH {
            let row = |number| json!({ "email": email(number), "role": "developer" });
            let rows: Vec<_> = (batch * BATCH..(batch + 1) * BATCH).map(row).collect();
            let answer = Request::new(server.address, "POST", &batch_path(batch))
                .bearer(&server.key)
                .json(json!({ "invitations": rows }).to_string())
                .send();
            self.note(&answer, 200);
            let results = answer.json()["results"].clone();
            let results = results.as_array().expect("results");
            made.extend(results.iter().map(|result| result["invitation"].clone()));
        }
        made
    }

    /// Does with the link of a mail what its number says.
    fn follow(&mut self, server: &Talkative, number: usize, token: &str) {
        let by_link = json!({ "token": token });
        match number % 4 {
            0 => {
                self.note(&server.person("code", &by_link), 202);
                let wrong = json!({ "token": token, "code": "000000" });
                self.note(&server.person("accept", &wrong), 404);
            }
            1 => self.note(&server.person("accept", &by_link), 200),
            2 => {
                let with_user = json!({ "token": token, "subject": "user_7" });
                self.note(&server.post("/v1/invitations/accept", &with_user), 200);
            }
            _ => {
                self.note(&server.person("lookup", &by_link), 200);
                self.note(&server.person("decline", &by_link), 200);
                let misspelt = json!({ "token": token, "rol": token });
                self.note(&server.person("accept", &misspelt), 400);
                for (path, status) in [
                    (format!("/v1/invitations?token={token}&email=x"), 400),
                    (format!("/accept%23{token}"), 200),
                    (format!("/accept?token={token}"), 200),
                    (format!("/nowhere/{token}"), 404),
                ] {
                    self.note(&server.get(&path), status);
                }
            }
        }
    }

    /// Sends one again, and shows that the link before opens nothing and proves nothing.
    fn supersede(&mut self, server: &Talkative, made: &Value, token: &str) {
        let path = format!("{}/resend", path_of(made));
        self.note(&server.post(&path, &json!({})), 200);
        for what in ["lookup", "accept", "decline"] {
            self.note(&server.person(what, &json!({ "token": token })), 404);
        }
    }
}

/// The path of a batch.
fn batch_path(batch: usize) -> String {
    format!("/v1/organizations/o{batch}/invitations/batch")
}

/// Follows every link on several threads.
fn follow_all(server: &Talkative, tokens: &[String]) -> Answers {
    let follow = |thread: usize| {
        let mut own = Answers::default();
        (thread..COUNT)
            .step_by(THREADS)
            .for_each(|number| own.follow(server, number, &tokens[number]));
        own
    };
    std::thread::scope(|scope| {
        let follow = &follow;
        let all: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || follow(thread)))
            .collect();
        let parts = all.into_iter().map(|one| one.join().expect("it ends").0);
        Answers(parts.flatten().collect())
    })
}

/// Everything of the server but its mail: what the search must find nothing in.
fn places(folder: &Path, answers: Answers, webhooks: Vec<u8>) -> [(&'static str, Vec<u8>); 5] {
    let read = |name: &str| std::fs::read(folder.join(name)).expect("the file reads");
    [
        ("file", read("invited.db")),
        ("log of the file", read("invited.db-wal")),
        ("log", read("log.txt")),
        ("answers", answers.0),
        ("webhooks", webhooks),
    ]
}

#[test]
fn a_thousand_mailed_tokens_are_found_in_no_file_no_log_no_answer_and_no_webhook() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (smtp, endpoint) = (Smtp::start(), Endpoint::start());
    let server = Talkative::start(
        folder.path(),
        &[
            &["--smtp-url", &smtp.url(), "--mail-from", "a@acme.test"][..],
            &["--public-url", "https://invites.acme.test"],
            &["--webhook-allow", "127.0.0.1/32", "--limit-mailbox", "0"],
            &["--limit-codes", "0"],
        ]
        .concat(),
    );
    let mut answers = Answers::default();
    let hook = json!({ "url": endpoint.url() });
    answers.note(&server.post("/v1/webhooks", &hook), 201);
    let made = answers.invite_all(&server);
    let mut by_address = HashMap::new();
    wait_for_mails(&smtp, &mut by_address, COUNT);
    let first: Vec<_> = (0..COUNT)
        .map(|number| by_address[&email(number)][0].clone())
        .collect();
    // Some links die, and new ones come.
    let again: Vec<_> = (0..COUNT).step_by(20).collect();
    for &number in &again {
        answers.supersede(&server, &made[number], &first[number]);
    }
    wait_for_mails(&smtp, &mut by_address, COUNT + again.len());
    let mut tokens = first.clone();
    for &number in &again {
        tokens[number] = by_address[&email(number)][1].clone();
    }
    answers.0.extend(follow_all(&server, &tokens).0);
    for batch in 0..COUNT / BATCH {
        for what in ["invitations", "events?limit=1000"] {
            let path = format!("/v1/organizations/o{batch}/{what}");
            answers.note(&server.get(&path), 200);
        }
    }
    let webhook = server.get("/v1/webhooks").json()[0]["id"].clone();
    let log = format!(
        "/v1/webhooks/{}/deliveries",
        webhook.as_str().expect("an id")
    );
    answers.note(&server.get(&log), 200);
    answers.note(&server.get("/v1/audit"), 200);
    let arrived = endpoint.wait(COUNT);
    let webhooks: Vec<u8> = arrived
        .iter()
        .flat_map(|request| request.message.body.clone())
        .collect();

    let all = [first, tokens].concat();
    let secret = std::fs::read(folder.path().join("invited.db.secret")).expect("the secret");
    let search = Search::new(&all, secret.trim_ascii());
    let mailed: String = smtp.received().iter().map(Received::decoded).collect();
    assert!(
        search.count(mailed.as_bytes()) >= 2 * 2 * (COUNT + again.len()),
        "the search finds what is in the mails, in text and HTML"
    );
    let places = places(folder.path(), answers, webhooks);
    for (name, text) in &places {
        assert_eq!(search.count(text), 0, "{name}");
    }
    let holds = |place: usize, what: &str| String::from_utf8_lossy(&places[place].1).contains(what);
    assert!(holds(2, "TRACE") && holds(2, "/v1/invitations/accept"));
    assert!(holds(0, "planted") && holds(3, "planted") && holds(4, "planted"));
    assert!(holds(3, "user_7") && holds(3, "\"declined\""));
}

//! The table of bad inputs: every row is refused with its code, or accepted as documented.
//!
//! The rows are those of the design's list, by number.
//!
//! * [`email`]: B1-B26. [`fields`]: B13-B53, B87 and B90. [`lifetime`]: B47 and B48.
//! * [`json`]: B49-B60. [`uri`]: B33-B43 and B99. [`query`]: B32 and B41-B45.
//! * [`headers`]: B62 and B77-B92. [`wire`]: B40-B75. [`slow`]: B76.
//!
//! A row that is refused answers a complete problem document and changes nothing.
//! A row that the HTTP parser refuses may have an empty body.
//!
//! B79 is in `keys`, B82-B85 are in `answer` and `security`, B89 is in `lifecycle`, and B98 is in
//! `cli`.
//! B88, B93, B94, B96 and B97 are left out, since the service has no such operations.

mod email;
mod fields;
mod headers;
mod json;
mod lifetime;
mod query;
mod slow;
mod uri;
mod wire;

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use invited::base::error::ERRORS;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, invitations};

/// A body that is accepted, once.
const GOOD: &str = r#"{"email":"new@b.co","role":"developer"}"#;

/// What a row asks for.
#[derive(Clone, Copy, Debug)]
enum Expected<'a> {
    /// A complete problem document with this status and code; nothing changed.
    Problem(u16, &'static str),
    /// The same, about exactly one value: its pointer and what is wrong with it.
    About(u16, &'static str, &'a str, &'static str),
    /// Refused by the HTTP parser with one of these statuses, 0 being a closed connection; nothing
    /// changed.
    Parser(&'static [u16]),
    /// Answered with this status as if the row were not strange at all; nothing changed.
    Unchanged(u16),
    /// Answered with this status; what changed is the row's business.
    Done(u16),
}

/// A server with one pending invitation (a@b.co to acme), and what its rows have shown. Dropping it
/// reports all of that.
struct Table {
    /// The server.
    app: TestApp,
    /// What its file held after the last row.
    state: String,
    /// The rows that were not as expected.
    faults: Vec<String>,
}

impl Table {
    /// A table for `invited serve`.
    fn new() -> Self {
        Self::of(TestApp::serve())
    }

    /// A table for a server of one's own.
    fn of(app: TestApp) -> Self {
        app.invite("acme", "a@b.co");
        let state = state(&app);
        Self {
            app,
            state,
            faults: Vec::new(),
        }
    }

    /// Checks the answer to a row against what is expected, and that nothing changed where nothing
    /// may.
    fn row(&mut self, id: &str, what: impl Debug, answer: &Answer, expected: Expected<'_>) {
        let mut faults = match expected {
            Expected::Problem(status, code) => problem_faults(answer, status, code),
            Expected::About(status, code, pointer, field_code) => {
                let mut faults = problem_faults(answer, status, code);
                faults.extend(field_faults(answer, pointer, field_code));
                faults
            }
            Expected::Parser(statuses) => parser_faults(answer, statuses),
            Expected::Unchanged(status) | Expected::Done(status) if answer.status == status => {
                Vec::new()
            }
            Expected::Unchanged(_) | Expected::Done(_) => vec!["another status".to_owned()],
        };
        let state = state(&self.app);
        if state != self.state && !matches!(expected, Expected::Done(_)) {
            faults.push(format!("something changed: {}\nbecame {state}", self.state));
        }
        self.state = state;
        if !faults.is_empty() {
            let what: String = format!("{what:?}").chars().take(160).collect();
            let text: String = answer.text().chars().take(400).collect();
            let faults = faults.join("; ");
            self.faults.push(format!(
                "{id} {what}\n  expected {expected:?}: {faults}\n  got {} {text}",
                answer.status
            ));
        }
    }

    /// POSTs `body` to acme's invitations and checks the row.
    fn create(&mut self, id: &str, body: &str, expected: Expected<'_>) -> Answer {
        let answer = self.app.post(&invitations("acme"), body);
        self.row(id, body, &answer, expected);
        answer
    }

    /// GETs `path` and checks the row.
    fn get(&mut self, id: &str, path: &str, expected: Expected<'_>) -> Answer {
        let answer = self.app.get(path);
        self.row(id, path, &answer, expected);
        answer
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let (count, faults) = (self.faults.len(), self.faults.join("\n\n"));
            assert!(
                self.faults.is_empty(),
                "{count} rows are not as expected:\n\n{faults}\n"
            );
        }
    }
}

/// What the API lists and how many rows the file has: the same before and after whatever is
/// refused.
fn state(app: &TestApp) -> String {
    let count = |table: &str| format!("(select count(*) from {table})");
    let tables = [
        "invitation",
        "event",
        "organization",
        "idempotency",
        "api_key",
    ];
    let counts = app.db_rows(&format!("select {}", tables.map(count).join(" || ' ' || ")));
    // A mail that goes out is nobody's request.
    format!(
        "{:?} {}",
        counts[0],
        app.get(&invitations("acme"))
            .text()
            .replace("queued", "sent")
    )
}

/// What an answer lacks to be the complete problem document of `code`.
fn problem_faults(answer: &Answer, status: u16, code: &str) -> Vec<String> {
    let Ok(problem) = serde_json::from_slice::<Value>(&answer.body) else {
        return vec!["no JSON".to_owned()];
    };
    let row = ERRORS
        .iter()
        .find(|row| row.name == code)
        .expect("a code of the table of errors");
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let parts = [
        (
            "status",
            answer.status == status && problem["status"] == status && row.status == status,
        ),
        (
            "content type",
            answer.header("content-type") == Some("application/problem+json"),
        ),
        ("code", text("code") == code),
        ("type", text("type") == format!("/problems/{code}")),
        ("title", text("title") == row.title),
        ("detail", !text("detail").is_empty()),
        (
            "requestId",
            !text("requestId").is_empty()
                && answer.header("x-request-id") == Some(&*text("requestId")),
        ),
        (
            "no-store",
            answer.header("cache-control") == Some("no-store"),
        ),
        (
            "nosniff",
            answer.header("x-content-type-options") == Some("nosniff"),
        ),
        (
            "nothing of the inside",
            !["sqlite", ".rs:", "serde", "panic"]
                .iter()
                .any(|word| text("detail").contains(word)),
        ),
    ];
    parts
        .iter()
        .filter(|(_, holds)| !holds)
        .map(|(part, _)| format!("wrong {part}"))
        .collect()
}

/// What is wrong with `errors`, which must name one value only.
fn field_faults(answer: &Answer, pointer: &str, code: &str) -> Option<String> {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let errors = problem["errors"].as_array().cloned().unwrap_or_default();
    let named = |error: &Value| (error["pointer"].clone(), error["code"].clone());
    let expected = vec![(json!(pointer), json!(code))];
    let is_explained = errors.iter().all(|error| {
        error["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    });
    let is_right = is_explained && errors.iter().map(named).collect::<Vec<_>>() == expected;
    (!is_right).then(|| format!("wrong errors: {errors:?}"))
}

/// What is wrong with a refusal by the HTTP parser: its status, or a body that is there but no
/// problem document.
fn parser_faults(answer: &Answer, statuses: &[u16]) -> Vec<String> {
    if !statuses.contains(&answer.status) {
        return vec!["another status".to_owned()];
    }
    if answer.body.is_empty() {
        Vec::new()
    } else {
        problem_faults(answer, answer.status, &answer.code())
    }
}

/// The body of a create with `fields` besides role and a fresh address.
fn body_with(fields: &Value) -> String {
    let mut body = json!({ "email": "new@b.co", "role": "developer" });
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

/// A request line and the headers of a good request, then `headers`, each with its line end, and
/// the blank line.
fn head(app: &TestApp, line: &str, headers: &str) -> String {
    let (address, key) = (app.address, &app.key);
    format!(
        "{line}\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nConnection: \
         close\r\n{headers}\r\n"
    )
}

/// The head of a create in JSON.
fn create_head(app: &TestApp, headers: &str) -> String {
    let line = format!("POST {} HTTP/1.1", invitations("acme"));
    head(
        app,
        &line,
        &format!("Content-Type: application/json\r\n{headers}"),
    )
}

/// What came over a connection, and when.
struct Exchange {
    /// The answer.
    answer: Answer,
    /// After which time it began.
    answered: Duration,
    /// After which time the server closed the connection, if it did.
    closed: Option<Duration>,
}

/// Sends `bytes` and reads until the server closes the connection, or was silent for as long as
/// `patience`.
fn exchange(app: &TestApp, bytes: &[u8], patience: Duration) -> Exchange {
    let mut stream = TcpStream::connect(app.address).expect("the server accepts");
    stream
        .set_read_timeout(Some(patience))
        .expect("a timeout can be set");
    let mut writer = stream.try_clone().expect("a second handle");
    let (start, mut answered) = (Instant::now(), patience);
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    std::thread::scope(|scope| {
        scope.spawn(move || writer.write_all(bytes));
        let closed = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break Some(start.elapsed()),
                Ok(length) => {
                    answered = if all.is_empty() {
                        start.elapsed()
                    } else {
                        answered
                    };
                    all.extend_from_slice(&buffer[..length]);
                }
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    break Some(start.elapsed());
                }
                Err(_) => break None,
            }
        };
        // Whatever is still being sent has nobody to read it.
        let _ = stream.shutdown(Shutdown::Both);
        Exchange {
            answer: Answer::parse(&all),
            answered,
            closed,
        }
    })
}

/// Exchanges the same up to five times, until the answer comes within `limit`: other programs of
/// the machine only add time.
fn exchange_within(app: &TestApp, bytes: &[u8], limit: Duration) -> Exchange {
    let mut exchanges = (0..5)
        .map(|_| exchange(app, bytes, Duration::from_millis(600)))
        .enumerate();
    let found = exchanges.find(|(index, exchange)| exchange.answered < limit || *index == 4);
    found.expect("there is a fifth one").1
}

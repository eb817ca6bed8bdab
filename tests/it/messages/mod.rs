//! What is said to who does something wrong: the record of every message, in its decisive words.
//!
//! Each message says what is wrong and what would be right, in words of the API.
//!
//! * [`keys`]: without a key, with half of one, in another header. [`paths`]: paths that are not
//!   there, and things that are not. [`bodies`]: JSON, fields and values. [`first_bytes`]: bodies
//!   that are missing or in another encoding, and fields that are there twice. [`units`]: times,
//!   numbers of something, and URLs. [`queries`]: keys and values of a query. [`states`]: what is
//!   not possible at the time. [`closed`]: what to do about an invitation that was answered, revoked
//!   or has expired. [`every_body`]: no words of a parser, whatever the operation.
//! * [`command_line`]: what the binary says of a command line. [`help`]: what its help shows.

mod bodies;
mod closed;
mod command_line;
mod every_body;
mod first_bytes;
mod help;
mod keys;
mod paths;
mod queries;
mod states;
mod units;

use crate::support::{Answer, Request, TestApp};

/// Words of our parsers and libraries, which nobody who calls an API has to know.
const WORDS_OF_PARSERS: [&str; 21] = [
    "i64",
    "u64",
    "i32",
    "u32",
    "u16",
    "f64",
    "usize",
    "sequence",
    "a map",
    "map,",
    "EOF",
    "struct ",
    "variant",
    "newtype",
    "visitor",
    "unit ",
    "floating point",
    "invalid type",
    "expected ident",
    "invalid digit",
    "relative URL",
];

/// The words of a parser that `text` has.
fn words_of_parsers(text: &str) -> Vec<&'static str> {
    let found = WORDS_OF_PARSERS.iter().filter(|word| text.contains(**word));
    found.copied().collect()
}

/// A server with the messages that it gave. Dropping it reports those that were others.
struct Record {
    /// The server.
    app: TestApp,
    /// The messages that were not as expected.
    faults: Vec<String>,
}

impl Record {
    /// The record of `app`.
    fn of(app: TestApp) -> Self {
        let faults = Vec::new();
        Self { app, faults }
    }

    /// Sends `request`, which must be refused with this status and code; `says` is in the sentence
    /// about it.
    fn says(&mut self, request: Request, status: u16, code: &str, says: &str) -> Answer {
        let answer = request.send();
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap_or_default();
        // The digits of an id may be such a word by chance.
        let mut written = problem.clone();
        for id in ["requestId", "invitationId"] {
            written[id].take();
        }
        let foreign = words_of_parsers(&written.to_string());
        let is_right = answer.status == status && problem["code"] == code;
        if !is_right || !detail.contains(says) || !foreign.is_empty() {
            self.faults.push(format!(
                "expected {status} {code}: {says}\n  got {} {} {foreign:?}",
                answer.status,
                answer.text()
            ));
        }
        answer
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let (count, faults) = (self.faults.len(), self.faults.join("\n\n"));
            assert!(
                self.faults.is_empty(),
                "{count} messages are others:\n\n{faults}\n"
            );
        }
    }
}

//! What the errors of a mail server mean for a mail, and how they are told.

use lettre::transport::smtp::Error;

use super::sender::Outcome;
use super::server::Security;

/// The most characters of an error that is kept.
const MAX_ERROR: usize = 200;

/// Fewer characters than these are left out of an error only as a whole word.
const SHORT: usize = 8;

/// Codes that speak about the login, whatever they answer.
const LOGIN_CODES: [u16; 4] = [530, 534, 535, 538];

/// Where in its exchange with the server a mail failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The server was told the sender, and nothing of the mail.
    Sender,
    /// It was told the recipient, or the text.
    Mail,
}

/// What a connection was at when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its host was looked up.
    Name,
    /// It was made, secured from its first byte on where that is wanted, and greeted.
    Greeting,
    /// It was to be secured by STARTTLS.
    StartTls,
    /// A token was asked for that takes the place of a password.
    Token,
    /// User name and password were given.
    Login,
}

/// Why there is no connection that is ready for a mail.
pub(crate) struct NoConnection {
    /// What it was at.
    pub part: Part,
    /// Why.
    pub error: Box<dyn std::error::Error>,
    /// Whether we are refused, which waiting does not mend.
    pub is_barred: bool,
}

impl NoConnection {
    /// A failure that waiting may mend.
    pub(crate) fn at(part: Part, error: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self {
            part,
            error: error.into(),
            is_barred: false,
        }
    }

    /// What of the settings of a server secured like this is most likely wrong, if that can be
    /// told.
    pub(crate) fn advice(&self, security: Security) -> Option<&'static str> {
        let error = self.error.as_ref();
        let is_client = error.downcast_ref::<Error>().is_some_and(Error::is_client);
        let code = error.downcast_ref::<Error>().and_then(Error::status);
        match (self.part, code.map(u16::from)) {
            (Part::Name, _) => Some("the name of the mail server is not found"),
            (Part::Greeting, Some(500 | 502)) => {
                Some("the mail server does not know EHLO, which is needed")
            }
            (Part::StartTls, None) if is_client => Some(
                "the mail server offers no STARTTLS on this port: is it one for tls=tls (465)?",
            ),
            (Part::Login, Some(_)) => Some("the mail server refuses user name and password"),
            (Part::Greeting | Part::StartTls, None) => of_stream(error, security),
            _ => None,
        }
    }
}

/// What the end of a connection tells of the settings.
fn of_stream(
    error: &(dyn std::error::Error + 'static),
    security: Security,
) -> Option<&'static str> {
    if is_timeout(error) {
        return Some(match security {
            Security::Tls => "is the port open, and one for tls=tls (465)?",
            _ => "is the port open, and not one for tls=tls (465)?",
        });
    }
    let io = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    let tls = io.get_ref().and_then(|cause| cause.downcast_ref());
    match (tls, io.kind()) {
        (Some(rustls::Error::InvalidMessage(_)), _) => {
            Some("the port does not begin with TLS: is it one for tls=starttls (587)?")
        }
        (Some(rustls::Error::InvalidCertificate(_)), _) => {
            Some("the certificate of the mail server is not trusted (--ca-file)")
        }
        (None, std::io::ErrorKind::ConnectionRefused) => {
            Some("nothing listens on this port of the mail server")
        }
        _ => None,
    }
}

/// An error and all that caused it.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// What an answer to the mail itself means for it.
pub(crate) fn judge(step: Step, error: &Error, text: String) -> Outcome {
    match error.status().map(u16::from) {
        Some(421) => Outcome::Unreachable(text),
        Some(code) if LOGIN_CODES.contains(&code) => Outcome::Barred(text),
        Some(_) if step == Step::Sender && error.is_permanent() => Outcome::Barred(text),
        // A server that does not want to hear of any mail now.
        _ if step == Step::Sender => Outcome::Unreachable(text),
        Some(_) if error.is_permanent() => Outcome::Refused(text),
        None if is_timeout(error) => Outcome::Stalled(text),
        _ => Outcome::Deferred(text),
    }
}

/// What an error of the login means: a refusal waits for the operator, all else for the server.
pub(crate) fn of_login(error: Error) -> NoConnection {
    // The library has no mechanism in common with the server.
    if error.is_client() {
        let error = "the mail server offers no login that can be used: leave user and password \
            out of --smtp-url, or use tls";
        return NoConnection {
            part: Part::Login,
            error: error.into(),
            is_barred: true,
        };
    }
    let is_barred = error.is_permanent();
    NoConnection {
        is_barred,
        ..NoConnection::at(Part::Login, error)
    }
}

/// The same of a login by a token, which the server `offers` or not.
pub(crate) fn of_token(error: Error, offers: bool) -> NoConnection {
    let why = match (offers, error.is_client()) {
        (false, _) => "the mail server offers no login by a token (XOAUTH2)",
        // It says why in a challenge, which the library does not read.
        (true, true) => "the mail server refuses the token",
        (true, false) => return of_login(error),
    };
    NoConnection {
        is_barred: true,
        ..NoConnection::at(Part::Token, why)
    }
}

/// Whether an error is that an answer did not come in time. Systems say so in two ways.
pub(crate) fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| matches!(error.kind(), TimedOut | WouldBlock))
}

/// `text` in one line of at most [`MAX_ERROR`] characters, without control and invisible
/// characters, and with `hidden` texts left out.
pub(crate) fn one_line(text: &str, hidden: &[&str]) -> String {
    let mut line: String = text
        .chars()
        .map(|c| {
            if crate::base::text::is_invisible(c) {
                ' '
            } else {
                c
            }
        })
        .collect();
    for hidden in hidden.iter().filter(|hidden| !hidden.is_empty()) {
        line = without(&line, hidden);
    }
    line.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(MAX_ERROR)
        .collect()
}

/// `line` with dots in place of every `hidden`, in any case: servers repeat an address as they
/// like. What is short is left out as a whole word only: a password of one letter would leave holes
/// in every other word, which show it.
fn without(line: &str, hidden: &str) -> String {
    // ASCII letters keep their places when their case changes.
    let (searched, hidden) = (line.to_ascii_lowercase(), hidden.to_ascii_lowercase());
    let (mut rest, mut shown) = (0, String::with_capacity(line.len()));
    let is_short = hidden.chars().count() < SHORT;
    for (start, found) in searched.match_indices(&hidden) {
        if is_short && is_in_word(&searched, start, found) {
            continue;
        }
        shown += &line[rest..start];
        shown += "...";
        rest = start + found.len();
    }
    shown + &line[rest..]
}

/// Whether `found`, which stands at `start` of `line`, is a part of a longer word.
fn is_in_word(line: &str, start: usize, found: &str) -> bool {
    let is_one = |one: Option<char>, other: Option<char>| {
        one.is_some_and(char::is_alphanumeric) && other.is_some_and(char::is_alphanumeric)
    };
    let (before, after) = (&line[..start], &line[start + found.len()..]);
    is_one(before.chars().next_back(), found.chars().next())
        || is_one(found.chars().next_back(), after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_short_line_without_recipient_and_password() {
        let text = "550 5.1.1 <Ada@Example.COM>:\r\n no\u{202e} such\tuser ada@example.com, s3cret";
        assert_eq!(
            one_line(text, &["ada@example.com", "s3cret"]),
            "550 5.1.1 <...>: no such user ..., ..."
        );
        assert_eq!(
            one_line(&"\u{e9}".repeat(300), &["", "x"]).chars().count(),
            MAX_ERROR
        );
        assert_eq!(
            one_line("a.b", &["."]),
            "a...b",
            "what is left out is not found again"
        );
        for (text, hidden, shown) in [
            (
                "No compatible mechanism, p",
                "p",
                "No compatible mechanism, ...",
            ),
            (
                "535 user=pass bad password",
                "pass",
                "535 user=... bad password",
            ),
            (
                "login:(at) failed at last",
                "at",
                "login:(...) failed ... last",
            ),
            ("xhunter2passx", "hunter2pass", "x...x"),
        ] {
            assert_eq!(one_line(text, &[hidden]), shown);
        }
    }
}

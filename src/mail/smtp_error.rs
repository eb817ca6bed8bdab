//! What the errors of a mail server mean for a mail, and how they are told.

use lettre::transport::smtp::Error;

use super::sender::Outcome;

/// The most characters of an error that is kept.
const MAX_ERROR: usize = 200;

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

/// Why there is no connection that is ready for a mail.
pub(crate) struct NoConnection {
    /// Why.
    pub error: Box<dyn std::error::Error>,
    /// Whether we are refused, which waiting does not mend.
    pub is_barred: bool,
}

impl<E: Into<Box<dyn std::error::Error>>> From<E> for NoConnection {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            is_barred: false,
        }
    }
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
            error: error.into(),
            is_barred: true,
        };
    }
    let is_barred = error.is_permanent();
    NoConnection {
        error: error.into(),
        is_barred,
    }
}

/// Whether an error is that an answer did not come in time. Systems say so in two ways.
pub(crate) fn is_timeout(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    let mut cause = Some(error);
    while let Some(error) = cause {
        let kind = error
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        if matches!(kind, Some(TimedOut | WouldBlock)) {
            return true;
        }
        cause = error.source();
    }
    false
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
/// like.
fn without(line: &str, hidden: &str) -> String {
    // ASCII letters keep their places when their case changes.
    let (searched, hidden) = (line.to_ascii_lowercase(), hidden.to_ascii_lowercase());
    let (mut rest, mut shown) = (0, String::with_capacity(line.len()));
    for (start, found) in searched.match_indices(&hidden) {
        shown += &line[rest..start];
        shown += "...";
        rest = start + found.len();
    }
    shown + &line[rest..]
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
    }
}

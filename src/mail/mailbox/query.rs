//! What is asked of the mailbox.

use std::time::Duration;

use crate::base::email::{Email, Hosts};
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::page;
use crate::base::query::Keys;
use crate::outbox::mail::Kind;

/// The longest that a request may wait for mail.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How many mails are listed when nothing says otherwise.
const DEFAULT_LIMIT: u32 = 100;

/// Which mail is meant.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only what went to this address.
    pub to: Option<Email>,
    /// Only what is for this.
    pub kind: Option<Kind>,
    /// How many at most, the newest ones.
    pub limit: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            to: None,
            kind: None,
            limit: DEFAULT_LIMIT,
        }
    }
}

/// The query of the mailbox, checked.
#[derive(Clone, Debug)]
pub struct MailboxQuery {
    /// Which mail.
    pub filter: Filter,
    /// How long to wait for it.
    pub wait: Duration,
}

impl Keys for MailboxQuery {
    const KEYS: &[&str] = &["to", "kind", "wait", "limit"];
}

impl MailboxQuery {
    /// Checks the `pairs` of a query, whose keys are known to be from [`MailboxQuery::KEYS`] and to
    /// occur once each.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable.
    pub fn parse(pairs: &[(String, String)], hosts: Hosts) -> Result<Self> {
        let (mut query, mut errors) = (
            Self {
                filter: Filter::default(),
                wait: Duration::ZERO,
            },
            Vec::new(),
        );
        for (key, value) in pairs {
            let checked = match key.as_str() {
                "to" => Email::parse(value, hosts)
                    .map(|email| query.filter.to = Some(email))
                    .map_err(|(code, detail)| FieldError::new("to", code, detail)),
                "kind" => parse_kind(value).map(|kind| query.filter.kind = Some(kind)),
                "wait" => parse_wait(value).map(|wait| query.wait = wait),
                _ => page::parse_limit(value).map(|limit| query.filter.limit = limit),
            };
            errors.extend(checked.err());
        }
        if errors.is_empty() {
            Ok(query)
        } else {
            Err(Error::validation(errors))
        }
    }
}

/// Reads what a mail is for.
fn parse_kind(value: &str) -> std::result::Result<Kind, FieldError> {
    let unknown = || {
        let known: Vec<_> = Kind::ALL.into_iter().map(Kind::name).collect();
        FieldError::new(
            "kind",
            FieldCode::UnknownValue,
            format!("one of: {}", known.join(", ")),
        )
    };
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == value)
        .ok_or_else(unknown)
}

/// Reads how long to wait.
fn parse_wait(value: &str) -> std::result::Result<Duration, FieldError> {
    let wrong = |code| FieldError::new("wait", code, "from 0s to 30s, as 5s");
    let wait = humantime::parse_duration(value).map_err(|_| wrong(FieldCode::InvalidFormat))?;
    if wait <= MAX_WAIT {
        Ok(wait)
    } else {
        Err(wrong(FieldCode::OutOfRange))
    }
}

//! What is asked of the mailbox.

use std::time::Duration;

use serde::Deserialize;
use utoipa::IntoParams;

use crate::base::duration;
use crate::base::email::{Email, Hosts};
use crate::base::error::{Checked, Errors, FieldCode, FieldError, Result};
use crate::base::page::{DEFAULT_LIMIT, parse_limit};
use crate::base::query::parse_email;
use crate::outbox::mail::Kind;

/// The longest that a request may wait for mail.
const MAX_WAIT: Duration = Duration::from_secs(30);

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

/// The query of the mailbox.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MailboxParams {
    /// Only what went to this address, in any spelling.
    #[param(example = "ada@example.com")]
    to: Option<String>,
    /// Only what is for this.
    #[param(value_type = Option<Kind>)]
    kind: Option<String>,
    /// How long to wait until there is such mail.
    #[param(pattern = "^([0-9]|[12][0-9]|30)s?$", example = "5s")]
    wait: Option<String>,
    /// How many at most, the newest ones. Default: 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
}

/// The query of the mailbox, checked.
#[derive(Clone, Debug)]
pub struct MailboxQuery {
    /// Which mail.
    pub filter: Filter,
    /// How long to wait for it.
    pub wait: Duration,
}

impl MailboxQuery {
    /// Checks the values of a query.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with every value that is not acceptable.
    pub fn parse(params: MailboxParams, hosts: Hosts) -> Result<Self> {
        let MailboxParams {
            to,
            kind,
            wait,
            limit,
        } = params;
        let mut errors = Errors::default();
        let query = Self {
            filter: Filter {
                to: errors.read(to, |to| parse_email("to", to, hosts)),
                kind: errors.read(kind, parse_kind),
                limit: errors.read(limit, parse_limit).unwrap_or(DEFAULT_LIMIT),
            },
            wait: errors.read(wait, parse_wait).unwrap_or_default(),
        };
        errors.check()?;
        Ok(query)
    }
}

/// Reads what a mail is for.
fn parse_kind(value: &str) -> Checked<Kind> {
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
fn parse_wait(value: &str) -> Checked<Duration> {
    let wrong = |code| FieldError::new("wait", code, "from 0s to 30s, as 5s or 5");
    let wait = duration::parse(value).map_err(|_| wrong(FieldCode::InvalidFormat))?;
    if wait <= MAX_WAIT {
        Ok(wait)
    } else {
        Err(wrong(FieldCode::OutOfRange))
    }
}

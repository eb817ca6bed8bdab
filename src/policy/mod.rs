//! What this server allows: its rules for invitations, what proves an address ([`acceptance`]), and
//! how much one caller may do ([`limits`]).

pub mod acceptance;
pub(crate) mod limits;

use std::sync::Arc;

use url::Url;

use crate::base::email::Hosts;
use crate::base::error::{Checked, FieldCode, FieldError};
use crate::base::role::Role;
use crate::outbox::mail::Delivery;
use crate::policy::acceptance::Acceptance;
use crate::policy::limits::Limits;

/// The shortest lifetime in seconds: a person needs a minute to read a mail.
pub const MIN_LIFETIME_SECONDS: i64 = 60;

/// The longest lifetime in seconds: 365 days.
pub const MAX_LIFETIME_SECONDS: i64 = 365 * 24 * 60 * 60;

/// The lifetime in seconds of an invitation that names none, where no server says otherwise: a week.
const DEFAULT_LIFETIME_SECONDS: i64 = 7 * 24 * 60 * 60;

/// The most bytes of a redirect URL, as it is sent and in its normal form.
const MAX_URL: usize = 2048;

/// How many origins an error names.
const SHOWN_ORIGINS: usize = 5;

/// What every sending of an invitation must keep to.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    /// How long an invitation waits before it can be sent again.
    pub cooldown_seconds: i64,
    /// How many may be sent.
    pub limits: Arc<Limits>,
    /// Whether mail goes out at all.
    pub has_mail: bool,
    /// Whether inviters are told of answers.
    pub notifies_inviters: bool,
}

impl Sending {
    /// What a sending begins with, where the caller says whether to `notify`.
    pub(crate) fn delivery(&self, notify: bool) -> Delivery {
        if self.has_mail && notify {
            Delivery::Queued
        } else {
            Delivery::None
        }
    }
}

/// What this server allows in an invitation.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The lifetime of an invitation that names none.
    pub default_lifetime_seconds: i64,
    /// The roles that there are; empty: any.
    pub roles: Vec<Role>,
    /// Where a person may be sent after joining; none: anywhere.
    pub redirect_origins: Option<Vec<url::Origin>>,
    /// Which mail domains count.
    pub hosts: Hosts,
    /// What every sending must keep to.
    pub sending: Sending,
    /// What a mailed link proves, where the organization does not say.
    pub acceptance: Acceptance,
}

impl Rules {
    /// Rules that ask for the form of values only: what another server has allowed is not judged by
    /// the settings of this one.
    pub(crate) fn of_form() -> Self {
        Self {
            default_lifetime_seconds: DEFAULT_LIFETIME_SECONDS,
            roles: Vec::new(),
            redirect_origins: None,
            hosts: Hosts::SingleLabelToo,
            sending: Sending::default(),
            acceptance: Acceptance::default(),
        }
    }

    /// The origins to which a person may be sent after joining, for a sentence: not too many.
    fn shown_origins(&self) -> String {
        let origins = self.redirect_origins.iter().flatten();
        let mut shown: Vec<_> = origins
            .take(SHOWN_ORIGINS + 1)
            .map(url::Origin::ascii_serialization)
            .collect();
        if shown.len() > SHOWN_ORIGINS {
            shown[SHOWN_ORIGINS] = "...".to_owned();
        }
        shown.join(", ")
    }

    /// Whether a person may be sent to `url`.
    fn admits(&self, url: &Url) -> bool {
        let origins = self.redirect_origins.as_ref();
        origins.is_none_or(|origins| origins.contains(&url.origin()))
    }
}

/// Checks a URL of the application: only one of an origin on the server's list.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_own_url(
    pointer: &'static str,
    text: Option<&str>,
    rules: &Rules,
) -> Checked<Option<String>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let refused = |code, detail| Err(FieldError::new(pointer, code, detail));
    let too_long = "at most 2048 bytes, with its percent-encodings";
    if text.len() > MAX_URL {
        return refused(FieldCode::TooLong, too_long);
    }
    match Url::parse(text) {
        Ok(url)
            if !matches!(url.scheme(), "http" | "https")
                || !url.username().is_empty()
                || url.password().is_some() =>
        {
            refused(
                FieldCode::InvalidFormat,
                "an http or https URL without a user name",
            )
        }
        // What is stored and shown is longer than what was sent, where characters beyond ASCII are
        // in it.
        Ok(url) if url.as_str().len() > MAX_URL => refused(FieldCode::TooLong, too_long),
        Ok(url) if rules.admits(&url) => Ok(Some(url.into())),
        Ok(_) => {
            let detail = format!(
                "its origin is not among the server's --redirect-origins ({})",
                rules.shown_origins()
            );
            Err(FieldError::new(pointer, FieldCode::NotAllowed, detail))
        }
        Err(_) => refused(FieldCode::InvalidFormat, "an absolute http or https URL"),
    }
}

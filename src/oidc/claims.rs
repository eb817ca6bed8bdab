//! What an id token says, and whether that suffices (OpenID Connect Core 1.0, sections 2, 3.1.3.7
//! and 5.1).

use serde::Deserialize;
use serde_json::Value;

use super::Identity;
use super::provider::rejected;
use crate::base::clock::Timestamp;
use crate::base::email::{Email, Hosts};
use crate::base::error::Result;
use crate::base::text::is_invisible;

/// Milliseconds by which the provider's clock and ours may differ.
const LEEWAY_MILLIS: f64 = 60_000.0;

/// The longest time between the issue and the end of a token, in milliseconds: a day.
const MAX_LIFETIME_MILLIS: f64 = 86_400_000.0;

/// The most characters of a subject (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// What a token must say.
pub(crate) struct Expected {
    /// Its issuer, to the byte.
    pub issuer: String,
    /// Whom it is for.
    pub audience: String,
    /// How many milliseconds ago it may have been issued.
    pub max_age_millis: f64,
}

/// The claims of a token whose signature is right. None of them has been looked at: `Null` is
/// missing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Claims {
    /// Who issued it.
    iss: Value,
    /// Whom it is for: a text, or an array of texts.
    aud: Value,
    /// Which of several audiences asked for it.
    azp: Value,
    /// Seconds since the epoch at which it ends.
    exp: Value,
    /// Seconds since the epoch from which it counts.
    nbf: Value,
    /// Seconds since the epoch at which it was issued.
    iat: Value,
    /// The provider's id of the person.
    sub: Value,
    /// What binds it to a request.
    nonce: Value,
    /// The person's address.
    email: Value,
    /// Whether the provider knows that the address is the person's.
    email_verified: Value,
}

impl Claims {
    /// Who the token is about, if it is `expected` and counts at `now`.
    pub(crate) fn check(
        &self,
        expected: &Expected,
        now: Timestamp,
        hosts: Hosts,
    ) -> Result<Identity> {
        if self.iss.as_str() != Some(&expected.issuer) {
            return Err(rejected(
                "The `iss` of the id token is not the issuer that this server trusts.",
            ));
        }
        self.check_audience(&expected.audience)?;
        self.check_time(expected.max_age_millis, now)?;
        let subject = self.sub.as_str().filter(|subject| is_subject(subject));
        let subject = subject.ok_or_else(|| {
            rejected("The `sub` of the id token is not 1 to 255 visible characters.")
        })?;
        let nonce = self.nonce.as_str().map(str::to_owned);
        Ok(Identity {
            subject: subject.to_owned(),
            email: self.verified_email(hosts)?,
            nonce,
        })
    }

    /// Checks that the token is for `audience`.
    fn check_audience(&self, audience: &str) -> Result<()> {
        let several = self.aud.as_array().map(Vec::as_slice).unwrap_or_default();
        if self.aud != audience && !several.iter().any(|one| one == audience) {
            return Err(rejected(
                "The `aud` of the id token does not name the audience of this server.",
            ));
        }
        if several.len() > 1 && self.azp != audience {
            return Err(rejected(
                "The id token has several audiences, and its `azp` is not that of this server.",
            ));
        }
        Ok(())
    }

    /// Checks that the token counts at `now`.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a timestamp has less than 53 bits"
    )]
    fn check_time(&self, max_age: f64, now: Timestamp) -> Result<()> {
        let now = now.as_millis() as f64;
        let millis = |claim: &Value| claim.as_f64().map(|seconds| seconds * 1000.0);
        let is_future = |claim: f64| claim > now + LEEWAY_MILLIS;
        match millis(&self.exp) {
            None => {
                return Err(rejected(
                    "The id token has no `exp`, or it is not a number.",
                ));
            }
            Some(exp) if now >= exp + LEEWAY_MILLIS => {
                return Err(rejected("The id token has expired (`exp`)."));
            }
            Some(_) => {}
        }
        match millis(&self.nbf) {
            None if !self.nbf.is_null() => {
                return Err(rejected("The `nbf` of the id token is not a number."));
            }
            Some(nbf) if is_future(nbf) => {
                return Err(rejected("The id token does not count yet (`nbf`)."));
            }
            _ => {}
        }
        match millis(&self.iat) {
            None => Err(rejected(
                "The id token has no `iat`, or it is not a number.",
            )),
            Some(iat) if is_future(iat) => {
                Err(rejected("The id token was issued in the future (`iat`)."))
            }
            Some(iat) if now >= iat + max_age + LEEWAY_MILLIS => Err(rejected(
                "The id token was issued too long ago (`iat`): the person has to sign in again.",
            )),
            Some(iat) if millis(&self.exp).is_some_and(|exp| exp > iat + MAX_LIFETIME_MILLIS) => {
                Err(rejected(
                    "The id token counts for more than a day (`iat` to `exp`).",
                ))
            }
            Some(_) => Ok(()),
        }
    }

    /// The person's address, if the provider has verified it.
    fn verified_email(&self, hosts: Hosts) -> Result<Email> {
        // Some providers send it as a text, Apple for one.
        if self.email_verified != true && self.email_verified != "true" {
            return Err(rejected(
                "The id token does not say that the address is verified: `email_verified` is not \
                 true.",
            ));
        }
        let email = self
            .email
            .as_str()
            .ok_or_else(|| rejected("The id token has no `email`."))?;
        Email::parse(email, hosts).map_err(|(_, reason)| {
            rejected(format!(
                "The `email` of the id token is not acceptable: {reason}."
            ))
        })
    }
}

/// Whether `text` can be a subject.
fn is_subject(text: &str) -> bool {
    let visible = |c: char| !c.is_whitespace() && !is_invisible(c);
    (1..=MAX_SUBJECT).contains(&text.chars().count()) && text.chars().all(visible)
}

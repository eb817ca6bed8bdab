//! What proves that a person owns an address: an application's word, the mailed link, a code, or an
//! identity provider's token.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::base::email::{self, Email, Hosts};
use crate::base::error::{Checked, Code, Error, Errors, FieldCode, FieldError, Result};
use crate::base::text;
use crate::invitation::accept::{MAX_SUBJECT, Subject};
use crate::invitation::link::{self, LinkToken};

use super::digits::parse_digits;

/// Digits of a code.
pub(super) const CODE_LEN: usize = 6;

/// Which invitation is looked at.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = InvitationLookup)]
pub(crate) struct LookupBody {
    /// The link's token.
    #[schema(value_type = String, required = true,
        pattern = "^iv[tm]_[0-9a-f]{32}_[0-9a-f]{64}$")]
    pub token: Option<String>,
}

/// A request for a code.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = InvitationCodeRequest)]
pub(crate) struct CodeBody {
    /// The link's token.
    #[schema(value_type = String, required = true,
        pattern = "^iv[tm]_[0-9a-f]{32}_[0-9a-f]{64}$")]
    pub token: Option<String>,
    /// The address that the person says was invited; needed unless the token was mailed (`ivm_`).
    #[schema(max_length = 254, example = "new.user@example.com")]
    pub email: Option<String>,
}

/// An answer with exactly one proof: `email` with a key that has
/// `invitations:accept`, a mailed token (`ivm_`) alone, `code` with `email` or with a mailed token,
/// or `idToken`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationAnswer)]
pub(crate) struct AnswerBody {
    /// The link's token.
    #[schema(value_type = String, required = true,
        pattern = "^iv[tm]_[0-9a-f]{32}_[0-9a-f]{64}$")]
    pub token: Option<String>,
    /// The address of the person who answers.
    #[schema(max_length = 254, example = "new.user@example.com")]
    pub email: Option<String>,
    /// The application's id of the user, only with a key that has `invitations:accept`; shown as
    /// `acceptedBy`.
    #[schema(max_length = 255)]
    pub subject: Option<String>,
    /// The code that was sent to the address.
    #[schema(pattern = "^[0-9]{6}$")]
    pub code: Option<String>,
    /// An ID token of the identity provider that this server trusts (OpenID Connect).
    #[schema(max_length = 16384)]
    pub id_token: Option<String>,
}

/// What proves the address.
#[derive(Debug)]
pub(crate) enum Proof {
    /// An application with a key vouches for it.
    Vouched(Subject),
    /// The token does, since it was mailed.
    MailedLink {
        /// The application's id of the user.
        subject: Option<String>,
    },
    /// A code, which is to be compared with the one that was sent.
    Code {
        /// The address that the person says was invited; none: the token was mailed to it.
        email: Option<Email>,
        /// The code that the person gives.
        code: String,
    },
    /// An ID token, which is to be verified.
    IdToken(String),
}

/// The error for every proof by code or by a mailed link that does not hold, whichever part of it
/// is wrong.
pub(crate) fn rejected() -> Error {
    Error::new(
        Code::ProofRejected,
        "Link, address and code do not belong together, the code is used up, or the link alone is no \
         proof.",
    )
}

/// Reads a token. What cannot be one is 404, as one that opens nothing.
///
/// # Errors
/// [`Code::ValidationFailed`] where there is none,
/// [`Code::NotFound`].
pub(crate) fn parse_token(text: Option<&str>) -> Result<LinkToken> {
    with_token(text, || Ok(())).map(|(token, ())| token)
}

/// Reads a token that is there. Its form says nothing of any invitation, so whoever sends what is
/// none is told that first: it decides which proof is meant.
fn parse_form(text: &str) -> Result<LinkToken> {
    LinkToken::parse(text).ok_or_else(|| Error::new(Code::NotFound, link::fault_of(text)))
}

/// Reads the token of a body and then the `rest` of it. A missing token is told together with what
/// is wrong there.
fn with_token<T>(text: Option<&str>, rest: impl FnOnce() -> Result<T>) -> Result<(LinkToken, T)> {
    if let Some(text) = text {
        let token = parse_form(text)?;
        return Ok((token, rest()?));
    }
    let missing = FieldError::new(
        "/token",
        FieldCode::Required,
        "the token of the invitation's link, which is what follows the #",
    );
    let mut errors = Errors::default();
    errors.push(missing);
    errors.extend(rest().err().iter().flat_map(|error| error.fields.clone()));
    errors.finish(|| None)
}

impl CodeBody {
    /// Reads the link's token and the address; none: the one to which the token was mailed.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] with everything that is not acceptable,
    /// [`Code::NotFound`].
    pub(crate) fn parse(&self, hosts: Hosts) -> Result<(LinkToken, Option<Email>)> {
        let token = self.token.as_deref();
        let email = || parse_email(token, self.email.as_deref(), hosts).map_err(Error::from);
        with_token(token, email)
    }
}

impl AnswerBody {
    /// Whether an application answers, which needs a key for it. A mailed link is also the person's
    /// own proof, where nobody `has_key`.
    pub(crate) fn is_by_application(&self, has_key: bool) -> bool {
        let is_by_person = self.code.is_some() || self.id_token.is_some();
        let is_own = self.is_by_mailed_link() && self.subject.is_none() && !has_key;
        !is_by_person && !is_own
    }

    /// Whether the mailed token is to prove the address.
    fn is_by_mailed_link(&self) -> bool {
        let is_mailed = self.token.as_deref().is_some_and(link::is_mailed);
        is_mailed && self.email.is_none() && self.code.is_none() && self.id_token.is_none()
    }

    /// Checks that the token, if there is one, has the form of one: anybody may be told.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub(crate) fn check_form(&self) -> Result<()> {
        let token = self.token.as_deref().map(parse_form);
        token.transpose().map(drop)
    }

    /// Reads the link's token, and which proof is meant.
    ///
    /// # Errors
    /// [`Code::NotFound`] for what cannot be a token; [`Code::ValidationFailed`] where proofs are
    /// mixed, or values are not acceptable.
    pub(crate) fn parse(self, hosts: Hosts) -> Result<(LinkToken, Proof)> {
        let text = self.token.clone();
        with_token(text.as_deref(), || self.proof(hosts))
    }

    /// Reads which proof is meant. Of the token only its kind counts.
    fn proof(self, hosts: Hosts) -> Result<Proof> {
        if self.is_by_mailed_link() {
            return parse_mailed_link(self.subject);
        }
        let Self {
            token,
            email,
            subject,
            code,
            id_token,
        } = self;
        let conflict =
            |pointer, detail| Err(FieldError::new(pointer, FieldCode::Conflict, detail).into());
        match (id_token, code) {
            (Some(_), Some(_)) => conflict("/code", "give either code or idToken"),
            (Some(_), None) if email.is_some() => {
                conflict("/email", "the ID token says the address")
            }
            (Some(_), None) if subject.is_some() => {
                conflict("/subject", "the ID token says the subject")
            }
            (Some(id_token), None) => Ok(Proof::IdToken(id_token)),
            (None, Some(_)) if subject.is_some() => {
                conflict("/subject", "only an application with a key gives it")
            }
            (None, Some(code)) => parse_code(
                parse_email(token.as_deref(), email.as_deref(), hosts),
                &code,
            ),
            (None, None) => Subject::parse(email.as_deref(), subject, hosts).map(Proof::Vouched),
        }
    }
}

/// Checks the address that is given with a token; none with a mailed one: that says which it is.
fn parse_email(token: Option<&str>, email: Option<&str>, hosts: Hosts) -> Checked<Option<Email>> {
    if email.is_none() && token.is_some_and(link::is_mailed) {
        return Ok(None);
    }
    email::parse_email(email, hosts).map(Some)
}

/// Checks what comes with a mailed token that is the proof.
fn parse_mailed_link(subject: Option<String>) -> Result<Proof> {
    let mut errors = Errors::default();
    errors.extend(text::check_id("/subject", subject.as_deref(), MAX_SUBJECT));
    errors.finish(|| Some(Proof::MailedLink { subject }))
}

/// Checks the two parts of a proof by code.
fn parse_code(email: Checked<Option<Email>>, code: &str) -> Result<Proof> {
    let mut errors = Errors::default();
    let email = errors.take(email);
    let code = parse_digits(code).filter(|digits| digits.len() == CODE_LEN);
    if code.is_none() {
        errors.push(FieldError::new(
            "/code",
            FieldCode::InvalidFormat,
            "the six digits that were sent to the address",
        ));
    }
    errors.finish(|| {
        Some(Proof::Code {
            email: email?,
            code: code?,
        })
    })
}

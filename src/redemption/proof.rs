//! What proves that a person owns an address: an application's word, a code, or an identity
//! provider's token.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::base::email::{self, Email, Hosts};
use crate::base::error::{Code, Error, Errors, FieldCode, FieldError, Result};
use crate::invitation::accept::Subject;
use crate::invitation::link::LinkToken;

use super::digits::parse_digits;

/// Digits of a code.
const CODE_LEN: usize = 6;

/// The body of a lookup, as it is sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct LookupBody {
    /// The link's token.
    #[schema(value_type = String, required = true, pattern = "^ivt_[0-9a-f]{32}_[0-9a-f]{64}$")]
    pub token: Option<String>,
}

/// The body of a request for a code, as it is sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct CodeBody {
    /// The link's token.
    #[schema(value_type = String, required = true, pattern = "^ivt_[0-9a-f]{32}_[0-9a-f]{64}$")]
    pub token: Option<String>,
    /// The address that the person says was invited.
    #[schema(value_type = String, required = true, max_length = 254,
        example = "new.user@example.com")]
    pub email: Option<String>,
}

/// The body of an answer, as it is sent. Exactly one proof: `email` with a key that has
/// `invitations:accept`, `email` with `code`, or `idToken`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerBody {
    /// The link's token.
    #[schema(value_type = String, required = true, pattern = "^ivt_[0-9a-f]{32}_[0-9a-f]{64}$")]
    pub token: Option<String>,
    /// The address of the person who answers.
    #[schema(max_length = 254, example = "new.user@example.com")]
    pub email: Option<String>,
    /// The application's id of the user, where the application vouches; shown as `acceptedBy`.
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
    /// A code, which is to be compared with the one that was sent.
    Code {
        /// The person, with the address that they say was invited.
        subject: Subject,
        /// The code that the person gives.
        code: String,
    },
    /// An ID token, which is to be verified.
    IdToken(String),
}

/// The error for every proof by code that does not hold, whichever part of it is wrong.
pub(crate) fn rejected() -> Error {
    Error::new(
        Code::ProofRejected,
        "Link, address and code do not belong together, or the code is used up.",
    )
}

/// Reads a token. What cannot be one is 404, as one that opens nothing.
///
/// # Errors
/// [`Code::ValidationFailed`] where there is none,
/// [`Code::NotFound`].
pub(crate) fn parse_token(text: Option<&str>) -> Result<LinkToken> {
    with_token(text, Ok(()))?;
    text.and_then(LinkToken::parse).ok_or_else(Error::not_found)
}

/// What was read of the rest of a body whose token is `text`: a missing token is told together with
/// what is wrong there.
fn with_token<T>(text: Option<&str>, rest: Result<T>) -> Result<T> {
    if text.is_some() {
        return rest;
    }
    let missing = FieldError::new(
        "/token",
        FieldCode::Required,
        "the token of the invitation's link",
    );
    let mut errors = Errors::default();
    errors.push(missing);
    errors.extend(rest.err().iter().flat_map(|error| error.fields.clone()));
    errors.finish(|| None)
}

impl CodeBody {
    /// Reads the link's token and the address.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] with everything that is not acceptable,
    /// [`Code::NotFound`].
    pub(crate) fn parse(&self, hosts: Hosts) -> Result<(LinkToken, Email)> {
        let email = with_token(
            self.token.as_deref(),
            email::check_email(self.email.as_deref(), hosts),
        )?;
        Ok((parse_token(self.token.as_deref())?, email))
    }
}

impl AnswerBody {
    /// Whether an application is to vouch: nothing else proves the address.
    pub(crate) fn is_vouched(&self) -> bool {
        self.code.is_none() && self.id_token.is_none()
    }

    /// Whether a code is to prove the address: then nothing tells a wrong token from a wrong code.
    fn is_by_code(&self) -> bool {
        self.code.is_some() && self.id_token.is_none()
    }

    /// Reads the link's token, and which proof is meant.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] where proofs are mixed, or values are not acceptable;
    /// [`Code::NotFound`] or, where a code is the proof, [`Code::ProofRejected`] for what cannot be
    /// a token.
    pub(crate) fn parse(mut self, hosts: Hosts) -> Result<(LinkToken, Proof)> {
        let (text, is_by_code) = (self.token.take(), self.is_by_code());
        let proof = with_token(text.as_deref(), self.proof(hosts))?;
        let token = text.as_deref().and_then(LinkToken::parse);
        let error = if is_by_code {
            rejected
        } else {
            Error::not_found
        };
        Ok((token.ok_or_else(error)?, proof))
    }

    /// Reads which proof is meant, from everything but the token.
    fn proof(self, hosts: Hosts) -> Result<Proof> {
        let Self {
            email,
            subject,
            code,
            id_token,
            ..
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
            (None, Some(code)) => parse_code(email.as_deref(), &code, hosts),
            (None, None) => Subject::parse(email.as_deref(), subject, hosts).map(Proof::Vouched),
        }
    }
}

/// Checks the two parts of a proof by code.
fn parse_code(email: Option<&str>, code: &str, hosts: Hosts) -> Result<Proof> {
    let mut errors = Errors::default();
    let email = errors.take(email::parse_email(email, hosts));
    let code = parse_digits(code).filter(|digits| digits.len() == CODE_LEN);
    if code.is_none() {
        errors.push(FieldError::new(
            "/code",
            FieldCode::InvalidFormat,
            "the six digits that were sent to the address",
        ));
    }
    errors.finish(|| {
        let subject = Subject {
            email: email?,
            id: None,
        };
        Some(Proof::Code {
            subject,
            code: code?,
        })
    })
}

//! Acceptance proven by the operator's own identity provider: an OpenID Connect id token instead of
//! an API key.
//!
//! [`Verifier`] is always there, so that callers need not know whether there is a provider.
//! `provider` checks a token: its signature with the provider's `keys`, what it says in `claims`.
//! Without the cargo feature `oidc` none of that is built, and every id token is refused.

#[cfg(feature = "oidc")]
mod claims;
#[cfg(feature = "oidc")]
mod crypto;
#[cfg(feature = "oidc")]
mod fetch;
#[cfg(feature = "oidc")]
mod jwks;
#[cfg(feature = "oidc")]
mod keys;
#[cfg(feature = "oidc")]
mod provider;

use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::email::{Email, Hosts};
use crate::base::error::{Code, Error, FieldCode, FieldError, Result};
use crate::base::failure::Failure;
use crate::base::hex::hex;

#[cfg(feature = "oidc")]
pub(crate) use jwks::Source;

/// The operator's identity provider, and what is asked of its tokens.
#[cfg(feature = "oidc")]
#[derive(Clone, Debug)]
pub struct Options {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens: what it calls this server.
    pub audience: String,
    /// Where its keys are.
    pub jwks: Source,
    /// How long after its issue a token counts.
    pub max_age: std::time::Duration,
    /// Whether tokens must be bound to the invitation that they answer.
    pub requires_nonce: bool,
    /// The authorities that are trusted where its keys are fetched.
    pub roots: crate::base::roots::Roots,
}

/// The operator's identity provider: a program without the feature `oidc` knows none.
#[cfg(not(feature = "oidc"))]
#[derive(Clone, Debug)]
pub enum Options {}

/// Who the identity provider says the caller is.
#[derive(Debug)]
pub struct Identity {
    /// The provider's id of the person: 1 to 255 visible characters.
    pub subject: String,
    /// The person's address, which the provider has verified.
    pub email: Email,
    /// What the token is bound to, if it says.
    pub nonce: Option<String>,
}

/// The nonce that binds an id token to the invitation of a link: the first 32 hex digits of the
/// SHA-256 of the link's token.
pub fn nonce_of(link_token: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(link_token).into();
    hex(&digest[..16])
}

impl Identity {
    /// Checks that the token is bound to the invitation of the link with `link_token`, where
    /// `verifier` asks for that.
    ///
    /// # Errors
    /// [`Code::IdTokenRejected`].
    pub(crate) fn check_nonce(&self, verifier: &Verifier, link_token: &str) -> Result<()> {
        if !verifier.requires_nonce || self.nonce.as_deref() == Some(&nonce_of(link_token)) {
            return Ok(());
        }
        let detail = "The `nonce` of the id token is not that of the link's invitation.";
        Err(Error::new(Code::IdTokenRejected, detail))
    }
}

/// Checks id tokens of the operator's identity provider, where the server has one.
pub struct Verifier {
    /// The provider.
    #[cfg(feature = "oidc")]
    provider: Option<provider::Provider>,
    /// Whether tokens must be bound to the invitation that they answer.
    requires_nonce: bool,
}

impl Verifier {
    /// A verifier for the provider of `options`; without one it refuses every id token. Reads a
    /// file of keys; asks a URL only once there is a token.
    ///
    /// # Errors
    /// When the file holds no usable keys.
    #[cfg(feature = "oidc")]
    pub fn new(options: Option<Options>) -> std::result::Result<Self, Failure> {
        let requires_nonce = options
            .as_ref()
            .is_some_and(|options| options.requires_nonce);
        Ok(Self {
            provider: options.map(provider::Provider::new).transpose()?,
            requires_nonce,
        })
    }

    /// A verifier that refuses every id token.
    ///
    /// # Errors
    /// None; with the feature `oidc` there are some.
    #[cfg(not(feature = "oidc"))]
    pub(crate) fn new(_options: Option<Options>) -> std::result::Result<Self, Failure> {
        Ok(Self {
            requires_nonce: false,
        })
    }

    /// Who `id_token` is about, if it proves that at `now`. Addresses are read with `hosts`.
    ///
    /// # Errors
    /// [`Code::ValidationFailed`] at `/idToken` without a provider,
    /// [`Code::IdTokenRejected`] with the reason, and
    /// [`Code::IdentityProviderUnavailable`] as long as there are no keys.
    pub async fn verify(&self, id_token: &str, now: Timestamp, hosts: Hosts) -> Result<Identity> {
        self.verify_at(id_token, now, hosts, Instant::now()).await
    }

    /// Like [`Verifier::verify`], at `at` of the monotonic clock, which decides whether keys may be
    /// fetched again.
    ///
    /// # Errors
    /// Those of [`Verifier::verify`].
    #[cfg_attr(
        not(feature = "oidc"),
        allow(unused_variables, reason = "without a provider nothing is looked at")
    )]
    pub async fn verify_at(
        &self,
        id_token: &str,
        now: Timestamp,
        hosts: Hosts,
        at: Instant,
    ) -> Result<Identity> {
        #[cfg(feature = "oidc")]
        if let Some(provider) = &self.provider {
            return provider.verify(id_token, now, hosts, at).await;
        }
        let detail = "this server has no identity provider (--oidc-issuer)";
        Err(FieldError::new("/idToken", FieldCode::NotAllowed, detail).into())
    }
}

//! One identity provider: what its tokens must be like.

use std::time::Instant;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};

use super::claims::{Claims, Expected};
use super::keys::Keys;
use super::{Identity, crypto};
use crate::clock::Timestamp;
use crate::config::Settings;
use crate::email::Hosts;
use crate::error::{Code, Error, Result};
use crate::failure::Failure;

/// The longest id token in bytes: far beyond honest ones, which have to fit into headers elsewhere.
const MAX_TOKEN: usize = 16 * 1024;

/// The algorithms that a token may be signed with. Neither `none` nor a shared secret proves who signed.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// One identity provider.
pub struct Provider {
    /// What its tokens must say.
    expected: Expected,
    /// What they must be signed with.
    keys: Keys,
}

impl Provider {
    /// The provider that `settings` name, if they name one.
    ///
    /// # Errors
    /// When they name a part of it only, or its file holds no usable keys.
    pub fn new(settings: &Settings) -> std::result::Result<Option<Self>, Failure> {
        let (issuer, audience, jwks) = (&settings.oidc_issuer, &settings.oidc_audience, &settings.oidc_jwks);
        let (Some(issuer), Some(audience), Some(jwks)) = (issuer, audience, jwks) else {
            let all = [
                ("--oidc-issuer", issuer.is_none()),
                ("--oidc-audience", audience.is_none()),
                ("--oidc-jwks", jwks.is_none()),
            ];
            let missing: Vec<_> = all.iter().filter(|(_, is_missing)| *is_missing).map(|(flag, _)| *flag).collect();
            if missing.len() == all.len() {
                return Ok(None);
            }
            return Err(Failure::usage(
                format!("the identity provider is named in part only: no {}", missing.join(", no ")),
                "give --oidc-issuer, --oidc-audience and --oidc-jwks, or none of them",
            ));
        };
        crypto::install();
        let expected = Expected { issuer: issuer.clone(), audience: audience.clone() };
        Ok(Some(Self { expected, keys: Keys::new(jwks)? }))
    }

    /// Who `id_token` is about, if it proves that at `now`. `at` decides whether keys may be fetched again.
    pub async fn verify(&self, id_token: &str, now: Timestamp, hosts: Hosts, at: Instant) -> Result<Identity> {
        if id_token.len() > MAX_TOKEN {
            return Err(rejected("The id token is longer than 16 KiB."));
        }
        let header = read_header(id_token)?;
        let key = self.keys.find(header.alg, header.kid.as_deref(), at).await?;
        let mut validation = Validation::new(key.algorithm);
        // The library is asked about the signature only: it would take the time from the system, not from our clock.
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_aud) = (false, false);
        let claims = jsonwebtoken::decode::<Claims>(id_token, &key.decoding, &validation);
        let claims = claims.map_err(|error| match error.kind() {
            ErrorKind::Json(_) => rejected("The claims of the id token are not a JSON object with each claim once."),
            _ => rejected("The signature of the id token does not fit the provider's key."),
        })?;
        claims.claims.check(&self.expected, now, hosts)
    }
}

/// Reads the header of `id_token`; it is not proven yet.
fn read_header(id_token: &str) -> Result<Header> {
    let unsigned = "The id token is not a JSON Web Token that is signed with RS256, ES256 or EdDSA.";
    let header = jsonwebtoken::decode_header(id_token).map_err(|_| rejected(unsigned))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(rejected(unsigned));
    }
    if header.crit.is_some() {
        return Err(rejected("The header of the id token has `crit`, which this server does not know."));
    }
    // Access and logout tokens may bear the same issuer and audience, but say what they are (RFC 8725, 3.11).
    if header.typ.as_ref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(rejected("The `typ` of the id token is not JWT: it is a token for something else."));
    }
    Ok(header)
}

/// The id token does not prove anything, for the reason `detail`, which must not quote it.
pub fn rejected(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::IdTokenRejected, detail)
}

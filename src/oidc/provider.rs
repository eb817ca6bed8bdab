//! One identity provider: what its tokens must be like.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::claims::{Claims, Expected};
use super::jwks::{ED25519, Key};
use super::keys::Keys;
use super::{Identity, Options, crypto};
use crate::base::clock::Timestamp;
use crate::base::email::Hosts;
use crate::base::error::{Code, Error, Result};
use crate::base::failure::Failure;

/// The longest id token in bytes: far beyond honest ones, which have to fit into headers elsewhere.
const MAX_TOKEN: usize = 16 * 1024;

/// The algorithms that a token may be signed with. Neither `none` nor a shared secret proves who
/// signed.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// One identity provider.
pub(crate) struct Provider {
    /// What its tokens must say.
    expected: Expected,
    /// What they must be signed with.
    keys: Keys,
}

impl Provider {
    /// The provider of `options`.
    ///
    /// # Errors
    /// When its file holds no usable keys.
    pub(crate) fn new(options: Options) -> std::result::Result<Self, Failure> {
        crypto::install();
        let Options {
            issuer,
            audience,
            jwks,
            max_age,
            roots,
            ..
        } = options;
        let expected = Expected {
            issuer,
            audience,
            max_age_millis: max_age.as_secs_f64() * 1000.0,
        };
        Ok(Self {
            expected,
            keys: Keys::new(&jwks, roots)?,
        })
    }

    /// Who `id_token` is about, if it proves that at `now`. `at` decides whether keys may be
    /// fetched again.
    pub(crate) async fn verify(
        &self,
        id_token: &str,
        now: Timestamp,
        hosts: Hosts,
        at: Instant,
    ) -> Result<Identity> {
        if id_token.len() > MAX_TOKEN {
            return Err(rejected("The id token is longer than 16 KiB."));
        }
        let header = read_header(id_token)?;
        let key = self
            .keys
            .find(header.alg, header.kid.as_deref(), at)
            .await?;
        let claims = signed_claims(id_token, &key)?;
        claims.check(&self.expected, now, hosts)
    }
}

/// The claims of `id_token`, whose signature must be by `key`. The library is asked about the
/// signature only: it would take the time from the system, not from our clock, and does not know
/// every name of an algorithm.
fn signed_claims(id_token: &str, key: &Key) -> Result<Claims> {
    let signature = || rejected("The signature of the id token does not fit the provider's key.");
    let (message, mac) = id_token.rsplit_once('.').ok_or_else(signature)?;
    let is_signed =
        jsonwebtoken::crypto::verify(mac, message.as_bytes(), &key.decoding, key.algorithm);
    if !is_signed.unwrap_or(false) {
        return Err(signature());
    }
    message
        .split_once('.')
        .and_then(|(_, claims)| read_object(claims))
        .ok_or_else(|| {
            rejected("The claims of the id token are not a JSON object with each claim once.")
        })
}

/// Reads a part of a token, which must be a JSON object: the fields of some type would be read from
/// an array, too.
fn read_object<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    json.trim_ascii_start()
        .starts_with(b"{")
        .then(|| serde_json::from_slice(&json).ok())?
}

/// A header whose algorithm goes by the name that RFC 9864 gives it. What the library does not
/// read, but this does.
#[derive(Deserialize)]
struct NewHeader {
    /// Always `Ed25519`.
    alg: String,
    /// Which key.
    kid: Option<String>,
    /// What kind of token it is.
    typ: Option<String>,
    /// What a reader must know.
    crit: Option<Vec<String>>,
}

/// Reads the header of a token that is signed with `Ed25519`.
fn read_new_header(id_token: &str) -> Option<Header> {
    let mut parts = id_token.split('.');
    let (header, _, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let NewHeader {
        alg,
        kid,
        typ,
        crit,
    } = read_object(header)?;
    (alg == ED25519).then(|| Header {
        kid,
        typ,
        crit,
        ..Header::new(Algorithm::EdDSA)
    })
}

/// Reads the header of `id_token`; it is not proven yet.
fn read_header(id_token: &str) -> Result<Header> {
    let unsigned =
        "The id token is not a JSON Web Token that is signed with RS256, ES256 or EdDSA.";
    let header = jsonwebtoken::decode_header(id_token)
        .ok()
        .or_else(|| read_new_header(id_token));
    let header = header.ok_or_else(|| rejected(unsigned))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(rejected(unsigned));
    }
    if header.crit.is_some() {
        return Err(rejected(
            "The header of the id token has `crit`, which this server does not know.",
        ));
    }
    // Access and logout tokens may bear the same issuer and audience, but say what they are (RFC
    // 8725, 3.11).
    if header
        .typ
        .as_ref()
        .is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"))
    {
        return Err(rejected(
            "The `typ` of the id token is not JWT: it is a token for something else.",
        ));
    }
    Ok(header)
}

/// The id token does not prove anything, for the reason `detail`, which must not quote it.
pub(crate) fn rejected(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::IdTokenRejected, detail)
}

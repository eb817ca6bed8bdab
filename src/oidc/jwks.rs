//! The keys that a provider publishes (RFC 7517).

use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// What RFC 9864 calls EdDSA with the curve Ed25519.
pub(crate) const ED25519: &str = "Ed25519";

/// Where a provider's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// At its URL.
    Url(Url),
}

/// A key that tokens may be signed with.
pub(crate) struct Key {
    /// What tokens call it by, in `kid`.
    pub id: Option<String>,
    /// The one algorithm that it is for.
    pub algorithm: Algorithm,
    /// The public key.
    pub decoding: DecodingKey,
}

/// A set of keys as it is published. Each key is read by itself, so that one of a new kind does not
/// hide the others.
#[derive(Deserialize)]
struct KeySet {
    /// The keys.
    keys: Vec<Value>,
}

/// The usable keys of the set `json`.
///
/// # Errors
/// A sentence when `json` is no set of keys, or none of them can be used.
pub(crate) fn parse(json: &[u8]) -> Result<Vec<Arc<Key>>, String> {
    let set: KeySet = serde_json::from_slice(json).map_err(|error| not_a_set(&error))?;
    let keys: Vec<_> = set
        .keys
        .into_iter()
        .filter_map(usable)
        .map(Arc::new)
        .collect();
    if keys.is_empty() {
        return Err(
            "no key in it can be used: RSA of 2048 to 8192 bits, P-256 or Ed25519, for signatures"
                .to_owned(),
        );
    }
    Ok(keys)
}

/// What is no set of keys, without the words of the parser.
fn not_a_set(error: &serde_json::Error) -> String {
    if error.is_data() {
        return "not a JWK set: it is no object with an array `keys`".to_owned();
    }
    format!(
        "not a JWK set: it is not JSON (line {}, column {})",
        error.line(),
        error.column()
    )
}

/// The key `value`, if it is for signatures that this server takes.
fn usable(value: Value) -> Option<Key> {
    // The library knows the name before RFC 9864 only.
    let is_ed25519 = value.get("alg").is_some_and(|named| named == ED25519);
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let decoding = normal(DecodingKey::from_jwk(&jwk).ok()?, algorithm)?;
    let common = jwk.common;
    let names_algorithm = match common.key_algorithm {
        None => true,
        Some(_) if is_ed25519 => algorithm == Algorithm::EdDSA,
        Some(named) => named == KeyAlgorithm::from(algorithm),
    };
    let fits = names_algorithm
        && common
            .public_key_use
            .is_none_or(|purpose| purpose == PublicKeyUse::Signature)
        && common
            .key_operations
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    fits.then_some(Key {
        id: common.key_id,
        algorithm,
        decoding,
    })
}

/// `key` as the cryptography wants it, if it has a size that `algorithm` allows.
fn normal(key: DecodingKey, algorithm: Algorithm) -> Option<DecodingKey> {
    match (algorithm, key.kind()) {
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            // Some providers write the sign byte of ASN.1, too.
            let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
            (256..=1024)
                .contains(&n.len())
                .then(|| DecodingKey::from_rsa_raw_components(n, e))
        }
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) if point.len() == 65 => Some(key),
        (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(point)) if point.len() == 32 => Some(key),
        _ => None,
    }
}

/// A number in big endian without the zeros before it.
fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let start = number
        .iter()
        .position(|&byte| byte != 0)
        .unwrap_or(number.len());
    &number[start..]
}

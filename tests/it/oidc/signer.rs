//! An identity provider's keys: what signs tokens, and what is published of it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

/// An RSA key of 2048 bits that belongs to nobody, PKCS #8 in base64: making one takes seconds.
const RSA_KEY: &str = include_str!("rsa_key.txt");

/// A key, with the name that its tokens give it.
pub struct Signer {
    /// Its name, in `kid`.
    pub kid: Option<&'static str>,
    /// The key.
    pair: Pair,
}

/// A private key.
enum Pair {
    /// For RS256.
    Rsa(Box<RsaKeyPair>),
    /// For ES256.
    Ec(EcdsaKeyPair),
    /// For EdDSA.
    Ed(Ed25519KeyPair),
}

/// Base64 as tokens have it.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Header and claims of a token, as they are signed.
pub fn message(header: &Value, claims: &str) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims))
}

/// A set of keys as a provider publishes it.
pub fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

impl Signer {
    /// The RSA key.
    pub fn rsa(kid: &'static str) -> Self {
        let key = STANDARD
            .decode(RSA_KEY.split_whitespace().collect::<String>())
            .expect("base64");
        Self {
            kid: Some(kid),
            pair: Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(&key).expect("a key"))),
        }
    }

    /// A new P-256 key.
    pub fn ec(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).expect("a key");
        Self {
            kid: Some(kid),
            pair: Pair::Ec(pair),
        }
    }

    /// A new Ed25519 key.
    pub fn ed(kid: &'static str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self {
            kid: Some(kid),
            pair: Pair::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key")),
        }
    }

    /// The same key with another name, or none.
    pub fn called(self, kid: Option<&'static str>) -> Self {
        Self { kid, ..self }
    }

    /// The algorithm that it is for.
    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
        }
    }

    /// The bytes of the public key: what an attacker would take for a shared secret.
    pub fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// The public key as it is published, without `alg`, `use` and `key_ops`.
    pub fn jwk(&self) -> Value {
        let public = self.public();
        let mut jwk = match &self.pair {
            Pair::Rsa(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(public.n), "e": encode(public.e) })
            }
            Pair::Ec(_) => {
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&public[1..33]),
                    "y": encode(&public[33..]) })
            }
            Pair::Ed(_) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(public) }),
        };
        if let Some(kid) = self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// The header of its tokens.
    pub fn header(&self) -> Value {
        let mut header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        if let Some(kid) = self.kid {
            header["kid"] = json!(kid);
        }
        header
    }

    /// A token with `claims`.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&self.header(), &claims.to_string())
    }

    /// A token with any header and any text for claims, signed as this key signs.
    pub fn sign(&self, header: &Value, claims: &str) -> String {
        let message = message(header, claims);
        let signature = match &self.pair {
            Pair::Rsa(pair) => rsa(pair, rsa_encoding(header), &message),
            Pair::Ec(pair) => pair
                .sign(&SystemRandom::new(), message.as_bytes())
                .expect("it signs")
                .as_ref()
                .to_vec(),
            Pair::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", encode(signature))
    }
}

/// How RSA signs under the `alg` of a header: also the ways that are refused, so that only the
/// refusal stops them.
fn rsa_encoding(header: &Value) -> &'static dyn RsaEncoding {
    match header["alg"].as_str() {
        Some("PS256") => &RSA_PSS_SHA256,
        Some("RS512") => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    }
}

/// An RSA signature.
fn rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        encoding,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .expect("it signs");
    signature
}

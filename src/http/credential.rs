//! What the `Authorization` header of a request holds: a key of ours in one of two spellings.
//!
//! What is wrong with the form of a key is told. That takes the header alone, so it says nothing of
//! the server: a key that has the form is looked up, and whether it is unknown, revoked or expired
//! is not told.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::base::error::{Code, Error, Result};
use crate::key::token::{KeyId, PlainKey, fault_of};

/// Where other programs take a key.
const API_KEY: &str = "x-api-key";
/// What is said where nothing is sent.
const MISSING: &str = "There is no Authorization header: send `Authorization: Bearer ivk_...` with \
    a key, as `invited key create` makes one.";
/// What is said where the key is in another header.
const OTHER_HEADER: &str =
    "X-Api-Key is not read: send the key as `Authorization: Bearer ivk_...`.";
/// What is said of a key without a scheme.
const NO_SCHEME: &str = "Authorization names no scheme: write `Bearer ivk_...`, with one space \
    before the key.";
/// What is said of any other scheme.
const OTHER_SCHEME: &str = "Authorization has a scheme that is not read: write `Bearer ivk_...`.";
/// What is said of HTTP Basic that is not made of a key.
const BASIC: &str = "Basic takes a key in two parts: as user name the 16 digits behind ivk_, as \
    password the 72 digits behind the next _. Or write `Bearer ivk_...`.";

/// What the `Authorization` header of a request holds.
pub(super) enum Credential {
    /// Nothing, or nothing that looks like a key of ours; with what is to be said of that.
    NotOurs(&'static str),
    /// What was meant to be one of our keys, with what is wrong: a typing error must not count as no
    /// key where none is needed.
    Broken(&'static str),
    /// A key, which may or may not be known.
    Key(PlainKey),
}

impl Credential {
    /// Reads the header, in both spellings.
    ///
    /// # Errors
    /// [`Code::BadRequest`] where there are two of it.
    pub(super) fn of(request: &HttpRequest) -> Result<Self> {
        let mut headers = request.headers().get_all(AUTHORIZATION);
        let (header, another) = (headers.next(), headers.next());
        if another.is_some() {
            return Err(Error::new(
                Code::BadRequest,
                "There are two Authorization headers.",
            ));
        }
        let Some(header) = header else {
            let has_api_key = request.headers().contains_key(API_KEY);
            return Ok(Self::NotOurs(if has_api_key {
                OTHER_HEADER
            } else {
                MISSING
            }));
        };
        let parts = header.to_str().ok().and_then(|text| text.split_once(' '));
        Ok(match parts {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Self::of_bearer(key),
            Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => Self::of_basic(pair),
            Some(_) => Self::NotOurs(OTHER_SCHEME),
            None => Self::NotOurs(NO_SCHEME),
        })
    }

    /// Reads a whole key.
    fn of_bearer(key: &str) -> Self {
        match PlainKey::parse(key) {
            Some(key) => Self::Key(key),
            None if key.starts_with("ivk_") => Self::Broken(fault_of(key)),
            None => Self::NotOurs(fault_of(key)),
        }
    }

    /// Reads the two parts of a key in HTTP Basic (RFC 7617).
    fn of_basic(pair: &str) -> Self {
        let decoded = BASE64_STANDARD
            .decode(pair)
            .ok()
            .and_then(|decoded| String::from_utf8(decoded).ok());
        let parts = decoded
            .as_deref()
            .and_then(|decoded| decoded.split_once(':'));
        let Some((id, secret)) = parts else {
            return Self::NotOurs(BASIC);
        };
        match PlainKey::from_parts(id, secret) {
            Some(key) => Self::Key(key),
            None if KeyId::parse(id).is_some() => Self::Broken(BASIC),
            None => Self::NotOurs(BASIC),
        }
    }
}

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
/// What is said of a header with other characters than a key has.
const NO_ASCII: &str = "Authorization has characters that no key has, which may be invisible: \
    write `Bearer ivk_...` by hand, and copy the key again.";
/// What is said of any other scheme.
const OTHER_SCHEME: &str = "Authorization has a scheme that is not read: write `Bearer ivk_...`.";
/// What is said of HTTP Basic that is not made of a key.
const BASIC: &str = "Basic takes a key in two parts: as user name the 16 digits behind ivk_, as \
    password the 72 digits behind the next _. Or write `Bearer ivk_...`.";

/// How keys and tokens of this server begin, whoever writes them in capitals.
const OURS: [&[u8]; 3] = [b"ivk_", b"ivt_", b"ivm_"];

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
        let bytes = header.as_bytes();
        // Looks at many bytes at a time, as the header's own way to a text does not.
        let text = str::from_utf8(bytes).ok().filter(|text| text.is_ascii());
        let Some(text) = text else {
            return Ok(Self::refused(bytes, NO_ASCII));
        };
        Ok(match text.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => {
                let known = PlainKey::parse(key).map(Self::Key);
                known.unwrap_or_else(|| Self::refused(bytes, fault_of(key)))
            }
            Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") => Self::of_basic(pair),
            Some(_) => Self::refused(bytes, OTHER_SCHEME),
            None => Self::refused(bytes, NO_SCHEME),
        })
    }

    /// What is no key because of `why`. Where `text` names one of ours anywhere, it was meant to be
    /// one.
    fn refused(text: &[u8], why: &'static str) -> Self {
        let is_ours = |part: &[u8]| OURS.iter().any(|ours| part.eq_ignore_ascii_case(ours));
        if text.windows(4).any(is_ours) {
            Self::Broken(why)
        } else {
            Self::NotOurs(why)
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
            None => Self::refused(format!("{id}:{secret}").as_bytes(), BASIC),
        }
    }
}

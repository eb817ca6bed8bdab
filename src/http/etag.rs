//! Entity tags (RFC 9110, 8.8.3): which version of an invitation or an organization a caller knows.
//!
//! A tag is a hash of the JSON, so it changes with everything that a caller can see, the status
//! that only the clock changes included, and no change can forget it. How far the mail has come
//! stands in a half of its own: `If-None-Match` sees it, while `If-Match` does not, for nobody
//! changed the invitation when its mail was sent.
//!
//! The hash is SipHash-2-4 under a key from the server's secret. It is short, but whoever does not
//! have the key cannot look for two versions with one tag. A digest would cost a fifth of a read.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, EntityTag, Header, HeaderName, IfMatch, IfNoneMatch};
use actix_web::{FromRequest, HttpRequest};
use siphasher::sip::SipHasher24;
use uuid::Uuid;

use super::context::Context;
use crate::base::error::{Code, Error, Result};

/// What stands before the state of the delivery, which is always shown.
const DELIVERY: &[u8] = b",\"delivery\":";
/// Hex digits of each half of a tag.
const HALF: usize = 16;

/// The key under which tags are hashed.
#[derive(Clone, Copy)]
pub struct EtagKey([u8; 16]);

impl EtagKey {
    /// The key with these bytes, which nobody but the server must know.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The tag of what has this JSON.
    pub fn tag(self, json: &[u8]) -> EntityTag {
        let (content, delivery) = split_delivery(json);
        let hasher = SipHasher24::new_with_key(&self.0);
        // A UUID without hyphens is the quickest way to write 128 bits as hex digits.
        let halves = Uuid::from_u64_pair(hasher.hash(content), hasher.hash(delivery));
        let mut digits = Uuid::encode_buffer();
        EntityTag::new_strong(halves.simple().encode_lower(&mut digits).to_owned())
    }
}

/// The header that says `tag`, which is one of ours.
pub(crate) fn header(tag: &EntityTag) -> (HeaderName, String) {
    (header::ETAG, ["\"", tag.tag(), "\""].concat())
}

impl fmt::Debug for EtagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EtagKey(hidden)")
    }
}

/// The JSON of an invitation, parted before the state of its delivery; that of anything else is one
/// part. No text of an invitation can look like that place: a quote in it is escaped, and metadata
/// come earlier.
fn split_delivery(json: &[u8]) -> (&[u8], &[u8]) {
    let place = json
        .windows(DELIVERY.len())
        .rposition(|window| window == DELIVERY);
    json.split_at(place.unwrap_or(json.len()))
}

/// What proxies that compress put behind a tag, in its quotes: Apache, and Jetty.
const OF_PROXIES: [&str; 5] = ["-gzip", "-br", "-deflate", "-zstd", "--gzip"];

/// What is ours of a tag that came back. Our tags are strong, so `W/` comes from a proxy that
/// compresses, as nginx, and says nothing of the version.
fn own_part(tag: &EntityTag) -> &str {
    let text = tag.tag();
    let own = OF_PROXIES
        .iter()
        .filter_map(|suffix| text.strip_suffix(suffix))
        .find(|own| own.len() == 2 * HALF);
    own.unwrap_or(text)
}

/// Whether the tag `given` names the version that has the tag `own`, wherever the mail is.
fn is_same_version(given: &EntityTag, own: &EntityTag) -> bool {
    let (given, own) = (own_part(given), own.tag());
    given.len() == own.len() && given.get(..HALF) == own.get(..HALF)
}

/// The conditions under which a request is meant.
#[derive(Debug)]
pub(crate) struct Conditions {
    /// Only if the present version is one of these.
    if_match: Option<IfMatch>,
    /// Only if it is none of these.
    if_none_match: Option<IfNoneMatch>,
    /// What the tags of versions are hashed with.
    etags: EtagKey,
}

impl Conditions {
    /// Checks both headers against the present version, for a change of what is there.
    ///
    /// # Errors
    /// [`Code::PreconditionFailed`].
    pub(crate) fn check_match(&self, json: &[u8]) -> Result<()> {
        if self.knows(&self.tag(json)) {
            return Err(failed(
                "It is there in a version that `If-None-Match` rules out. Leave that out to \
                 change it.",
            ));
        }
        let holds = match &self.if_match {
            None | Some(IfMatch::Any) => true,
            Some(IfMatch::Items(tags)) => {
                tags.iter().any(|tag| is_same_version(tag, &self.tag(json)))
            }
        };
        holds
            .then_some(())
            .ok_or_else(|| failed("It has changed since that version. Read it again, then decide."))
    }

    /// Checks both headers for a change that makes what is not there yet; `json` is the present
    /// version, if there is one.
    ///
    /// # Errors
    /// [`Code::PreconditionFailed`].
    pub(crate) fn check_put(&self, json: Option<&[u8]>) -> Result<()> {
        match json {
            Some(json) if self.knows(&self.tag(json)) => Err(failed(
                "It is there already. Leave `If-None-Match` out to replace it.",
            )),
            Some(json) => self.check_match(json),
            None if self.if_match.is_some() => Err(failed(
                "It is not there yet. Leave `If-Match` out to make it.",
            )),
            None => Ok(()),
        }
    }

    /// Reads both headers. The framework skips what is no tag; a condition without any tag is
    /// refused.
    fn parse(request: &HttpRequest) -> Result<Self> {
        let present = |name| request.headers().contains_key(name);
        // Some clients send a header that has no value where they know no version. `If-Match`
        // without one stays wrong: whoever sent it relied on a condition.
        let knows_none = request
            .headers()
            .get_all(header::IF_NONE_MATCH)
            .all(|value| value.as_bytes().is_empty());
        let invalid = |name| {
            Error::new(
                Code::BadRequest,
                format!(
                    "{name} is no list of entity tags: quote the tag as `ETag` has it, as \"0f1e2d\"."
                ),
            )
        };
        let if_match = present(header::IF_MATCH).then(|| match IfMatch::parse(request) {
            Ok(IfMatch::Items(tags)) if tags.is_empty() => Err(invalid("If-Match")),
            parsed => parsed.map_err(|_| invalid("If-Match")),
        });
        let if_none_match = (!knows_none).then(|| match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) if tags.is_empty() => Err(invalid("If-None-Match")),
            parsed => parsed.map_err(|_| invalid("If-None-Match")),
        });
        Ok(Self {
            if_match: if_match.transpose()?,
            if_none_match: if_none_match.transpose()?,
            etags: Context::of(request)?.etags,
        })
    }

    /// The tag of what has this JSON.
    pub(crate) fn tag(&self, json: &[u8]) -> EntityTag {
        self.etags.tag(json)
    }

    /// Whether the caller has the present version already.
    pub(crate) fn knows(&self, tag: &EntityTag) -> bool {
        match &self.if_none_match {
            None => false,
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| own_part(known) == tag.tag()),
        }
    }
}

/// The present version is not one that the request is meant for.
fn failed(detail: &'static str) -> Error {
    Error::new(Code::PreconditionFailed, detail)
}

impl FromRequest for Conditions {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request))
    }
}

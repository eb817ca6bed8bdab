//! The body of a form that a page sends, as `application/x-www-form-urlencoded`.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::http::header;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as NoStruct, MapDeserializer};
use url::form_urlencoded;

use super::json::{LARGE_BODY, MAX_BODY, arrive, declared, make_room, too_large};
use crate::base::error::{Code, Error, Result};
use crate::policy::limits::Share;

/// The type that a browser gives the body of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Reads the form that is the body of `request`; without a body it is an empty one. Of a name that
/// is there more than once the first value counts, and names that `T` does not have mean nothing.
///
/// # Errors
/// [`Code::UnsupportedMediaType`], and those of a body that does not arrive.
pub(crate) async fn read<T: DeserializeOwned>(request: &HttpRequest) -> Result<T> {
    parse(&read_bytes(request, MAX_BODY).await?)
}

/// A form as it was sent: every name with every value, in its order.
#[derive(Debug)]
pub(crate) struct Pairs {
    /// The names and values.
    pub pairs: Vec<(String, String)>,
    /// The memory of the form, to be held for as long as what was in it.
    pub room: Share,
}

/// Reads the form that `actor` sent as the body of `request`, of at most [`LARGE_BODY`] bytes.
///
/// # Errors
/// Those of [`read`]; [`Code::Overloaded`] where there is no memory for it.
pub(crate) async fn read_pairs(request: &HttpRequest, actor: &str) -> Result<Pairs> {
    let room = make_room(request, actor, LARGE_BODY)?;
    let body = read_bytes(request, LARGE_BODY).await?;
    Ok(Pairs {
        pairs: form_urlencoded::parse(&body).into_owned().collect(),
        room,
    })
}

/// Reads the body of `request`, which is a form of at most `max` bytes.
async fn read_bytes(request: &HttpRequest, max: usize) -> Result<Vec<u8>> {
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    if !is_chunked && declared(request).is_none_or(|length| length == 0) {
        return Ok(Vec::new());
    }
    if !is_form(request) {
        let detail = "The body must be Content-Type: application/x-www-form-urlencoded.";
        return Err(Error::new(Code::UnsupportedMediaType, detail));
    }
    if declared(request).is_some_and(|length| length > max) {
        return Err(too_large(max));
    }
    Ok(arrive(request, max).await?.to_vec())
}

/// Reads a form.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(body) {
        fields
            .entry(name.into_owned())
            .or_insert(value.into_owned());
    }
    T::deserialize(MapDeserializer::<_, NoStruct>::new(fields.into_iter()))
        .map_err(|error| Error::internal(error.to_string()))
}

/// Whether the body of `request` says that it is a form.
fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let essence = content_type
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM))
        && !request.headers().contains_key(header::CONTENT_ENCODING)
}

//! JSON that people write: read with the place of every mistake.

pub(crate) mod object;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use super::error::{Code, Error, FieldCode, FieldError, Result};

use object::Object;

/// The most characters of the parser's words that are passed on: they may quote the body.
const MAX_DETAIL: usize = 200;

/// The most unknown fields that are listed one by one.
const MAX_FIELDS: usize = 20;

/// Parses an object.
///
/// # Errors
/// [`Code::InvalidJson`]; [`Code::UnknownField`] with every field that `T` does not have.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(body);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let parsed = serde_ignored::deserialize(tracked, |path| unknown.push(unknown_pointer(&path)))
        .map(|Object(value)| value)
        .and_then(|value| json.end().map(|()| value));
    let value = parsed.map_err(|error| malformed(&error, &track.path()))?;
    if unknown.is_empty() {
        return Ok(value);
    }
    let names: Vec<_> = unknown
        .iter()
        .map(|pointer| pointer.trim_start_matches('/'))
        .collect();
    let error = Error::new(
        Code::UnknownField,
        format!(
            "The body has unknown fields: {}.",
            shorten(&names.join(", "))
        ),
    );
    let no_such = |pointer: &String| {
        FieldError::new(shorten(pointer), FieldCode::UnknownField, "no such field")
    };
    Err(error.with_fields(unknown.iter().take(MAX_FIELDS).map(no_such).collect()))
}

/// The body is not the JSON that it should be; `path` is where that was noticed.
fn malformed(error: &serde_json::Error, path: &serde_path_to_error::Path) -> Error {
    let detail = shorten(&error.to_string());
    let segment_step = |segment: &serde_path_to_error::Segment| match segment {
        serde_path_to_error::Segment::Seq { index } => step(&index.to_string()),
        other => step(&other.to_string()),
    };
    let pointer: String = path.iter().map(segment_step).collect();
    let fields = if error.is_data() && !pointer.is_empty() {
        vec![FieldError::new(
            shorten(&pointer),
            FieldCode::WrongType,
            detail.clone(),
        )]
    } else {
        Vec::new()
    };
    Error::new(
        Code::InvalidJson,
        format!("The body is not the JSON object that it should be: {detail}."),
    )
    .with_fields(fields)
}

/// Where an unknown field is, as a JSON pointer.
fn unknown_pointer(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => unknown_pointer(parent) + &step(&index.to_string()),
        Path::Map { parent, key } => unknown_pointer(parent) + &step(key),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => unknown_pointer(parent),
    }
}

/// One step of a JSON pointer (RFC 6901, 3).
fn step(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The beginning of a text that may quote the body.
fn shorten(text: &str) -> String {
    text.chars().take(MAX_DETAIL).collect()
}

/// Reads a field for which `null` means something else than its absence.
pub(crate) fn or_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

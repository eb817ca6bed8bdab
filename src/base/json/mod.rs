//! JSON that people write: read with the place of every mistake.

mod fault;
mod fields;
pub(crate) mod object;
pub(crate) mod time;
pub(crate) mod whole;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use super::alike;
use super::error::{Code, Error, FieldCode, FieldError, Result};

use object::Object;

/// The most characters of the parser's words that are passed on: they may quote the body.
const MAX_DETAIL: usize = 200;

/// The most unknown fields that are told of.
const MAX_FIELDS: usize = 20;

/// The byte order mark in UTF-8. A body must not have one (RFC 8259, 8.1).
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
    let value =
        parsed.map_err(|error| fault::of(body, &error, &fault::pointer_of(&track.path())))?;
    if unknown.is_empty() {
        Ok(value)
    } else {
        Err(unknown_fields::<T>(&unknown))
    }
}

/// The error that there is no body where an object is needed.
pub(crate) fn empty() -> Error {
    fault::empty()
}

/// What is in a file, without the byte order mark that some editors put before UTF-8.
pub(crate) fn without_mark(file: &[u8]) -> &[u8] {
    file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file)
}

/// Parses the object in a file.
///
/// # Errors
/// What is wrong with it, as it follows the name of the file.
pub(crate) fn parse_file<T: DeserializeOwned>(text: &[u8]) -> std::result::Result<T, String> {
    parse(text).map_err(|error| {
        let told = error.detail.replacen("The body", "it", 1);
        told.trim_end_matches('.').to_owned()
    })
}

/// The fields at `pointers` are none of a `T`.
fn unknown_fields<T: DeserializeOwned>(pointers: &[String]) -> Error {
    let told: Vec<_> = pointers
        .iter()
        .take(MAX_FIELDS)
        .map(|pointer| (pointer, instead::<T>(pointer)))
        .collect();
    let name = |(pointer, instead): &(&String, String)| {
        let name = shorten(pointer.trim_start_matches('/'));
        // Of several ones only what is short is told here; their own errors have the rest.
        if instead.is_empty() || (pointers.len() > 1 && !instead.ends_with('?')) {
            name
        } else {
            format!("{name} ({instead})")
        }
    };
    let names: Vec<_> = told.iter().map(name).collect();
    let more = if pointers.len() > MAX_FIELDS {
        ", ..."
    } else {
        ""
    };
    let detail = match names.as_slice() {
        [only] => format!("The body has an unknown field: {only}."),
        _ => format!("The body has unknown fields: {}{more}.", names.join(", ")),
    };
    let no_such = |(pointer, instead): &(&String, String)| {
        let detail = match &**instead {
            "" => "no such field".to_owned(),
            instead => format!("no such field; {instead}"),
        };
        FieldError::new(shorten(pointer), FieldCode::UnknownField, detail)
    };
    Error::new(Code::UnknownField, detail).with_fields(told.iter().map(no_such).collect())
}

/// What may stand in place of the unknown field at `pointer`: the one that was meant, or all that
/// there are. Nothing is said of what has no fields.
fn instead<T: DeserializeOwned>(pointer: &str) -> String {
    let (place, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let fields = fields::of::<T>(place).unwrap_or_default();
    alike::instead(&fields::unescape(name), fields).unwrap_or_default()
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

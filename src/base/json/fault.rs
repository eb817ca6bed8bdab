//! What is wrong with a body that is not the JSON that it should be, in words for who wrote it: the
//! parser has words of its own, such as `i64`, `sequence` and `EOF`.

use super::{BYTE_ORDER_MARK, shorten, step};
use crate::base::error::{Code, Error, FieldCode, FieldError};

/// What the parser says of JSON that is none, and what that means.
const SYNTAX: &[(&str, &str)] = &[
    ("key must be a string", "a name must stand in double quotes"),
    (
        "expected value",
        "a value is missing, or is a word without double quotes",
    ),
    (
        "expected ident",
        "a word that is none of true, false and null",
    ),
    ("trailing characters", "something stands behind its end"),
    ("recursion limit exceeded", "it is nested too deeply"),
    (
        "control character",
        "a control character in a text must be escaped, as \\n",
    ),
    (
        "invalid unicode code point",
        "a text is not well-formed UTF-8",
    ),
    (
        "lone leading surrogate in hex escape",
        "an escape is half of a character",
    ),
    (
        "unexpected end of hex escape",
        "an escape is half of a character",
    ),
];

/// What the parser finds, by the first words, and what that is in JSON.
const FOUND: &[(&str, &str)] = &[
    ("string", "a string"),
    ("integer", "a whole number"),
    (
        "floating point",
        "a number with a fraction or an exponent, or one that is too large",
    ),
    ("boolean", "true or false"),
    ("null", "null"),
    ("unit", "null"),
    ("sequence", "an array"),
    ("map", "an object"),
];

/// What the parser expects, and what that is in JSON.
const EXPECTED: &[(&str, &str)] = &[
    ("i64", "a whole number"),
    ("i32", "a whole number"),
    ("u64", "a whole number from 0 on"),
    ("u32", "a whole number from 0 on"),
    ("u16", "a whole number from 0 on"),
    ("u8", "a whole number from 0 on"),
    ("f64", "a number"),
    ("a boolean", "true or false"),
    ("a sequence", "an array"),
    ("a map", "an object"),
];

/// There is no body.
pub(super) fn empty() -> Error {
    Error::new(
        Code::InvalidJson,
        "The body is empty: a JSON object is needed.",
    )
}

/// What is wrong with the encoding of a body, before it comes to JSON.
fn encoding(body: &[u8]) -> Option<&'static str> {
    if body.starts_with(BYTE_ORDER_MARK) {
        return Some("it begins with a byte order mark, which JSON must not have");
    }
    // Whatever JSON begins with is ASCII, so without a mark one of the two first bytes is null.
    match body {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [0, _, ..] | [_, 0, ..] => {
            Some("it is UTF-16 or UTF-32, and must be UTF-8")
        }
        _ => None,
    }
}

/// The body is not the JSON that it should be; `pointer` is where `error` was noticed.
pub(super) fn of(body: &[u8], error: &serde_json::Error, pointer: &str) -> Error {
    if body.trim_ascii().is_empty() {
        return empty();
    }
    if let Some(what) = encoding(body) {
        return Error::new(Code::InvalidJson, format!("The body is not JSON: {what}."));
    }
    let (line, column) = (error.line(), error.column());
    let place = format!(" at line {line} column {column}");
    let said = error.to_string();
    let said = said.strip_suffix(&place).unwrap_or(&said);
    let place = if line == 0 {
        String::new()
    } else {
        format!(" (line {line}, column {column})")
    };
    if !error.is_data() {
        let what = if error.is_eof() {
            "it ends before everything in it is closed".to_owned()
        } else {
            syntax(said)
        };
        let detail = format!("The body is not JSON: {what}{place}.");
        return Error::new(Code::InvalidJson, detail);
    }
    let what = shorten(&data(said));
    let name = match pointer.trim_start_matches('/') {
        "" => "The body".to_owned(),
        name => shorten(name),
    };
    let error = Error::new(Code::InvalidJson, format!("{name} {what}{place}."));
    // A field that is there twice is noticed at the object that has it.
    let (pointer, what) = match twice(said) {
        Some(field) => (
            format!("{pointer}{}", step(field)),
            "is there twice".to_owned(),
        ),
        None => (pointer.to_owned(), what),
    };
    if pointer.is_empty() {
        return error;
    }
    let field = FieldError::new(shorten(&pointer), FieldCode::WrongType, what + &place);
    error.with_fields(vec![field])
}

/// The field that is there twice, where that is what the parser says.
fn twice(said: &str) -> Option<&str> {
    let field = said.strip_prefix("duplicate field ")?;
    Some(field.trim_matches('`'))
}

/// What is wrong with JSON that is none.
fn syntax(said: &str) -> String {
    let known = SYNTAX.iter().find(|(words, _)| said.starts_with(words));
    known.map_or_else(|| shorten(said), |(_, plain)| (*plain).to_owned())
}

/// What is wrong with a value, as what follows its name in a sentence.
fn data(said: &str) -> String {
    let halves = |start: &str| said.strip_prefix(start)?.rsplit_once(", expected ");
    let name = |start: &str| Some(said.strip_prefix(start)?.trim_matches('`'));
    if let Some((found, expected)) = halves("invalid type: ") {
        let known = FOUND.iter().find(|(words, _)| found.starts_with(words));
        let found = known.map_or(found, |(_, plain)| plain);
        format!("must be {}, and is {found}", plain(expected))
    } else if let Some((_, expected)) = halves("invalid value: ") {
        format!("must be {}, and is out of range", plain(expected))
    } else if let Some((found, expected)) = halves("invalid length ") {
        format!("must be {}, and has {found}", plain(expected))
    } else if let Some(field) = twice(said) {
        format!("has the field {field} twice")
    } else if let Some(field) = name("missing field ") {
        format!("lacks the field {field}")
    } else if let Some((_, expected)) = halves("unknown variant ") {
        format!("must be {expected}")
    } else {
        // A type of several forms says itself which ones they are.
        format!("must be {said}")
    }
}

/// What is expected, in the words of JSON.
fn plain(expected: &str) -> &str {
    let known = EXPECTED.iter().find(|(words, _)| *words == expected);
    match known {
        Some((_, plain)) => plain,
        None if expected.starts_with("struct ") => "an object",
        None => expected,
    }
}

/// Where something is, as a JSON pointer.
pub(super) fn pointer_of(path: &serde_path_to_error::Path) -> String {
    let segment_step = |segment: &serde_path_to_error::Segment| match segment {
        serde_path_to_error::Segment::Seq { index } => step(&index.to_string()),
        other => step(&other.to_string()),
    };
    path.iter().map(segment_step).collect()
}

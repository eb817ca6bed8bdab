//! The days that filters name: both ends of a period are part of it.

use crate::base::clock::Timestamp;
use crate::base::error::{Checked, FieldCode, FieldError};

/// Seconds in a day.
const DAY: i64 = 24 * 60 * 60;

/// The time at which a period begins in whose filter `name` stands `text`: a day (UTC), or a time
/// of the API, which stays as it is.
///
/// # Errors
/// Where it is neither.
pub(super) fn begin(name: &'static str, text: &str) -> Checked<String> {
    read(name, text, 0)
}

/// The time before which such a period ends.
///
/// # Errors
/// Those of [`begin`].
pub(super) fn end(name: &'static str, text: &str) -> Checked<String> {
    read(name, text, DAY)
}

/// The time `seconds` after the beginning of the day in `text`.
fn read(name: &'static str, text: &str, seconds: i64) -> Checked<String> {
    let day = Timestamp::parse(&format!("{text}T00:00:00Z"));
    let time = day.map(|day| day.plus_seconds(seconds).to_string());
    let time = time.or_else(|| Timestamp::parse(text).map(|_| text.to_owned()));
    let wrong = || FieldError::new(name, FieldCode::InvalidFormat, "a day, as 2026-11-29");
    time.ok_or_else(wrong)
}

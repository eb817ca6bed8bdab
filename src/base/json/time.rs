//! A time: who gives a number is told which form it has.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// For a field that is a time or absent, which is read as text: `#[serde(default, deserialize_with =
/// "time::optional")]`.
///
/// # Errors
/// When it is no text.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    deserializer.deserialize_option(Time)
}

/// Reads the text.
struct Time;

impl<'de> Visitor<'de> for Time {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 time in a string, as \"2026-12-01T00:00:00Z\"")
    }

    fn visit_none<E: Error>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<String>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_string(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<String>, E> {
        Ok(Some(text.to_owned()))
    }
}

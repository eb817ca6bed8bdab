//! A number of seconds: who gives it a unit is told that it has one.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// For a field that is whole seconds or absent: `#[serde(default, deserialize_with =
/// "seconds::optional")]`.
///
/// # Errors
/// When it is anything else.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_option(Seconds)
}

/// Reads the number.
struct Seconds;

impl<'de> Visitor<'de> for Seconds {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of seconds, as 604800 for 7 days")
    }

    fn visit_none<E: Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<i64>, D::Error> {
        deserializer.deserialize_i64(self)
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Option<i64>, E> {
        Ok(Some(seconds))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Option<i64>, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(seconds), &self);
        i64::try_from(seconds).map(Some).map_err(wrong)
    }
}

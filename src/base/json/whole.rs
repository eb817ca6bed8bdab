//! Whole numbers, in whatever way they are written: `86400.0`, as programs write a length of time that
//! they have as a fraction, is `86400` in JSON.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// For a field that is whole seconds or absent: `#[serde(default, deserialize_with =
/// "whole::seconds")]`. Who gives them a unit is told that they have one.
///
/// # Errors
/// When it is anything else.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_option(Whole("a whole number of seconds, as 604800 for 7 days"))
}

/// For a field that is a whole number or absent.
///
/// # Errors
/// When it is anything else.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_option(Whole("a whole number"))
}

/// Reads the number, which is what this says.
struct Whole(&'static str);

impl<'de> Visitor<'de> for Whole {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
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

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<i64>, E> {
        Ok(Some(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<i64>, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        i64::try_from(number).map(Some).map_err(wrong)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<i64>, E> {
        // A whole number is shown without a fraction, to the last digit.
        let wrong = |_| E::invalid_type(Unexpected::Float(number), &self);
        number.to_string().parse().map(Some).map_err(wrong)
    }
}

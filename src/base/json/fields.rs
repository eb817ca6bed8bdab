//! The fields that an object can have: asked when one of them is unknown, to say which was meant.

use std::cell::Cell;
use std::iter;

use serde::de::value::{self, MapDeserializer, SeqDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::object::Object;

/// The names of fields, as serde has them.
type Fields = &'static [&'static str];

/// The fields of the object that is at `place`, a JSON pointer, in a `T`; none: there can be no
/// object with names of its own.
pub(super) fn of<T: DeserializeOwned>(place: &str) -> Option<Fields> {
    let steps: Vec<_> = place.split('/').skip(1).map(unescape).collect();
    let found = Cell::new(None);
    let probe = Probe {
        steps: &steps,
        found: &found,
    };
    // It ends with an error where it has found them, since there is no value.
    drop(Object::<T>::deserialize(probe));
    found.get()
}

/// One step of a JSON pointer (RFC 6901, 4).
pub(super) fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// Stands in for a body, and walks down to the object that is meant.
#[derive(Clone, Copy)]
struct Probe<'p> {
    /// The way to the object.
    steps: &'p [String],
    /// The fields, once they are known.
    found: &'p Cell<Option<Fields>>,
}

impl<'p> Probe<'p> {
    /// The next step, and the probe of what is there.
    fn step(self) -> Result<(&'p str, Self), value::Error> {
        let (step, steps) = self.steps.split_first().ok_or_else(no_value)?;
        Ok((step, Self { steps, ..self }))
    }
}

/// A probe has no value.
fn no_value() -> value::Error {
    value::Error::custom("a probe has no value")
}

impl<'de> IntoDeserializer<'de> for Probe<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: Fields,
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        if self.steps.is_empty() {
            self.found.set(Some(fields));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        let field = self.step()?;
        visitor.visit_map(MapDeserializer::new(iter::once(field)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        let (_, item) = self.step()?;
        visitor.visit_seq(SeqDeserializer::new(iter::once(item)))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(no_value())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::base::json::object;

    /// An object in another one.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "only its names are asked for")]
    struct Inner {
        long_name: Option<String>,
    }

    /// A body.
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names are asked for")]
    struct Outer {
        text: Option<String>,
        #[serde(default, deserialize_with = "object::optional")]
        one: Option<Inner>,
        #[serde(default, deserialize_with = "object::list")]
        many: Option<Vec<Inner>>,
    }

    #[test]
    fn the_fields_are_those_of_the_object_at_the_place() {
        for (place, fields) in [
            ("", Some(&["text", "one", "many"][..])),
            ("/one", Some(&["longName"][..])),
            ("/many/7", Some(&["longName"][..])),
            ("/text", None),
            ("/many", None),
            ("/none", None),
        ] {
            assert_eq!(of::<Outer>(place), fields, "{place}");
        }
    }
}

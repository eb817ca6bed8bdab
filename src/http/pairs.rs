//! The keys and values of a query as serde reads them: into a struct that has a field a key.

use std::borrow::Cow;

use serde::de::value::MapDeserializer;
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use url::form_urlencoded;

use crate::base::alike;
use crate::base::error::{Code, Error, FieldCode, FieldError};

/// The most characters of an unknown key that an error shows.
const SHOWN_CHARS: usize = 64;

/// The keys and values of a query, decoded, in the order of the request.
pub(crate) struct Pairs<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

/// Why a query is no struct.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct NoStruct(pub Error);

impl de::Error for NoStruct {
    /// The struct is not one for a query. No request leads here: keys are checked before.
    fn custom<T: std::fmt::Display>(cause: T) -> Self {
        Self(Error::internal(cause.to_string()))
    }
}

impl<'q> Pairs<'q> {
    /// Splits a query.
    pub(crate) fn parse(query: &'q str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    /// The keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    /// Checks that every key is one of `known` and occurs once.
    fn check(&self, known: &[&str]) -> Result<(), NoStruct> {
        for (place, key) in self.keys().enumerate() {
            if !known.contains(&key) {
                return Err(unknown(key, known));
            }
            if self.keys().take(place).any(|earlier| earlier == key) {
                let detail = format!(
                    "The query has the key {key} twice. Where it takes several values, they stand \
                     in one by comma."
                );
                return Err(refused(key, FieldCode::Conflict, detail, "given twice"));
            }
        }
        Ok(())
    }
}

/// The refusal of a query for a key that is none of `known`.
fn unknown(key: &str, known: &[&str]) -> NoStruct {
    let instead = alike::instead(key, known);
    let instead = instead.unwrap_or_else(|| "this operation takes none".to_owned());
    let shown: String = key.chars().take(SHOWN_CHARS).collect();
    let detail = format!("The query has an unknown key: {shown} ({instead}).");
    let reason = format!("no such key; {instead}");
    refused(&shown, FieldCode::UnknownField, detail, reason)
}

/// The refusal of a query for its key `key`.
fn refused(
    key: &str,
    code: FieldCode,
    detail: String,
    reason: impl Into<Cow<'static, str>>,
) -> NoStruct {
    let error = Error::new(Code::InvalidQuery, detail);
    NoStruct(error.with_fields(vec![FieldError::new(key.to_owned(), code, reason)]))
}

impl<'de> Deserializer<'de> for &'de Pairs<'_> {
    type Error = NoStruct;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoStruct> {
        self.check(fields)?;
        let pairs = self.0.iter().map(|(key, value)| (&**key, Value(value)));
        visitor.visit_map(MapDeserializer::new(pairs))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoStruct> {
        Err(de::Error::custom("a query is read into a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A value that is given: text.
struct Value<'q>(&'q str);

impl<'de> IntoDeserializer<'de, NoStruct> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = NoStruct;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NoStruct> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NoStruct> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

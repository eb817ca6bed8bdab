//! The query of a request: only known keys, each once.
//!
//! A query is declared once, as a struct with a field a key: `Deserialize` reads it, `IntoParams`
//! documents it. Its values are text, and a `parse` that takes the struct apart makes of them what
//! cannot be wrong.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::pairs::{NoStruct, Pairs};
use crate::base::error::{Error, FieldCode, FieldError, Result};

/// The query of a request: every key is a field of `T` and occurs once.
#[derive(Debug)]
pub struct Query<T> {
    /// The values.
    values: T,
    /// The keys in the order of the request.
    keys: Vec<String>,
}

/// The keys of an operation that takes no query.
#[derive(Debug, Deserialize)]
pub struct NoKeys {}

/// For operations that take no query: secrets in a URL (`?token=`, `?api_key=`) are refused, not
/// ignored.
pub type NoQuery = Query<NoKeys>;

impl<T: DeserializeOwned> Query<T> {
    /// Splits `query`, and reads it.
    ///
    /// # Errors
    /// [`crate::base::error::Code::InvalidQuery`] for a key that is unknown or given twice.
    pub fn parse(query: &str) -> Result<Self> {
        let pairs = Pairs::parse(query);
        Ok(Self {
            values: T::deserialize(&pairs).map_err(|NoStruct(error)| error)?,
            keys: pairs.keys().map(str::to_owned).collect(),
        })
    }
}

impl<T> Query<T> {
    /// Checks the values.
    ///
    /// # Errors
    /// Those of `check`. What is wrong with one value is told in the order of the request, and what
    /// two values have against each other after that.
    pub fn check<U>(self, check: impl FnOnce(T) -> Result<U>) -> Result<U> {
        let place = |error: &FieldError| {
            let place = self.keys.iter().position(|key| *key == error.pointer);
            (error.code == FieldCode::Conflict, place)
        };
        check(self.values).map_err(|error| error.sorted_by_key(place))
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

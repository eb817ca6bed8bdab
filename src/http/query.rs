//! The query of a request: only known keys, each once.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use url::form_urlencoded;

use crate::base::error::{Code, Error, FieldCode, FieldError, Result};
use crate::base::query::Keys;

/// The keys and values of a query, decoded. Every key is one of `K`'s and occurs once.
#[derive(Debug)]
pub struct Query<K> {
    /// Keys and values in the order of the request.
    pub pairs: Vec<(String, String)>,
    /// Whose keys they are.
    keys: PhantomData<K>,
}

/// For operations that take no query: secrets in a URL (`?token=`, `?api_key=`) are refused, not
/// ignored.
pub type NoQuery = Query<()>;

impl<K: Keys> Query<K> {
    /// Splits and checks the query.
    fn parse(query: &str) -> Result<Self> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let problem = if !K::KEYS.contains(&&*key) {
                Some(FieldError::new(
                    key.chars().take(64).collect::<String>(),
                    FieldCode::UnknownField,
                    "no such key",
                ))
            } else if pairs.iter().any(|(earlier, _)| *earlier == key) {
                Some(FieldError::new(
                    key.to_string(),
                    FieldCode::Conflict,
                    "given twice",
                ))
            } else {
                None
            };
            if let Some(problem) = problem {
                let error = Error::new(
                    Code::InvalidQuery,
                    "The query has a key that is unknown or given twice.",
                );
                return Err(error.with_fields(vec![problem]));
            }
            pairs.push((key.into_owned(), value.into_owned()));
        }
        Ok(Self {
            pairs,
            keys: PhantomData,
        })
    }
}

impl<K: Keys> FromRequest for Query<K> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

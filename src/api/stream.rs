//! Lists as responses: at once where they are short, streamed where they are long.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::TryStreamExt;
use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::invitation::rows::{List, Rows};

/// Responds with `first` and, where more follow it, with the rest of `list`; then with `closing`.
pub fn respond(
    mut response: HttpResponseBuilder,
    list: List,
    mut first: Rows,
    closing: &'static [u8],
) -> HttpResponse {
    response.content_type("application/json");
    if first.more_after.is_some() {
        return response.streaming(list.stream(first, closing).map_ok(Bytes::from));
    }
    first.json.extend_from_slice(closing);
    response.body(first.json)
}

/// A JSON array that is written entry by entry.
pub struct JsonArray(Vec<u8>);

impl Default for JsonArray {
    /// An array without entries.
    fn default() -> Self {
        Self(b"[".to_vec())
    }
}

impl JsonArray {
    /// Appends an entry.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn push(&mut self, entry: &impl Serialize) -> Result<()> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, entry).map_err(Error::internal)
    }

    /// The whole array.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.push(b']');
        self.0
    }
}

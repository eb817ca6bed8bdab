//! Lists as responses: at once where they are short, streamed where they are long.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::TryStreamExt;

use crate::invitation::rows::{List, Rows};

/// Responds with `first` and, where more follow it, with the rest of `list`; then with `closing`.
pub fn respond(mut response: HttpResponseBuilder, list: List, mut first: Rows, closing: &'static [u8]) -> HttpResponse {
    response.content_type("application/json");
    if first.more_after.is_some() {
        return response.streaming(list.stream(first, closing).map_ok(Bytes::from));
    }
    first.json.extend_from_slice(closing);
    response.body(first.json)
}

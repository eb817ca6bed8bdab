//! Lists as responses: at once where they are short, streamed where they are long.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::TryStreamExt;

use crate::invitation::rows::{List, Rows};

/// Answers with `first` and, where more follow it, with the rest of `list`, between `opening` and `closing`.
pub fn respond(
    mut response: HttpResponseBuilder,
    list: List,
    (opening, closing): (Vec<u8>, &'static [u8]),
    first: Rows,
) -> HttpResponse {
    response.content_type("application/json");
    if first.more_after.is_some() {
        return response.streaming(list.stream((opening, closing), first).map_ok(Bytes::from));
    }
    response.body([&*opening, &first.json, closing].concat())
}

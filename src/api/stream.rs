//! Lists as responses: at once where they are short, streamed where they are long.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::{Stream, TryStreamExt, stream};
use serde::Serialize;

use crate::base::error::{Error, Result};
use crate::base::page::Part;

/// What a list that is streamed gives next.
enum Next<Id> {
    /// A part that has been read.
    Part(Part<Id>),
    /// The part after this entry.
    After(Id),
    /// Nothing: this was all.
    Nothing,
}

/// Responds with `first` and, where more follow it, with the rest of its list; then with `closing`.
/// `read` reads what follows an entry, behind an opening.
pub(crate) fn respond<Id, Read, Reading>(
    mut response: HttpResponseBuilder,
    mut first: Part<Id>,
    closing: &'static [u8],
    read: Read,
) -> HttpResponse
where
    Id: 'static,
    Read: Fn(Vec<u8>, Id) -> Reading + 'static,
    Reading: Future<Output = Result<Part<Id>>> + 'static,
{
    response.content_type("application/json");
    if first.more_after.is_some() {
        return response.streaming(stream(first, closing, read).map_ok(Bytes::from));
    }
    first.json.extend_from_slice(closing);
    response.body(first.json)
}

/// The whole list from `first` on, which has been read already, with `closing` at its end. Memory
/// stays flat: the next part is read when the last one was taken. An error cuts the response short.
fn stream<Id, Reading: Future<Output = Result<Part<Id>>>>(
    first: Part<Id>,
    closing: &'static [u8],
    read: impl Fn(Vec<u8>, Id) -> Reading,
) -> impl Stream<Item = Result<Vec<u8>>> {
    stream::try_unfold(
        (read, Next::Part(first), false),
        move |(read, next, is_begun)| async move {
            let part = match next {
                Next::Part(part) => part,
                Next::After(id) => rest(read(comma(is_begun), id).await?),
                Next::Nothing => return Ok(None),
            };
            let mut json = part.json;
            if part.more_after.is_none() {
                json.extend_from_slice(closing);
            }
            let next = part.more_after.map_or(Next::Nothing, Next::After);
            Ok(Some((json, (read, next, is_begun || !part.is_empty))))
        },
    )
}

/// What stands in front of a part that continues a list.
fn comma(is_begun: bool) -> Vec<u8> {
    if is_begun { b",".to_vec() } else { Vec::new() }
}

/// A part that continues a list: without an entry it has no comma either.
fn rest<Id>(mut part: Part<Id>) -> Part<Id> {
    if part.is_empty {
        part.json.clear();
    }
    part
}

/// A JSON array that is written entry by entry.
pub(crate) struct JsonArray(Vec<u8>);

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
    pub(crate) fn push(&mut self, entry: &impl Serialize) -> Result<()> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        serde_json::to_writer(&mut self.0, entry).map_err(Error::internal)
    }

    /// The whole array.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push(b']');
        self.0
    }
}

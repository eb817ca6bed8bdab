//! The body of every answer: it goes out in pieces, and takes along what lasts as long as the
//! answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::web::Bytes;

use super::connection::Answering;
use crate::policy::limits::Share;

/// Bytes that are handed to a connection at a time. The framework copies all that it is given, and
/// holds the copy for as long as the peer does not read it.
pub(super) const PIECE: usize = 16 * 1024;

/// The body of an answer, with what is let go when all of it was handed over.
struct AnswerBody {
    /// The body.
    body: BoxBody,
    /// What the body has given and the connection has not got.
    rest: Bytes,
    /// What is left of the body of the request.
    _left: Payload,
    /// That the request is being answered.
    _answering: Option<Answering>,
    /// The memory that it takes.
    _room: Option<Share>,
}

/// `body` in pieces, with `left`, `answering` and `room` until its end.
pub(crate) fn attach(
    body: BoxBody,
    left: Payload,
    answering: Option<Answering>,
    room: Option<Share>,
) -> BoxBody {
    let is_one_piece = match body.size() {
        BodySize::None => true,
        BodySize::Sized(length) => length <= PIECE as u64,
        BodySize::Stream => false,
    };
    if is_one_piece && matches!(left, Payload::None) {
        return body;
    }
    BoxBody::new(AnswerBody {
        body,
        rest: Bytes::new(),
        _left: left,
        _answering: answering,
        _room: room,
    })
}

impl MessageBody for AnswerBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        while this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => this.rest = chunk,
                polled => return polled,
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(piece)))
    }
}

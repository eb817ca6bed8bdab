//! Tells pages of the desk that there is something new, so that they load themselves again.

use actix_web::{HttpResponse, web};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::super::get;
use super::super::visitor::Visitor;
use crate::api::events::live::{BEAT, OPENING, Seat};
use crate::api::events::respond_live;
use crate::base::error::{Error, Result};
use crate::db::Topic;
use crate::http::context::Context;
use crate::http::route::Route;
use crate::http::router::read_param;

/// What a page gets when there is something new. What it is, the page asks for.
const CHANGE: &[u8] = b"event: change\ndata: {}\n\n";

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/console/desk/live/{feed}", web::to(live))]
}

/// `GET /console/desk/live/{feed}`: server-sent events, one for each change of `mail`, `events` or
/// `requests`, without an end.
///
/// # Errors
/// 404 for another feed, 503 for one stream too many.
async fn live(visitor: Visitor) -> Result<HttpResponse> {
    let feed = read_param(&visitor.request, "feed", |feed| Some(feed.to_owned()));
    let news = match feed.as_deref() {
        Some("mail") => visitor.state.db.follow(Topic::Mailbox),
        Some("events") => visitor.state.db.follow(Topic::Events),
        Some("requests") => Context::of(&visitor.request)?
            .requests
            .as_ref()
            .ok_or_else(Error::not_found)?
            .follow(),
        _ => return Err(Error::not_found()),
    };
    let streams = &visitor.state.streams;
    let open = || Ok(parts(news, streams.take_seat(&visitor.caller.actor)?));
    respond_live(&visitor.request, visitor.request_id(), open)
}

/// The stream, part by part. Ends with the server.
fn parts(news: watch::Receiver<u64>, seat: Seat) -> impl Stream<Item = Result<Vec<u8>>> {
    stream::unfold(
        (news, seat, false),
        |(mut news, mut seat, has_begun)| async move {
            if !has_begun {
                return Some((Ok(OPENING.to_vec()), (news, seat, true)));
            }
            if *seat.stop.borrow() {
                return None;
            }
            let part = tokio::select! {
                _ = seat.stop.changed() => return None,
                changed = news.changed() => changed.ok().map(|()| CHANGE)?,
                () = sleep_until(seat.beat_at) => BEAT,
            };
            seat.postpone_beat();
            Some((Ok(part.to_vec()), (news, seat, true)))
        },
    )
}

//! The HTTP of events: the history of an organization.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::query::EventQuery;
use super::{Event, store};
use crate::db::Reader;
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::auth::{Access, Read};
use crate::http::query::Query;

/// `GET /v1/organizations/{organizationId}/events` with `invitations:read`: 200 with an array, one page of it.
///
/// # Errors
/// 400 for an unknown key or a foreign cursor, 422 for a value that is not acceptable.
#[utoipa::path(
    get,
    path = "/v1/organizations/{organizationId}/events",
    operation_id = "listEvents",
    tag = "Events",
    summary = "List what happened",
    description = "The history of the organization as an array, newest first; `[]` for an organization that is not known. \
        Always in pages: `Link` names the next one. Nothing is ever changed or taken out of it.",
    params(
        ("organizationId" = String, Path, description = "The caller's own id of the organization.",
            pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme"),
        ("type" = Option<String>, Query, description = "Only these types, by comma.",
            pattern = "^[a-z_]+\\.[a-z_]+(,[a-z_]+\\.[a-z_]+)*$", example = "invitation.created,invitation.accepted"),
        ("invitationId" = Option<String>, Query, description = "Only what happened to this invitation.", format = "uuid"),
        ("since" = Option<String>, Query, description = "Only from then on: RFC 3339.", format = "date-time"),
        ("until" = Option<String>, Query, description = "Only before then: RFC 3339.", format = "date-time"),
        ("order" = Option<String>, Query, description = "`desc`: newest first (default), or `asc`.", pattern = "^(asc|desc)$"),
        ("limit" = Option<u32>, Query, description = "At most so many; 100 where it is not given.", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "From `Link`: where the page before ended."),
    ),
    responses(
        (status = 200, description = "The events.", body = Vec<Event<'_>>,
            headers(("Link" = String, description = "`<URL>; rel=\"next\"` where more follow (RFC 8288).")),
            example = json!([super::example()])),
    )
)]
pub async fn list(access: Access<Read>, state: Data<State>, query: Query<EventQuery>) -> Result<HttpResponse> {
    let Access { organization, kept: snapshot, .. } = access;
    let query = EventQuery::parse(&query.pairs, &organization)?;
    let paged = query.paged(&organization);
    let limit = query.page.limit;
    let is_bounded = query.filter.is_empty();
    let read = move |reader: &Reader<'_>| {
        let (mut json, mut last) = (b"[".to_vec(), None);
        let write = |event: &Event<'_>| {
            if last.replace(event.id).is_some() {
                json.push(b',');
            }
            serde_json::to_writer(&mut json, event).map_err(Error::internal)
        };
        let more = store::list(reader, &organization, &query, write)?;
        json.push(b']');
        Ok((json, last.filter(|_| more)))
    };
    let (json, more_after) = if is_bounded {
        read(&snapshot.reader())?
    } else {
        // A filter may have to step over any number of events.
        drop(snapshot);
        state.db.read_long(read).await?
    };
    let mut response = HttpResponse::Ok();
    if let Some(last) = more_after {
        response.insert_header((header::LINK, paged.next_link(&state.public_url, limit, last)));
    }
    Ok(response.content_type("application/json").body(json))
}

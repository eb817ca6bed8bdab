//! The requests and the events, as they come.

use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use serde_json::json;

use super::super::get;
use super::super::sheet::Place;
use super::super::visitor::Visitor;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{Order, Page};
use crate::db::Reader;
use crate::event::query::{EventQuery, Filter};
use crate::event::store as events;
use crate::http::context::Context;
use crate::http::route::Route;
use crate::key::Rights;
use crate::organization::store as organizations;

/// Requests that the page shows.
const SHOWN_REQUESTS: usize = 100;
/// Events that the page shows.
const SHOWN_EVENTS: u32 = 50;
/// Organizations whose events are looked at.
const LOOKED_AT: u32 = 100;

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/console/desk/requests", web::to(requests)),
        get("/console/desk/events", web::to(all_events)),
    ]
}

/// `GET /console/desk/requests`: the newest requests, but for those of the console itself.
async fn requests(visitor: Visitor) -> Result<HttpResponse> {
    let log = Context::of(&visitor.request)?.requests.as_ref();
    let requests = log.map(|log| log.list(SHOWN_REQUESTS)).unwrap_or_default();
    let requests: Vec<_> = requests
        .iter()
        .map(|one| Value::from_serialize(&**one))
        .collect();
    let values = context! { requests };
    visitor
        .show(Place::Desk, "desk_requests.html", values)
        .await
}

/// `GET /console/desk/events`: the newest events of all organizations, or of one.
async fn all_events(visitor: Visitor) -> Result<HttpResponse> {
    let asked = visitor.query().trimmed("organization");
    let chosen = asked.as_deref().and_then(OrganizationId::parse);
    let read = move |reader: &Reader<'_>| {
        let mut names = Vec::new();
        organizations::list(reader, &Rights::ALL, ("", LOOKED_AT), |id, _| {
            names.push(id.to_owned());
            Ok(())
        })?;
        let of = match &chosen {
            Some(organization) => vec![organization.clone()],
            None => names
                .iter()
                .filter_map(|id| OrganizationId::parse(id))
                .collect(),
        };
        Ok((names, newest(reader, &of)?))
    };
    let (organizations, events) = visitor
        .state
        .db
        .read_long(&visitor.caller.actor, read)
        .await?;
    let values = context! { organizations, events, chosen => asked };
    visitor.show(Place::Desk, "desk_events.html", values).await
}

/// The newest events of `organizations`, newest first, each with its whole JSON.
fn newest(reader: &Reader<'_>, organizations: &[OrganizationId]) -> Result<Vec<Value>> {
    let query = EventQuery {
        filter: Filter::default(),
        page: Page {
            order: Order::NewestFirst,
            after: None,
            limit: SHOWN_EVENTS,
        },
    };
    let mut found = Vec::new();
    for organization in organizations {
        events::list(reader, organization, &query, |event| {
            found.push(serde_json::to_value(event).map_err(Error::internal)?);
            Ok(())
        })?;
    }
    // Ids grow with time.
    found.sort_by(|one, other| other["id"].as_str().cmp(&one["id"].as_str()));
    found.truncate(SHOWN_EVENTS as usize);
    let with_text = |event: serde_json::Value| {
        let text = serde_json::to_string_pretty(&event).unwrap_or_default();
        Value::from_serialize(json!({ "event": event, "json": text }))
    };
    Ok(found.into_iter().map(with_text).collect())
}

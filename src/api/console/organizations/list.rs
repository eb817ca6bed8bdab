//! All organizations.

use actix_web::HttpResponse;
use minijinja::{Value, context};

use crate::api::console::sheet::Place;
use crate::api::console::visitor::Visitor;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::db::Reader;
use crate::invitation::Status;
use crate::invitation::store::{Outline, list_newest};
use crate::key::{Rights, Scope};
use crate::organization::{Record, store};

/// Organizations on a page: their invitations are counted in about 25 ms.
const ON_A_PAGE: usize = 25;
/// Organizations that are read at a time while one is searched.
const AT_A_TIME: u32 = 500;
/// Organizations that one search steps over at most.
const MOST_SEARCHED: u32 = 5_000;
/// Invitations of an organization that are counted at most.
const MOST_COUNTED: u32 = 1_000;

/// What was found.
#[derive(Default)]
struct Found {
    /// The organizations as the page shows them.
    rows: Vec<Value>,
    /// After which organization the list goes on; none: it ends.
    more_after: Option<String>,
}

/// `GET /console` with `invitations:read`: the organizations that the visitor may see.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Read)?;
    let query = visitor.query();
    let (q, after) = (query.trimmed("q"), query.trimmed("after"));
    let (rights, wanted) = (visitor.caller.rights.clone(), q.clone());
    let from = after.clone().unwrap_or_default();
    let search = move |reader: &Reader<'_>| search(reader, &rights, wanted.as_deref(), &from);
    let actor = &visitor.caller.actor;
    let found = visitor.state.db.read_long(actor, search).await?;
    let newer = query.to_query(&["q"]);
    let and = if newer.is_empty() { "" } else { "&" };
    // An id stands in a query as it is.
    let older = found
        .more_after
        .map(|last| format!("{newer}{and}after={last}"));
    let values = context! {
        rows => found.rows,
        older,
        newer,
        q => q.unwrap_or_default(),
        after,
        public_url => visitor.state.public_url,
    };
    visitor
        .show(Place::Organizations, "organizations.html", values)
        .await
}

/// Finds a page of organizations behind `after`, whose id or name has `wanted` in it.
fn search(
    reader: &Reader<'_>,
    rights: &Rights,
    wanted: Option<&str>,
    after: &str,
) -> Result<Found> {
    let wanted = wanted.map(str::to_lowercase);
    let fits = |id: &str, record: &Record| {
        wanted.as_ref().is_none_or(|wanted| {
            let name = record.settings.name.as_deref().unwrap_or_default();
            id.to_lowercase().contains(wanted) || name.to_lowercase().contains(wanted)
        })
    };
    let (mut found, mut after) = (Found::default(), after.to_owned());
    for _ in 0..MOST_SEARCHED / AT_A_TIME {
        let mut last_shown = None;
        let more_after = store::list(reader, rights, (&after, AT_A_TIME), |id, record| {
            if last_shown.is_none() && fits(id, record) {
                found.rows.push(row(reader, id, record)?);
                last_shown = (found.rows.len() == ON_A_PAGE).then(|| id.to_owned());
            }
            Ok(())
        })?;
        found.more_after = last_shown.clone().or(more_after);
        match found.more_after.clone() {
            Some(last) if last_shown.is_none() => after = last,
            _ => break,
        }
    }
    Ok(found)
}

/// An organization as the page shows it.
fn row(reader: &Reader<'_>, id: &str, record: &Record) -> Result<Value> {
    let organization = OrganizationId::from_stored(id)?;
    let (mut pending, mut accepted) = (0, 0);
    let count = |outline: &Outline| match outline.status {
        Status::Pending => pending += 1,
        Status::Accepted => accepted += 1,
        _ => {}
    };
    let has_more = list_newest(reader, reader.now, &organization, MOST_COUNTED, count)?;
    Ok(context! {
        id,
        name => record.settings.name,
        created_at => record.created_at,
        pending,
        accepted,
        has_more,
    })
}

//! The place of organizations: all of them.

use actix_web::{HttpResponse, web};
use minijinja::context;

use super::get;
use super::sheet::Place;
use super::visitor::Visitor;
use crate::base::error::Result;
use crate::http::route::Route;
use crate::organization::store;

/// Organizations on a page.
const ON_A_PAGE: u32 = 50;

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![get("/console", web::to(list))]
}

/// `GET /console`: the organizations that the visitor may see.
async fn list(visitor: Visitor) -> Result<HttpResponse> {
    let rights = visitor.caller.rights.clone();
    let after = visitor.query().trimmed("after").unwrap_or_default();
    let (rows, older) = visitor.state.db.read(|reader| {
        let mut rows = Vec::new();
        let older = store::list(reader, &rights, (&after, ON_A_PAGE), |id, organization| {
            rows.push(context! {
                id,
                name => organization.settings.name,
                created_at => organization.created_at,
            });
            Ok(())
        })?;
        Ok((rows, older))
    })?;
    let values = context! { rows, older, after };
    visitor
        .show(Place::Organizations, "organizations.html", values)
        .await
}

//! One organization: its figures, and its invitations.

use actix_web::HttpResponse;
use minijinja::{Value, context};
use uuid::Uuid;

use super::chart;
use super::filter::{self, Asked};
use super::rows::Rows;
use crate::api::console::sheet::Place;
use crate::api::console::visitor::Visitor;
use crate::api::pages::root_from;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;
use crate::base::page::Page;
use crate::db::Reader;
use crate::invitation::summary::Summary;
use crate::invitation::{Invitation, store};
use crate::key::Scope;

/// The template of the page.
const TEMPLATE: &str = "organization.html";

/// `GET /console/organizations/{organizationId}` with `invitations:read`.
///
/// # Errors
/// 404 where the organization is not known.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Read)?;
    let (organization, record) = super::find(&visitor)?;
    let fields = visitor.query();
    let frame = context! {
        organization => super::head(&organization, &record.settings),
        roles => record.settings.roles,
        filter => filter::filled(&fields),
        is_narrow => filter::is_narrow(&fields),
        query => filter::to_query(&fields),
        after => fields.get("after"),
        public_url => visitor.state.public_url,
    };
    let asked = match Asked::parse(&visitor, &organization) {
        Ok(asked) => asked,
        Err(error) => {
            let (rows, count) = (Value::from_safe_string(String::new()), 0);
            let nothing = context! { rows, count, older => (), figures => (), ..frame };
            return visitor
                .show_refused(error, Place::Organizations, TEMPLATE, nothing)
                .await;
        }
    };
    let base = format!(
        "{}console/organizations/{organization}/invitations/",
        root_from(visitor.request.path())
    );
    let rows = Rows::new(base, visitor.state.db.now(), visitor.may(Scope::Write));
    let read = move |reader: &Reader<'_>| read(reader, &organization, &asked, rows.clone());
    let actor = &visitor.caller.actor;
    let (rows, older, summary) = visitor.state.db.read_long(actor, read).await?;
    let values = context! {
        rows => Value::from_safe_string(rows.html),
        count => rows.count,
        older => older.map(|id| id.to_string()),
        figures => chart::figures(&summary),
        ..frame
    };
    visitor.show(Place::Organizations, TEMPLATE, values).await
}

/// Reads the invitations that are asked for, and the figures. Returns also after which invitation
/// the list goes on.
fn read(
    reader: &Reader<'_>,
    organization: &OrganizationId,
    asked: &Asked,
    mut rows: Rows,
) -> Result<(Rows, Option<Uuid>, Summary)> {
    let page = Page {
        order: asked.query.order,
        after: asked.query.after,
        limit: asked.limit,
    };
    let push = |invitation: &Invitation<'_>| {
        rows.push(invitation);
        Ok(())
    };
    let filter = &asked.query.filter;
    let older = store::list(reader, reader.now, organization, filter, &page, push)?;
    Ok((rows, older, Summary::read(reader, organization)?))
}

//! Deleting an organization.

use actix_web::HttpResponse;
use minijinja::{Value, context};

use crate::api::console::sheet::Place;
use crate::api::console::visitor::Visitor;
use crate::base::error::{FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Reader, WriteTx};
use crate::deletion;
use crate::invitation::summary::Summary;
use crate::key::Scope;
use crate::organization::Record;

/// The template of the page.
const TEMPLATE: &str = "organization_delete.html";

/// `GET /console/organizations/{organizationId}/delete` with `admin`: says what will be gone.
///
/// # Errors
/// 403 for a key that is limited to roles, 404 where the organization is not known.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    visitor.caller.rights.check_grants_all()?;
    let (organization, record) = super::find(&visitor)?;
    let values = values(&visitor, &organization, &record, "").await?;
    visitor.show(Place::Organizations, TEMPLATE, values).await
}

/// `POST /console/organizations/{organizationId}/delete` with `admin`: deletes the organization.
///
/// # Errors
/// 403 for a key that is limited to roles, 404 where it is not known, 422 where the form does not
/// have its id.
pub(super) async fn delete(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    visitor.require(Scope::Admin)?;
    visitor.caller.rights.check_grants_all()?;
    let (organization, record) = super::find(&visitor)?;
    let typed = sent.fields.trimmed("confirm").unwrap_or_default();
    if typed != organization.as_str() {
        let detail = format!("type {organization} to delete it");
        let error = FieldError::new("/confirm", FieldCode::Conflict, detail).into();
        let values = values(&visitor, &organization, &record, &typed).await?;
        return visitor
            .show_refused(error, Place::Organizations, TEMPLATE, values)
            .await;
    }
    let origin = visitor.origin();
    let done = format!("organization {organization} deleted by {}", origin.actor);
    let job = move |tx: &WriteTx<'_>| deletion::begin(tx, &organization, origin.by(), |_| Ok(()));
    visitor.author().write(&visitor.state.db, job).await?;
    log::info!("{done}");
    Ok(visitor.go("", "organization-deleted", None))
}

/// What the page shows.
async fn values(
    visitor: &Visitor,
    organization: &OrganizationId,
    record: &Record,
    typed: &str,
) -> Result<Value> {
    let whose = organization.clone();
    let read = move |reader: &Reader<'_>| Summary::read(reader, &whose);
    let actor = &visitor.caller.actor;
    let summary = visitor.state.db.read_long(actor, read).await?;
    let counts = summary.statuses;
    let closed = counts.accepted + counts.declined + counts.revoked + counts.expired;
    Ok(context! {
        organization => super::head(organization, &record.settings),
        typed,
        invitations => counts.pending + closed,
        pending => counts.pending,
        is_exact => summary.is_exact,
    })
}

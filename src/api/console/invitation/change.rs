//! The form of what can be changed in an invitation.

use actix_web::HttpResponse;
use minijinja::context;
use serde_json::{Map, json};

use super::super::sheet::Place;
use super::super::visitor::{Fields, Visitor};
use super::Target;
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::db::WriteTx;
use crate::http::path::InvitationId;
use crate::invitation::update::{self, Patch, UpdateBody};
use crate::key::Scope;

/// `GET .../change` with `invitations:write`: the form of what can be changed.
pub(super) async fn page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Write)?;
    let values = visitor.state.db.read(|reader| target.values(reader))?;
    let values = context! { form => (), ..values };
    visitor
        .show(Place::Organizations, "invitation_change.html", values)
        .await
}

/// `POST .../change` with `invitations:write`.
pub(super) async fn send(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Write)?;
    let sent = visitor.form().await?;
    let (db, rules) = (&visitor.state.db, &visitor.state.rules);
    let outcome = match patch(&sent.fields).and_then(|body| Patch::parse(body, rules, db.now())) {
        Ok(patch) => {
            let (organization, by) = (target.organization.clone(), visitor.by());
            let job = move |tx: &WriteTx<'_>| {
                update::update(tx, &organization, id.0, &patch, &by, |_| Ok(()))
            };
            visitor.author().write(db, job).await
        }
        Err(error) => Err(error),
    };
    let Err(error) = outcome else {
        return Ok(visitor.go(&target.way(), "changed", None));
    };
    let values = db.read(|reader| target.values(reader))?;
    let form = context! {
        role => sent.fields.get("role"),
        days => sent.fields.get("days"),
        locale => sent.fields.get("locale"),
        redirect_url => sent.fields.get("redirectUrl"),
        metadata => sent.fields.get("metadata"),
    };
    let values = context! { form, ..values };
    visitor
        .show_refused(
            error,
            Place::Organizations,
            "invitation_change.html",
            values,
        )
        .await
}

/// The change that a form asks for: what is empty is unset, and days that are empty leave the end
/// as it is.
fn patch(fields: &Fields) -> Result<UpdateBody> {
    let mut body = Map::new();
    let text = |name: &str| fields.trimmed(name);
    body.insert("role".to_owned(), json!(text("role")));
    body.insert("redirectUrl".to_owned(), json!(text("redirectUrl")));
    body.insert("locale".to_owned(), json!(text("locale")));
    if let Some(days) = text("days") {
        let seconds = days.parse::<i64>().map(|days| days.saturating_mul(86_400));
        let seconds = seconds.map_err(|_| refused("expiresIn", "a whole number of days"))?;
        body.insert("expiresIn".to_owned(), json!(seconds));
    }
    let metadata = text("metadata").unwrap_or_else(|| "null".to_owned());
    let metadata: serde_json::Value = serde_json::from_str(&metadata)
        .map_err(|_| refused("metadata", "JSON: an object, as {\"team\": \"kernel\"}"))?;
    if !(metadata.is_object() || metadata.is_null()) {
        return Err(refused(
            "metadata",
            "a JSON object, as {\"team\": \"kernel\"}",
        ));
    }
    body.insert("metadata".to_owned(), metadata);
    serde_json::from_value(body.into()).map_err(Error::internal)
}

/// 422 for one field of a form.
fn refused(name: &'static str, detail: &'static str) -> Error {
    FieldError::new(format!("/{name}"), FieldCode::InvalidFormat, detail).into()
}

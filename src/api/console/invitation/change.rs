//! The form of what can be changed in an invitation.

use actix_web::HttpResponse;
use minijinja::{Value, context};
use serde_json::{Map, json};

use super::super::organizations::invite::roles;
use super::super::sheet::Place;
use super::super::visitor::{Fields, Visitor};
use super::Target;
use crate::base::error::{Code, Error, FieldCode, FieldError, Result};
use crate::db::WriteTx;
use crate::http::etag::EtagKey;
use crate::http::path::InvitationId;
use crate::invitation::update::{self, Patch, UpdateBody};
use crate::invitation::{Invitation, store};
use crate::key::Scope;
use crate::organization;

/// The fields of the form.
const FIELDS: [&str; 5] = ["role", "days", "locale", "redirectUrl", "metadata"];

/// `GET .../change` with `invitations:write`: the form of what can be changed.
pub(super) async fn page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Write)?;
    let values = values(&visitor, &target, None)?;
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
            let (etags, seen) = (visitor.state.etags, sent.fields.trimmed("seen"));
            let job = move |tx: &WriteTx<'_>| {
                update::update(tx, &organization, id.0, &patch, &by, |present| {
                    let is_same = Some(version(etags, present)?) == seen;
                    is_same.then_some(()).ok_or_else(changed)
                })
            };
            visitor.author().write(db, job).await
        }
        Err(error) => Err(error),
    };
    let Err(error) = outcome else {
        return Ok(visitor.go(&target.way(), "changed", None));
    };
    let values = values(&visitor, &target, Some(&sent.fields))?;
    visitor
        .show_refused(
            error,
            Place::Organizations,
            "invitation_change.html",
            values,
        )
        .await
}

/// What the form shows: what is `typed`, or else what the invitation has.
fn values(visitor: &Visitor, target: &Target, typed: Option<&Fields>) -> Result<Value> {
    visitor.state.db.read(|reader| {
        let settings = organization::store::get_settings(reader, &target.organization)?;
        let show = |present: &Invitation<'_>| version(visitor.state.etags, present);
        let version = store::find(reader, reader.now, &target.organization, target.id, show)?;
        // Who sends the form again has seen no more than at first.
        let seen = typed.map_or(version, |typed| typed.trimmed("seen"));
        let form = typed.map(|typed| {
            let value = |name: &'static str| (name, typed.get(name).unwrap_or_default().to_owned());
            FIELDS.map(value).into_iter().collect::<Value>()
        });
        let roles = roles(visitor, &settings);
        Ok(context! { seen, form, roles, ..target.values(reader)? })
    })
}

/// What tells whether `invitation` was changed. How far its mail has come is no part of that.
fn version(etags: EtagKey, invitation: &Invitation<'_>) -> Result<String> {
    let known = json!({
        "role": invitation.role,
        "expiresAt": invitation.expires_at.to_string(),
        "locale": invitation.locale,
        "redirectUrl": invitation.redirect_url,
        "metadata": invitation.metadata,
    });
    Ok(etags.tag(known.to_string().as_bytes()).tag().to_owned())
}

/// 412: somebody was quicker.
fn changed() -> Error {
    let detail = "Somebody has changed this invitation since you opened it. Open it again, and \
        make your changes there.";
    Error::new(Code::PreconditionFailed, detail)
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

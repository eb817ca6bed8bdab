//! One invitation: all there is to know of it, and all that can be done to it.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use serde_json::{Map, json};
use uuid::Uuid;

use super::sheet::Place;
use super::visitor::{Fields, Visitor};
use super::{get, post};
use crate::api::dev::mailbox::MAIL_POLICY;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{Order, Page};
use crate::db::{Reader, WriteTx};
use crate::event;
use crate::event::query::{EventQuery, Filter};
use crate::http::path::InvitationId;
use crate::http::route::Route;
use crate::invitation::link::{self, TokenKind};
use crate::invitation::transition::{self, Change, CurrentInvitation};
use crate::invitation::update::{self, Patch, UpdateBody};
use crate::invitation::{Invitation, delete, json as show_json, new, renew, store};
use crate::key::Scope;
use crate::mail::context::preview;
use crate::organization;
use crate::redemption::explain::{ExplainBody, explain};

/// Events of an invitation that its page shows.
const SHOWN_EVENTS: u32 = 100;
/// What the path of an invitation is.
const PATH: &str = "/console/organizations/{organizationId}/invitations/{invitationId}";
/// What stands in a preview in place of the secret part of the link.
const NO_TOKEN: &str = "only-the-mail-itself-has-the-link";

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    let below = |way: &str| format!("{PATH}/{way}");
    vec![
        get(PATH, web::to(page)),
        post(&below("link"), web::to(show_link)),
        post(&below("resend"), web::to(resend)),
        get(&below("revoke"), web::to(revoke_page)).with(POST, web::to(revoke)),
        get(&below("change"), web::to(change_page)).with(POST, web::to(change)),
        get(&below("delete"), web::to(delete_page)).with(POST, web::to(delete_it)),
        post(&below("explain"), web::to(explain_to)),
        get(&below("mail"), web::to(mail_page)),
        get(&below("mail/html"), web::to(mail_html)),
    ]
}

/// The method of forms.
const POST: actix_web::http::Method = actix_web::http::Method::POST;

/// The invitation in the path.
struct Target {
    /// Its organization.
    organization: OrganizationId,
    /// Its id.
    id: Uuid,
}

impl Target {
    /// The target of a request of `visitor`, who needs `scope`.
    fn of(visitor: &Visitor, id: InvitationId, scope: Scope) -> Result<Self> {
        let organization = visitor.organization()?;
        visitor.require(scope)?;
        Ok(Self {
            organization,
            id: id.0,
        })
    }

    /// Where its page is, from `/console`.
    fn way(&self) -> String {
        format!(
            "organizations/{}/invitations/{}",
            self.organization, self.id
        )
    }

    /// The invitation and its organization, as templates have them.
    fn values(&self, reader: &Reader<'_>) -> Result<Value> {
        let show = |invitation: &Invitation<'_>| show_json::to_bytes(invitation);
        let found = store::find(reader, reader.now, &self.organization, self.id, show)?;
        let json = found.ok_or_else(Error::not_found)?;
        let invitation: serde_json::Value =
            serde_json::from_slice(&json).map_err(Error::internal)?;
        let settings = organization::store::get_settings(reader, &self.organization)?;
        Ok(context! {
            invitation => Value::from_serialize(invitation),
            organization => self.organization.as_str(),
            organization_name => settings.name,
            roles => settings.roles,
            note => store::find_note(reader, self.id)?,
        })
    }

    /// What happened to it, newest first.
    fn events(&self, reader: &Reader<'_>) -> Result<Vec<Value>> {
        let query = EventQuery {
            filter: Filter {
                invitation: Some(self.id),
                ..Filter::default()
            },
            page: Page {
                order: Order::NewestFirst,
                after: None,
                limit: SHOWN_EVENTS,
            },
        };
        let mut events = Vec::new();
        event::store::list(reader, &self.organization, &query, |event| {
            let event = serde_json::to_value(event).map_err(Error::internal)?;
            events.push(Value::from_serialize(event));
            Ok(())
        })?;
        Ok(events)
    }
}

/// Everything that the page shows, and `more`.
async fn values(visitor: &Visitor, target: &Target, more: Value) -> Result<Value> {
    let (organization, id) = (target.organization.clone(), target.id);
    let read = move |reader: &Reader<'_>| {
        let target = Target { organization, id };
        let (values, events) = (target.values(reader)?, target.events(reader)?);
        Ok((values, events))
    };
    // The history of an organization has no index by invitation.
    let actor = &visitor.caller.actor;
    let (values, events) = visitor.state.db.read_long(actor, read).await?;
    let has_mail = visitor.state.composer.is_some();
    let values = context! { events, has_mail, link => (), explained => (), ..values };
    Ok(context! { ..more, ..values })
}

/// `GET` of an invitation with `invitations:read`.
async fn page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Read)?;
    let values = values(&visitor, &target, context! {}).await?;
    visitor
        .show(Place::Organizations, "invitation.html", values)
        .await
}

/// Goes back to the page after a change; where that was refused, the page says why.
async fn finish(
    visitor: &Visitor,
    target: &Target,
    outcome: Result<()>,
    did: &str,
) -> Result<HttpResponse> {
    let Err(error) = outcome else {
        return Ok(visitor.go(&target.way(), did, Some(1)));
    };
    let values = values(visitor, target, context! {}).await?;
    visitor
        .show_refused(error, Place::Organizations, "invitation.html", values)
        .await
}

/// `POST .../link` with `invitations:link`: the page with the secret link on it.
///
/// # Errors
/// 409 where the invitation is not pending.
async fn show_link(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Link)?;
    visitor.form().await?;
    let state = &visitor.state;
    let found = state.db.read(|reader| {
        let show = |invitation: &Invitation<'_>| {
            Ok(CurrentInvitation::of(&target.organization, invitation))
        };
        let found = store::find(reader, reader.now, &target.organization, target.id, show)?;
        let settings = organization::store::get_settings(reader, &target.organization)?;
        Ok((found, settings.accept_url))
    });
    let (found, accept_url) = found?;
    let present = found.ok_or_else(Error::not_found)?;
    if let Err(error) = Change::Accept.check(&present) {
        return finish(&visitor, &target, Err(error), "").await;
    }
    let accept_url = accept_url.as_ref().unwrap_or(&state.accept_url);
    let signing = state.keyring.signing();
    let link = link::url(signing, TokenKind::Given, accept_url, &present);
    let values = values(&visitor, &target, context! { link }).await?;
    visitor
        .show(Place::Organizations, "invitation.html", values)
        .await
}

/// `POST .../explain` with `invitations:read`: the page with the rules of an acceptance on it, for
/// the address that the form has.
async fn explain_to(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Read)?;
    let sent = visitor.form().await?;
    let state = &visitor.state;
    let email = sent.fields.trimmed("email");
    let address = match (ExplainBody {
        email: email.clone(),
    })
    .parse(state.rules.hosts)
    {
        Ok(address) => address,
        Err(error) => return finish(&visitor, &target, Err(error), "").await,
    };
    let place = (&target.organization, target.id);
    let found = state
        .db
        .read(|reader| explain(reader, &state.keyring, &state.rules, place, &address))?;
    let found = found.ok_or_else(Error::not_found)?;
    let explained = context! { email, can_accept => found.can_accept, rules => found.rules };
    let values = values(&visitor, &target, context! { explained }).await?;
    visitor
        .show(Place::Organizations, "invitation.html", values)
        .await
}

/// `POST .../resend` with `invitations:write`.
async fn resend(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Write)?;
    visitor.form().await?;
    let (db, rules) = (&visitor.state.db, &visitor.state.rules);
    let expiry = new::check_expiry(None, None, rules, db.now())?;
    let (organization, by) = (target.organization.clone(), visitor.by());
    let sending = rules.sending.clone();
    let job = move |tx: &WriteTx<'_>| {
        let present = CurrentInvitation::get(tx, &organization, id.0)?;
        renew::renew(tx, &present, expiry, true, &sending, &by)
    };
    let outcome = visitor.author().write(db, job).await;
    finish(&visitor, &target, outcome, "resent").await
}

/// `GET .../revoke` with `invitations:write`: what taking it back does.
async fn revoke_page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    show_about(&visitor, id, "invitation_revoke.html").await
}

/// Shows a page about the invitation and nothing else, with `invitations:write`.
async fn show_about(visitor: &Visitor, id: InvitationId, template: &str) -> Result<HttpResponse> {
    let target = Target::of(visitor, id, Scope::Write)?;
    let values = visitor.state.db.read(|reader| target.values(reader))?;
    visitor.show(Place::Organizations, template, values).await
}

/// `POST .../revoke` with `invitations:write`.
async fn revoke(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Write)?;
    visitor.form().await?;
    let (organization, by) = (target.organization.clone(), visitor.by());
    let job = move |tx: &WriteTx<'_>| {
        let present = CurrentInvitation::get(tx, &organization, id.0)?;
        by.rights.check_grant(&present.role)?;
        transition::close(tx, &present, Change::Revoke, None, &by.origin)
    };
    let outcome = visitor.author().write(&visitor.state.db, job).await;
    finish(&visitor, &target, outcome, "revoked").await
}

/// `GET .../change` with `invitations:write`: the form of what can be changed.
async fn change_page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Write)?;
    let values = visitor.state.db.read(|reader| target.values(reader))?;
    let values = context! { form => (), ..values };
    visitor
        .show(Place::Organizations, "invitation_change.html", values)
        .await
}

/// `POST .../change` with `invitations:write`.
async fn change(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
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
    use crate::base::error::{FieldCode, FieldError};
    FieldError::new(format!("/{name}"), FieldCode::InvalidFormat, detail).into()
}

/// `GET .../delete` with `invitations:write`: what a deletion does.
async fn delete_page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    show_about(&visitor, id, "invitation_delete.html").await
}

/// `POST .../delete` with `invitations:write`.
async fn delete_it(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Write)?;
    visitor.form().await?;
    let (organization, by) = (target.organization.clone(), visitor.by());
    let job = move |tx: &WriteTx<'_>| delete::delete(tx, &organization, id.0, &by, |_| Ok(()));
    match visitor.author().write(&visitor.state.db, job).await {
        Ok(()) => {
            let way = format!("organizations/{}", target.organization);
            Ok(visitor.go(&way, "deleted", Some(1)))
        }
        refused => finish(&visitor, &target, refused, "").await,
    }
}

/// The mail of the invitation, in the language that the query names.
fn letter(visitor: &Visitor, target: &Target) -> Result<(String, Letter)> {
    let composer = visitor.state.composer.as_ref();
    let composer = composer.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "This server sends no mail (see --smtp-url).",
        )
    })?;
    let asked = visitor.query().trimmed("language");
    let languages: Vec<_> = composer.templates.languages().map(str::to_owned).collect();
    let asked = asked.filter(|asked| languages.contains(asked));
    let link = format!("{}#{NO_TOKEN}", visitor.state.accept_url);
    let found = visitor.state.db.read(|reader| {
        preview(
            reader,
            &target.organization,
            target.id,
            asked.clone(),
            link.clone(),
        )
    })?;
    let letter = found.ok_or_else(Error::not_found)?;
    let rendered = composer
        .templates
        .render(&letter)
        .map_err(Error::internal)?;
    let shown = asked.or_else(|| letter.locales.into_iter().next());
    let letter = Letter {
        languages,
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
    };
    Ok((shown.unwrap_or_else(|| "en".to_owned()), letter))
}

/// A mail as it would be sent.
struct Letter {
    /// The languages that it can be in.
    languages: Vec<String>,
    /// Its subject.
    subject: String,
    /// Its body as plain text.
    text: String,
    /// Its body as HTML.
    html: String,
}

/// `GET .../mail` with `invitations:read`: how the mail looks in each language.
async fn mail_page(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Read)?;
    let (language, letter) = letter(&visitor, &target)?;
    let values = visitor.state.db.read(|reader| target.values(reader))?;
    let Letter {
        languages,
        subject,
        text,
        ..
    } = letter;
    let values = context! { language, languages, subject, text, ..values };
    visitor
        .show(Place::Organizations, "invitation_mail.html", values)
        .await
}

/// `GET .../mail/html` with `invitations:read`: the mail's HTML, which can run and load nothing.
async fn mail_html(visitor: Visitor, id: InvitationId) -> Result<HttpResponse> {
    let target = Target::of(&visitor, id, Scope::Read)?;
    let (_, letter) = letter(&visitor, &target)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(letter.html))
}

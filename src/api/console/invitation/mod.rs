//! One invitation: all there is to know of it, and all that can be done to it.
//!
//! * [`change`] is the form of what can be changed, [`mail`] how its mail looks.

mod change;
mod mail;

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use minijinja::{Value, context};
use uuid::Uuid;

use super::sheet::Place;
use super::visitor::Visitor;
use super::{get, post};
use crate::api::invitations::lifecycle::find_link;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{Order, Page};
use crate::db::{Reader, WriteTx};
use crate::event;
use crate::event::query::{EventQuery, Filter};
use crate::http::path::InvitationId;
use crate::http::route::Route;
use crate::invitation::transition::{self, Change, CurrentInvitation};
use crate::invitation::{Invitation, delete, json as show_json, new, renew, store};
use crate::key::{Rights, Scope};
use crate::organization;
use crate::redemption::explain::{ExplainBody, explain};

/// Events of an invitation that its page shows.
const SHOWN_EVENTS: u32 = 100;
/// What the path of an invitation is.
const PATH: &str = "/console/organizations/{organizationId}/invitations/{invitationId}";

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    let below = |way: &str| format!("{PATH}/{way}");
    vec![
        get(PATH, web::to(page)),
        post(&below("link"), web::to(show_link)),
        post(&below("resend"), web::to(resend)),
        get(&below("revoke"), web::to(revoke_page)).with(POST, web::to(revoke)),
        get(&below("change"), web::to(change::page)).with(POST, web::to(change::send)),
        get(&below("delete"), web::to(delete_page)).with(POST, web::to(delete_it)),
        post(&below("explain"), web::to(explain_to)),
        get(&below("mail"), web::to(mail::page)),
        get(&below("mail/html"), web::to(mail::html)),
    ]
}

/// The method of forms.
const POST: actix_web::http::Method = actix_web::http::Method::POST;

/// The invitation in the path.
#[derive(Clone)]
struct Target {
    /// Its organization.
    organization: OrganizationId,
    /// Its id.
    id: Uuid,
    /// What the visitor may do.
    rights: Arc<Rights>,
}

impl Target {
    /// The target of a request of `visitor`, who needs `scope`.
    fn of(visitor: &Visitor, id: InvitationId, scope: Scope) -> Result<Self> {
        let organization = visitor.organization()?;
        visitor.require(scope)?;
        Ok(Self {
            organization,
            id: id.0,
            rights: visitor.caller.rights.clone(),
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
        let role = invitation["role"].as_str().unwrap_or_default();
        // The API never shows the note: only who could have written it sees it here.
        let is_writer = self.rights.scopes.contain(Scope::Write);
        let note = is_writer.then(|| store::find_note(reader, self.id));
        Ok(context! {
            may_grant => self.rights.check_grant(role).is_ok(),
            invitation => Value::from_serialize(invitation),
            organization => self.organization.as_str(),
            organization_name => settings.name,
            note => note.transpose()?.flatten(),
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
    let of = target.clone();
    let read = move |reader: &Reader<'_>| {
        let (values, events) = (of.values(reader)?, of.events(reader)?);
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
    let link = match find_link(&visitor.state, &target.organization, target.id) {
        Ok(link) => link.url,
        Err(error) if error.code == Code::StatusConflict => {
            return finish(&visitor, &target, Err(error), "").await;
        }
        Err(error) => return Err(error),
    };
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

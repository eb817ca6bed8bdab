//! What is done to several invitations that were chosen in the list: asked once more, then done one
//! by one, each for itself.

use std::collections::HashSet;

use actix_web::HttpResponse;
use minijinja::{Value, context};
use uuid::Uuid;

use super::{batch, filter};
use crate::api::console::sheet::{Place, see_other};
use crate::api::console::visitor::{Fields, Visitor};
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Load, WriteTx};
use crate::invitation::actor::Actor;
use crate::invitation::new::Expiry;
use crate::invitation::transition::{self, Change, CurrentInvitation};
use crate::invitation::{Invitation, delete, renew, store};
use crate::key::Scope;
use crate::policy::{Rules, Sending};

/// The most invitations that one form changes: as many as a page shows.
const MOST: usize = 1_000;
/// Memory that an invitation takes up while the change waits.
const ROW_BYTES: usize = 256;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Send them again.
    Resend,
    /// Take them back.
    Revoke,
    /// Delete them.
    Delete,
}

impl Act {
    /// Reads the name of the button.
    fn parse(name: &str) -> Option<Self> {
        match name {
            "resend" => Some(Self::Resend),
            "revoke" => Some(Self::Revoke),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }

    /// The name of the button.
    fn name(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
        }
    }

    /// What was done to those to whom it was done.
    fn done(self) -> &'static str {
        match self {
            Self::Resend => "sent again",
            Self::Revoke => "revoked",
            Self::Delete => "deleted",
        }
    }

    /// The word for it behind a redirect.
    fn did(self) -> &'static str {
        match self {
            Self::Resend => "resent",
            Self::Revoke => "revoked",
            Self::Delete => "deleted",
        }
    }
}

/// What one form asks for.
#[derive(Clone)]
struct Order {
    /// Whose invitations.
    organization: OrganizationId,
    /// What to do.
    act: Act,
    /// To which.
    ids: Vec<Uuid>,
    /// Who asks.
    by: Actor,
    /// What a sending must keep to.
    sending: Sending,
    /// Until when those live that are sent again.
    expiry: Expiry,
}

/// What became of one invitation: its address, and why nothing was done.
type Outcome = (String, Option<String>);

/// `GET /console/organizations/{organizationId}/chosen`: leads to the list. A browser asks for it
/// where a page of [`form`] is loaded again.
///
/// # Errors
/// 404 where there can be no such organization.
pub(super) async fn back(visitor: Visitor) -> Result<HttpResponse> {
    let organization = visitor.organization()?;
    Ok(see_other(&format!("../{organization}")))
}

/// `POST /console/organizations/{organizationId}/chosen` with `invitations:write`: asks whether the
/// person means it; with `sure` does it, and says for each what became of it.
///
/// # Errors
/// 404 where the organization is not known, 422 for an act that there is not.
pub(super) async fn form(visitor: Visitor) -> Result<HttpResponse> {
    let sent = visitor.form().await?;
    visitor.require(Scope::Write)?;
    let (organization, record) = super::find(&visitor)?;
    let back = filter::clean(sent.fields.get("back").unwrap_or_default());
    let list = format!("{}?{back}", super::way(&organization));
    let list = list.trim_end_matches('?');
    if sent.fields.get("id").is_none() {
        return Ok(visitor.go(list, "nothing-chosen", None));
    }
    let order = order(&visitor, organization, &sent.fields)?;
    let head = super::head(&order.organization, &record.settings);
    if sent.fields.get("sure").is_none() {
        return match find_chosen(&visitor, &order)? {
            rows if rows.is_empty() => Ok(visitor.go(list, "gone", None)),
            rows => ask(&visitor, &order, rows, head, &back).await,
        };
    }
    let act = order.act;
    let outcomes = run(&visitor, order).await?;
    let failed: Vec<_> = outcomes
        .iter()
        .filter_map(|(email, why)| Some(context! { email, why => why.as_ref()? }))
        .collect();
    if failed.is_empty() {
        return Ok(visitor.go(list, act.did(), Some(outcomes.len())));
    }
    let values = context! {
        organization => head,
        title => format!("Not all were {}", act.done()),
        done => outcomes.len() - failed.len(),
        done_words => act.done(),
        failed,
        left => 0,
        back,
    };
    visitor
        .show(Place::Organizations, "organization_result.html", values)
        .await
}

/// Reads the form.
fn order(visitor: &Visitor, organization: OrganizationId, fields: &Fields) -> Result<Order> {
    let wrong = |field, code, detail| Error::from(FieldError::new(field, code, detail));
    let act = fields.get("act").and_then(Act::parse).ok_or_else(|| {
        let detail = "resend, revoke or delete";
        wrong("/act", FieldCode::UnknownValue, detail)
    })?;
    let mut ids: Vec<_> = fields
        .all("id")
        .filter_map(|id| Uuid::try_parse(id).ok())
        .collect();
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    if !(1..=MOST).contains(&ids.len()) {
        let detail = "choose 1 to 1,000 invitations in the list";
        return Err(wrong("/id", FieldCode::OutOfRange, detail));
    }
    let rules: &Rules = &visitor.state.rules;
    Ok(Order {
        organization,
        act,
        ids,
        by: visitor.by(),
        sending: rules.sending.clone(),
        expiry: Expiry::Default(rules.default_lifetime_seconds),
    })
}

/// The invitations that were chosen, as far as they are there.
fn find_chosen(visitor: &Visitor, order: &Order) -> Result<Vec<Value>> {
    visitor.state.db.read(|reader| {
        let mut rows = Vec::new();
        for id in &order.ids {
            let show = |invitation: &Invitation<'_>| {
                Ok(context! {
                    id => id.to_string(),
                    email => invitation.email,
                    role => invitation.role,
                    status => invitation.status.name(),
                })
            };
            rows.extend(store::find(
                reader,
                reader.now,
                &order.organization,
                *id,
                show,
            )?);
        }
        Ok(rows)
    })
}

/// Shows what is about to happen, and to which.
async fn ask(
    visitor: &Visitor,
    order: &Order,
    rows: Vec<Value>,
    head: Value,
    back: &str,
) -> Result<HttpResponse> {
    let values = context! {
        organization => head,
        act => order.act.name(),
        has_mail => order.sending.has_mail,
        rows,
        back,
    };
    visitor
        .show(Place::Organizations, "organization_chosen.html", values)
        .await
}

/// Does to each invitation what is asked for. One that cannot be changed stays as it is.
async fn run(visitor: &Visitor, order: Order) -> Result<Vec<Outcome>> {
    let load = Load {
        jobs: 1,
        rows: order.ids.len(),
        bytes: order.ids.len() * ROW_BYTES,
    };
    let job = move |tx: &WriteTx<'_>| order.ids.iter().map(|id| one(tx, &order, *id)).collect();
    let author = visitor.author();
    author.write_load(&visitor.state.db, load, job).await
}

/// Does it to one invitation.
fn one(tx: &WriteTx<'_>, order: &Order, id: Uuid) -> Result<Outcome> {
    let show = |invitation: &Invitation<'_>| Ok(invitation.email.to_owned());
    let email = store::find(tx, tx.now, &order.organization, id, show)?;
    let email = email.unwrap_or_else(|| id.to_string());
    match tx.part(|| change(tx, order, id).map(|()| ((), true))) {
        Ok(()) => Ok((email, None)),
        Err(error) if error.code.meaning().status >= 500 => Err(error),
        Err(error) => Ok((email, Some(batch::with_wait(&error)))),
    }
}

/// Changes one invitation.
fn change(tx: &WriteTx<'_>, order: &Order, id: Uuid) -> Result<()> {
    let (organization, by) = (&order.organization, &order.by);
    if order.act == Act::Delete {
        return delete::delete(tx, organization, id, by, |_| Ok(()));
    }
    let present = CurrentInvitation::get(tx, organization, id)?;
    if order.act == Act::Resend {
        return renew::renew(tx, &present, order.expiry, true, &order.sending, by);
    }
    by.rights.check_grant(&present.role)?;
    transition::close(tx, &present, Change::Revoke, None, &by.origin)
}

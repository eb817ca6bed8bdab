//! The queue of mail: what waits, why, and trying it now.

use actix_web::{HttpResponse, web};
use minijinja::{Value, context};

use super::sheet::Place;
use super::visitor::{Fields, Visitor};
use super::{get, post};
use crate::api::mail_queue::try_now;
use crate::base::error::{Error, FieldCode, FieldError, Result};
use crate::db::Reader;
use crate::http::route::Route;
use crate::key::Scope;
use crate::outbox::mail::store::waiting as store;
use crate::outbox::mail::waiting::{
    Counts, MailId, QueuedMail, QueuedMailState, QueuedMailView, RetryBody, Selection,
};

/// Mails on a page.
const ON_A_PAGE: u32 = 50;
/// The names of the query that choose mails, as in the API.
const NAMES: [&str; 2] = ["organizationId", "state"];

/// The paths of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/console/mail", web::to(page)),
        post("/console/mail/retry", web::to(retry)),
    ]
}

/// `GET /console/mail` with `admin`: what waits of what the visitor may see.
async fn page(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let fields = visitor.query();
    match chosen(&visitor, &fields) {
        Ok(selection) => {
            let values = values(&visitor, &fields, selection).await?;
            visitor.show(Place::Mail, "mail.html", values).await
        }
        Err(error) => refuse(&visitor, error, &fields).await,
    }
}

/// Shows the page with why the query or the form was refused, and with everything that waits.
async fn refuse(visitor: &Visitor, error: Error, fields: &Fields) -> Result<HttpResponse> {
    let all = within(visitor)?;
    let values = values(visitor, fields, all).await?;
    visitor
        .show_refused(error, Place::Mail, "mail.html", values)
        .await
}

/// All that the visitor may see.
fn within(visitor: &Visitor) -> Result<Selection> {
    Selection::within(visitor.caller.rights.organizations.as_deref())
}

/// The mails that `fields` choose.
///
/// # Errors
/// [`crate::base::error::Code::ValidationFailed`].
fn chosen(visitor: &Visitor, fields: &Fields) -> Result<Selection> {
    let body = RetryBody {
        organization_id: fields.trimmed("organizationId"),
        invitation_id: fields.trimmed("invitationId"),
    };
    let mut selection = body.narrow(within(visitor)?)?;
    selection.state = fields.get("state").map(parse_state).transpose()?;
    Ok(selection)
}

/// Reads the state in a query.
fn parse_state(name: &str) -> Result<QueuedMailState> {
    let names = QueuedMailState::ALL.map(QueuedMailState::name).join(", ");
    let wrong = || {
        FieldError::new(
            "/state",
            FieldCode::InvalidFormat,
            format!("one of {names}"),
        )
    };
    QueuedMailState::parse(name).ok_or_else(|| wrong().into())
}

/// What was found.
struct Found {
    /// A page of mails.
    mails: Vec<QueuedMail>,
    /// Whether there are more behind it.
    has_more: bool,
    /// How much waits of the organization that was chosen, or of all.
    counts: Counts,
}

/// Everything that the page shows.
async fn values(visitor: &Visitor, fields: &Fields, selection: Selection) -> Result<Value> {
    let after = fields.get("after").and_then(MailId::parse);
    let read = move |reader: &Reader<'_>| {
        let (mails, has_more) = store::list(reader, &selection, after.as_ref(), ON_A_PAGE)?;
        let counts = store::count(reader, &selection)?;
        Ok(Found {
            mails,
            has_more,
            counts,
        })
    };
    let actor = &visitor.caller.actor;
    let found = visitor.state.db.read_long(actor, read).await?;
    let last = found.mails.last().filter(|_| found.has_more);
    let mails: Vec<_> = found.mails.iter().map(QueuedMailView::new).collect();
    Ok(context! {
        mails => Value::from_serialize(mails),
        older => last.map(|last| last.id.to_cursor()),
        after => fields.get("after"),
        counts => Value::from_serialize(found.counts),
        organization => fields.trimmed("organizationId"),
        state => fields.get("state"),
        query => fields.to_query(&NAMES),
        is_on => visitor.state.composer.is_some(),
        way => way(visitor),
    })
}

/// How mail leaves, as the visitor may know it: where to is the operator's own matter.
fn way(visitor: &Visitor) -> Value {
    let setup = &visitor.state.setup;
    let is_operator = visitor.caller.rights.organizations.is_none();
    let host = setup.mail_host.as_ref().filter(|_| is_operator);
    context! { words => setup.mail, host, dead_links => setup.dead_links }
}

/// `POST /console/mail/retry` with `admin`: what was put off is tried now.
async fn retry(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Admin)?;
    let sent = visitor.form().await?;
    let fields = &sent.fields;
    let selection = match chosen(&visitor, fields) {
        Ok(selection) => selection,
        Err(error) => return refuse(&visitor, error, fields).await,
    };
    let count = try_now(&visitor.state, &visitor.caller, selection).await?;
    let query = fields.to_query(&NAMES);
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(visitor.go(&format!("mail{mark}{query}"), "retried", Some(count)))
}

//! The desk: what only development has, on pages. This file is the inbox, its first page.
//!
//! * [`feeds`] are the requests and the events as they come, [`live`] tells pages that there are
//!   more of them. [`state`] is the clock, and everything that is put back or made to fail.

mod feeds;
mod live;
mod state;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use minijinja::context;

use super::sheet::Place;
use super::visitor::Visitor;
use super::{get, post};
use crate::api::dev::mailbox::MAIL_POLICY;
use crate::base::error::{Error, Result};
use crate::http::path::MessageId;
use crate::http::query::Query;
use crate::http::route::Route;
use crate::mail::mailbox::KeptMail;
use crate::mail::mailbox::query::{MailboxParams, MailboxQuery};
use crate::mail::mailbox::store;

/// The paths of the desk.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        get("/console/desk", web::to(inbox)),
        post("/console/desk/mail/delete", web::to(delete_all)),
        get("/console/desk/mail/{messageId}", web::to(mail)),
        get("/console/desk/mail/{messageId}/html", web::to(html)),
        post("/console/desk/mail/{messageId}/delete", web::to(delete)),
    ];
    routes.extend(feeds::routes());
    routes.extend(live::routes());
    routes.extend(state::routes());
    routes
}

/// `GET /console/desk`: the newest mail that was kept, filtered by whom it went to and what for.
async fn inbox(visitor: Visitor) -> Result<HttpResponse> {
    let query = visitor.query();
    let asked = Query::<MailboxParams>::parse(&query.to_query(&["to", "kind"]));
    let hosts = visitor.state.rules.hosts;
    let parsed = asked.and_then(|asked| asked.check(|params| MailboxQuery::parse(params, hosts)));
    let (filter, refused) = match parsed {
        Ok(query) => (query.filter, None),
        Err(error) => (Default::default(), Some(error)),
    };
    let mails = visitor
        .state
        .db
        .read(|reader| store::list(reader, &filter))?;
    let values = context! { mails, to => query.get("to"), kind => query.get("kind") };
    match refused {
        Some(error) => {
            visitor
                .show_refused(error, Place::Desk, "desk_inbox.html", values)
                .await
        }
        None => visitor.show(Place::Desk, "desk_inbox.html", values).await,
    }
}

/// The kept mail with this id.
fn find(visitor: &Visitor, id: MessageId) -> Result<KeptMail> {
    let found = visitor.state.db.read(|reader| store::find(reader, id.0))?;
    found.ok_or_else(Error::not_found)
}

/// `GET /console/desk/mail/{messageId}`: one mail.
async fn mail(visitor: Visitor, id: MessageId) -> Result<HttpResponse> {
    let mail = find(&visitor, id)?;
    let link = mail.summary.link.as_deref();
    let can_follow = link.is_some_and(crate::api::pages::is_link);
    let values = context! { mail, can_follow };
    visitor.show(Place::Desk, "desk_mail.html", values).await
}

/// `GET /console/desk/mail/{messageId}/html`: the mail's HTML, whose links open tabs of their own.
async fn html(visitor: Visitor, id: MessageId) -> Result<HttpResponse> {
    let mail = find(&visitor, id)?;
    let policy = format!("{MAIL_POLICY} allow-popups allow-popups-to-escape-sandbox");
    let html = mail
        .html
        .replacen("<head>", "<head><base target=\"_blank\">", 1);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// `POST /console/desk/mail/{messageId}/delete`.
async fn delete(visitor: Visitor, id: MessageId) -> Result<HttpResponse> {
    visitor.form().await?;
    let db = &visitor.state.db;
    db.write(move |tx| store::delete(tx, id.0)).await?;
    Ok(visitor.go("desk", "mail-deleted", Some(1)))
}

/// `POST /console/desk/mail/delete`: the inbox is empty then.
async fn delete_all(visitor: Visitor) -> Result<HttpResponse> {
    visitor.form().await?;
    state::keep_snapshot(&visitor).await?;
    visitor.state.db.write(store::delete_all).await?;
    Ok(visitor.go("desk", "inbox-emptied", None))
}

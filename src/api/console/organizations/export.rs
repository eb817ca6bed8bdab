//! Invitations as CSV (RFC 4180), for spreadsheets.
//!
//! The file begins with a byte order mark: without one Excel takes UTF-8 for another encoding. A
//! cell that a spreadsheet would take for a formula gets an apostrophe in front.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use csv::{Terminator, Writer, WriterBuilder};
use futures_util::stream;
use uuid::Uuid;

use super::cell::marked;
use super::filter::Asked;
use crate::api::console::visitor::Visitor;
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{MAX_LIMIT, Page};
use crate::db::{Db, Reader};
use crate::http::query::Query;
use crate::invitation::query::{ListParams, ListQuery};
use crate::invitation::{Invitation, store};
use crate::key::Scope;

/// What the columns are called.
const COLUMNS: [&str; 13] = [
    "email",
    "role",
    "status",
    "delivery",
    "createdAt",
    "expiresAt",
    "acceptedAt",
    "declinedAt",
    "revokedAt",
    "inviterName",
    "inviterEmail",
    "deliveryError",
    "id",
];
/// What a file in UTF-8 begins with.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// A part of the file, and after which invitation it goes on.
type Part = (Vec<u8>, Option<Uuid>);

/// What is exported.
struct Export {
    /// Where it is.
    db: Db,
    /// Who reads it.
    actor: String,
    /// Whose invitations.
    organization: OrganizationId,
    /// Which of them.
    query: ListQuery,
}

/// `GET /console/organizations/{organizationId}/export.csv` with `invitations:read`: the
/// invitations that its page shows with the same query, all of them.
///
/// # Errors
/// 404 where the organization is not known, 400 for a key that is unknown or given twice, 422 for a
/// value that is not acceptable.
pub(super) async fn file(visitor: Visitor) -> Result<HttpResponse> {
    visitor.require(Scope::Read)?;
    let (organization, _) = super::find(&visitor)?;
    // Who mistypes a name would get a file of everybody.
    Query::<ListParams>::parse(visitor.request.query_string())?;
    let asked = Asked::parse(&visitor, &organization)?;
    let mut response = HttpResponse::Ok();
    add_headers(&mut response, &organization);
    let export = Export {
        db: visitor.state.db.clone(),
        actor: visitor.caller.actor.clone(),
        organization,
        query: asked.query,
    };
    let export = Arc::new(export);
    let head = [BYTE_ORDER_MARK.as_bytes(), &line(&COLUMNS)?].concat();
    let (rows, more_after) = part(&export, None).await?;
    let first = Some(([head, rows].concat(), more_after));
    let parts = stream::try_unfold((export, first), |(export, part_now)| async move {
        let Some((bytes, more_after)) = part_now else {
            return Ok::<_, Error>(None);
        };
        let next = match more_after {
            Some(last) => Some(part(&export, Some(last)).await?),
            None => None,
        };
        Ok(Some((Bytes::from(bytes), (export, next))))
    });
    Ok(response.streaming(parts))
}

/// The headers of the file of `organization`.
fn add_headers(response: &mut HttpResponseBuilder, organization: &OrganizationId) {
    // Nothing that an id can have needs to be escaped in quotes.
    let name = format!("attachment; filename=\"invitations-{organization}.csv\"");
    response
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::VARY, "Cookie"));
}

/// Reads a part of the file behind `after`.
async fn part(export: &Arc<Export>, after: Option<Uuid>) -> Result<Part> {
    let whole = Arc::clone(export);
    let read = move |reader: &Reader<'_>| {
        let page = Page {
            order: whole.query.order,
            after,
            limit: MAX_LIMIT,
        };
        let mut csv = writer();
        let put = |invitation: &Invitation<'_>| put(&mut csv, invitation);
        let (organization, filter) = (&whole.organization, &whole.query.filter);
        let more_after = store::list(reader, reader.now, organization, filter, &page, put)?;
        Ok((finish(csv)?, more_after))
    };
    export.db.read_long(&export.actor, read).await
}

/// A writer of lines as RFC 4180 has them.
fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new())
}

/// The lines that were written.
fn finish(csv: Writer<Vec<u8>>) -> Result<Vec<u8>> {
    csv.into_inner()
        .map_err(|error| Error::internal(error.to_string()))
}

/// One line.
fn line(cells: &[&str]) -> Result<Vec<u8>> {
    let mut csv = writer();
    csv.write_record(cells).map_err(Error::internal)?;
    finish(csv)
}

/// Appends the line of an invitation.
fn put(csv: &mut Writer<Vec<u8>>, invitation: &Invitation<'_>) -> Result<()> {
    let time = |time: Option<Timestamp>| time.map_or_else(String::new, |time| time.to_string());
    let inviter = invitation.inviter;
    let of_inviter = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let cells: [String; COLUMNS.len()] = [
        invitation.email.to_owned(),
        invitation.role.to_owned(),
        invitation.status.name().to_owned(),
        invitation.delivery.name().to_owned(),
        time(Some(invitation.created_at)),
        time(Some(invitation.expires_at)),
        time(invitation.accepted_at),
        time(invitation.declined_at),
        time(invitation.revoked_at),
        of_inviter(inviter.and_then(|inviter| inviter.name)),
        of_inviter(inviter.and_then(|inviter| inviter.email)),
        invitation.delivery_error.unwrap_or_default().to_owned(),
        invitation.id.to_string(),
    ];
    let cells = cells.iter().map(|cell| marked(cell));
    csv.write_record(cells).map_err(Error::internal)
}

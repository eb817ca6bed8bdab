//! The HTTP of the mailbox.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;
use utoipa::IntoParams;

use super::Developer;
use crate::api::error_responses::{COMMON, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::http::path::MessageId;
use crate::http::query::{NoQuery, Query};
use crate::mail::mailbox::query::{MailboxParams, MailboxQuery};
use crate::mail::mailbox::{KeptMail, MailSummary, store};

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_list,
            list,
            &[
                COMMON,
                WITH_KEY,
                &[Code::OriginNotAllowed, Code::ValidationFailed],
            ],
        ),
        Operation::new(
            __path_delete_all,
            delete_all,
            &[COMMON, WITH_KEY, WRITING, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_get_one,
            get_one,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_delete,
            delete,
            &[COMMON, WITH_KEY, WRITING, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_get_text,
            get_text,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_get_html,
            get_html,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_get_raw,
            get_raw,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
    ]
}

/// What the HTML of a mail may do: be looked at, in a page of this server at most. Mail is written
/// by others.
pub(crate) const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'; sandbox";

/// A mail in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the document is made from it")]
pub(crate) struct OfMail {
    /// UUIDv7, lowercase with hyphens.
    #[param(rename = "messageId", format = Uuid)]
    pub message_id: String,
}

/// The mail with this id.
fn get(state: &State, id: MessageId) -> Result<KeptMail> {
    state
        .db
        .read(|reader| store::find(reader, id.0))?
        .ok_or_else(Error::not_found)
}

/// `GET /dev/mailbox`, only in `invited dev`: 200 with the mail that was kept, newest first; with
/// `wait` once there is some.
///
/// # Errors
/// 422 with every value of the query that is not acceptable.
#[utoipa::path(
    get,
    path = "/dev/mailbox",
    operation_id = "listMail",
    tag = "Development",
    summary = "Mail that was kept instead of sent",
    description = "Newest first. With `wait` (to 30 seconds) the answer comes as soon as there is \
        such mail and no more of it is on its way, or is what is there when the time is over. The \
        mailbox keeps the newest 1,000.",
    params(MailboxParams),
    responses(
        (status = 200, description = "The mail.", body = Vec<MailSummary>, example = json!([{
            "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f", "to": "ada@example.com",
            "kind": "invitation",
            "subject": "You are invited to join Acme Ltd.", "sentAt": "2026-11-23T02:43:00.123Z",
            "link": "http://127.0.0.1:8080/accept#ivm_019a..."}])),
    )
)]
async fn list(
    _: Developer,
    state: Data<State>,
    query: Query<MailboxParams>,
) -> Result<HttpResponse> {
    let query = query.check(|params| MailboxQuery::parse(params, state.rules.hosts))?;
    Ok(HttpResponse::Ok().json(crate::mail::mailbox::list(&state.db, &query).await?))
}

/// `DELETE /dev/mailbox`, only in `invited dev`: 204. All mail goes.
///
/// # Errors
/// When the file cannot be written.
#[utoipa::path(
    delete,
    path = "/dev/mailbox",
    operation_id = "deleteAllMail",
    tag = "Development",
    summary = "Empty the mailbox",
    description = "All mail that was kept goes.",
    responses((status = 204, description = "It is empty."))
)]
async fn delete_all(_: Developer, _: NoQuery, state: Data<State>) -> Result<HttpResponse> {
    state.db.write(store::delete_all).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /dev/mailbox/{messageId}`, only in `invited dev`: 200 with all of one mail.
///
/// # Errors
/// 404.
#[utoipa::path(
    get,
    path = "/dev/mailbox/{messageId}",
    operation_id = "getMail",
    tag = "Development",
    summary = "One mail",
    description = "With its text, its HTML and its source.",
    params(OfMail),
    responses(
        (status = 200, description = "The mail with its bodies.", body = KeptMail, example = json!({
            "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f", "to": "ada@example.com", "kind": "code",
            "subject": "Your code for Acme Ltd.", "sentAt": "2026-11-23T02:43:00.123Z",
            "code": "123456",
            "text": "123456", "html": "<p>123456</p>", "raw": "Subject: Your code for Acme \
                Ltd.\r\n\r\n123456"})),
    )
)]
async fn get_one(
    _: Developer,
    id: MessageId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(get(&state, id)?))
}

/// `GET /dev/mailbox/{messageId}/text`, only in `invited dev`: 200 with its body as plain text.
///
/// # Errors
/// 404.
#[utoipa::path(
    get,
    path = "/dev/mailbox/{messageId}/text",
    operation_id = "getMailText",
    tag = "Development",
    summary = "The plain text of a mail",
    description = "The part for mail programs that show no HTML.",
    params(OfMail),
    responses((status = 200, description = "The text.", content_type = "text/plain", body = String,
        example = "Your code: 123456"))
)]
async fn get_text(
    _: Developer,
    id: MessageId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(get(&state, id)?.text))
}

/// `GET /dev/mailbox/{messageId}/html`, only in `invited dev`: 200 with its body as HTML, which can
/// run nothing and load nothing.
///
/// # Errors
/// 404.
#[utoipa::path(
    get,
    path = "/dev/mailbox/{messageId}/html",
    operation_id = "getMailHtml",
    tag = "Development",
    summary = "The HTML of a mail",
    description = "Under a policy that lets it run nothing and load nothing.",
    params(OfMail),
    responses((status = 200, description = "The HTML.", content_type = "text/html", body = String,
        example = "<p>Your code: 123456</p>"))
)]
async fn get_html(
    _: Developer,
    id: MessageId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let policy = (header::CONTENT_SECURITY_POLICY, MAIL_POLICY);
    let response = HttpResponse::Ok()
        .insert_header(policy)
        .content_type("text/html; charset=utf-8")
        .body(get(&state, id)?.html);
    Ok(response)
}

/// `GET /dev/mailbox/{messageId}/raw`, only in `invited dev`: 200 with what a mail server would
/// have got.
///
/// # Errors
/// 404.
#[utoipa::path(
    get,
    path = "/dev/mailbox/{messageId}/raw",
    operation_id = "getMailSource",
    tag = "Development",
    summary = "A mail as it is sent",
    description = "What a mail server would have got (RFC 5322).",
    params(OfMail),
    responses((status = 200, description = "The mail (RFC 5322).", content_type = "message/rfc822",
        body = String,
        example = "Subject: Your code for Acme Ltd.\r\n\r\n123456"))
)]
async fn get_raw(
    _: Developer,
    id: MessageId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok()
        .content_type("message/rfc822")
        .body(get(&state, id)?.raw))
}

/// `DELETE /dev/mailbox/{messageId}`, only in `invited dev`: 204.
///
/// # Errors
/// 404.
#[utoipa::path(
    delete,
    path = "/dev/mailbox/{messageId}",
    operation_id = "deleteMail",
    tag = "Development",
    summary = "Delete a mail",
    description = "The others stay.",
    params(OfMail),
    responses((status = 204, description = "It is gone."))
)]
async fn delete(
    _: Developer,
    id: MessageId,
    _: NoQuery,
    state: Data<State>,
) -> Result<HttpResponse> {
    let is_gone = state.db.write(move |tx| store::delete(tx, id.0)).await?;
    if is_gone {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Error::not_found())
    }
}

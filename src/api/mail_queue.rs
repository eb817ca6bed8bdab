//! The HTTP of the queue of mail: what waits, why, and trying it now.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::state::State;
use crate::api::error_responses::{BODY, COMMON, LISTING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::base::error::{Code, Error, Result};
use crate::http::auth::{Access, Admin, Caller};
use crate::http::json::OptionalJson;
use crate::http::query::{NoQuery, Query};
use crate::outbox::mail::store::waiting as store;
use crate::outbox::mail::waiting::{
    MailQueueParams, MailQueueQuery, QueuedMailView, Retried, RetryBody, Selection,
};

/// Mails that one write makes due: others write between two of them.
const CHUNK: usize = 500;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[COMMON, WITH_KEY, LISTING]),
        Operation::new(
            __path_retry,
            retry,
            &[COMMON, WITH_KEY, WRITING, BODY, &[Code::ReadTimeout]],
        ),
    ]
}

/// `GET /v1/mail-queue` with `admin`: 200 with an array, one page of it.
///
/// # Errors
/// 400 for an unknown key or a foreign cursor, 422 for a value that is not acceptable.
#[utoipa::path(
    get,
    path = "/v1/mail-queue",
    operation_id = "listMailQueue",
    tag = "Mail",
    summary = "List the mail that waits",
    description = "Every mail that has not gone out yet, with why, as an array: the mails of the \
        oldest invitations first. Always in pages: `Link` names the next one. A key that is bound \
        to organizations sees only theirs. Mail leaves the queue once it was sent or given up: \
        `delivery` of the invitation says which.",
    params(MailQueueParams),
    responses(
        (status = 200, description = "The mail.", body = Vec<QueuedMailView<'_>>,
            headers(("Link" = String, description = "`<URL>; rel=\"next\"` where more follow \
                (RFC 8288).")),
            example = json!([{
                "invitationId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
                "organizationId": "acme", "kind": "invitation", "to": "ada@example.com",
                "state": "retrying", "attempts": 3, "queuedAt": "2026-11-23T02:43:00.123Z",
                "dueAt": "2026-11-23T02:44:00.456Z",
                "error": "the mail server cannot be reached"}])),
    )
)]
async fn list(
    access: Access<Admin>,
    state: Data<State>,
    query: Query<MailQueueParams>,
) -> Result<HttpResponse> {
    let query = query.check(MailQueueQuery::parse)?;
    let (paged, limit) = (query.paged(), query.limit);
    let mut selection = Selection::within(access.caller.rights.organizations.as_deref())?;
    selection.organization.clone_from(&query.organization);
    // What a caller may not see may have to be stepped over.
    let read = move |reader: &crate::db::Reader<'_>| {
        store::list(reader, &selection, query.after.as_ref(), query.limit)
    };
    let (mails, has_more) = state.db.read_long(&access.caller.actor, read).await?;
    let views: Vec<_> = mails.iter().map(QueuedMailView::new).collect();
    let mut response = HttpResponse::Ok();
    if let Some(last) = mails.last().filter(|_| has_more) {
        let link = paged.next_link(&state.public_url, limit, last.id.to_cursor());
        response.insert_header((header::LINK, link));
    }
    let json = serde_json::to_vec(&views).map_err(Error::internal)?;
    Ok(response.content_type("application/json").body(json))
}

/// `POST /v1/mail-queue/retry` with `admin`: 200 with how many mails are tried now.
///
/// # Errors
/// 422 with every value that is not acceptable.
#[utoipa::path(
    post,
    path = "/v1/mail-queue/retry",
    operation_id = "retryMail",
    tag = "Mail",
    summary = "Try mail that waits now",
    description = "Makes the mails due at once that wait for their next try: all that the key \
        may see, those of one organization, or of one invitation. For a key without a list of \
        organizations the server forgets which mail servers asked to be left alone. Takes no \
        `Idempotency-Key`: a second retry finds nothing that waits.",
    request_body(content = Option<RetryBody>,
        example = json!({"invitationId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f"})),
    responses(
        (status = 200, description = "How many mails are tried now.", body = Retried,
            example = json!({"retried": 3})),
    )
)]
async fn retry(
    access: Access<Admin>,
    _: NoQuery,
    state: Data<State>,
    body: OptionalJson<RetryBody>,
) -> Result<HttpResponse> {
    let caller = access.caller;
    let selection = Selection::within(caller.rights.organizations.as_deref())?;
    let selection = body.0.value.narrow(selection)?;
    let retried = try_now(&state, &caller, selection).await?;
    Ok(HttpResponse::Ok().json(Retried { retried }))
}

/// Makes what of a selection waits for its next try due at once, for `caller`. Returns how many
/// mails those are.
///
/// # Errors
/// When the file cannot be read, or written.
pub(super) async fn try_now(state: &State, caller: &Caller, selection: Selection) -> Result<usize> {
    let read = move |reader: &crate::db::Reader<'_>| store::list_put_off(reader, &selection);
    let ids = state.db.read_long(&caller.actor, read).await?;
    let author = caller.author();
    // Who asked to be left alone is left alone for all organizations.
    let forgets_rests = caller.rights.organizations.is_none();
    let mut retried = 0;
    // Where nothing waits for its time, something may wait for a mail server all the same.
    let none = [].as_slice();
    for chunk in ids.chunks(CHUNK).chain(ids.is_empty().then_some(none)) {
        let chunk = chunk.to_vec();
        let job = move |tx: &crate::db::WriteTx<'_>| store::try_now(tx, &chunk, forgets_rests);
        retried += author.write(&state.db, job).await?;
    }
    Ok(retried)
}

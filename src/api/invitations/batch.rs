//! The HTTP of batches.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::error_responses::{BODY, COMMON, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::db::{Db, Load, Reader, Stage, WriteTx};
use crate::http::auth::{OrganizationAccess, Write};
use crate::http::idempotency as stored;
use crate::http::idempotency::IdempotencyKey;
use crate::http::json::{Json, LARGE_BODY};
use crate::http::params::{InOrganization, Once};
use crate::http::query::NoQuery;
use crate::idempotency::{self, StoredResponse};
use crate::invitation::actor::Actor;
use crate::invitation::batch::report::{BatchAnswer, Report, StoredReport};
use crate::invitation::batch::{Batch, BatchBody, store};
use crate::purge;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_create,
        create,
        &[
            COMMON,
            WITH_KEY,
            WRITING,
            BODY,
            &[Code::IdempotencyKeyReused],
        ],
    )]
}

/// How many times its bytes a batch takes up once it is parsed.
const PARSED_TIMES: usize = 4;

/// `POST /v1/organizations/{organizationId}/invitations/batch` with `invitations:write`: 200 with
/// one result a row.
///
/// # Errors
/// Only what is wrong with the whole batch; what is wrong with a row is in its result.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations/batch",
    operation_id = "createInvitationBatch",
    tag = "Invitations",
    summary = "Create many invitations",
    description = "1 to 1000 creates in one commit, at most 1 MiB. Each row has a result with the \
        status that a create of its own would have had. `atomic`: all or none. `dryRun`: only say \
        what would happen.",
    params(InOrganization, Once),
    request_body(content = BatchBody,
        example = json!({"invitations": [{"email": "ada@example.com", "role": "developer"},
        {"email": "grace@example.com", "role": "admin"}], "atomic": true})),
    responses(
        (status = 200, description = "The results.", body = BatchAnswer, headers(
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored \
                answer."),
        ), example = json!({"committed": true, "succeeded": 1, "failed": 0,
            "results": [{"index": 0, "status": 201, "invitation": crate::invitation::example()}]})),
    )
)]
async fn create(
    access: OrganizationAccess<Write>,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<BatchBody, LARGE_BODY>,
) -> Result<HttpResponse> {
    let Json {
        value,
        hash,
        length,
        room: _room,
    } = body;
    let (ticket, author) = (key.ticket(&access.caller, hash), access.caller.author());
    let by = access.actor();
    let batch = Batch::parse(&access.organization, value, &state.rules, state.db.now())?;
    if batch.is_dry_run {
        // Nothing is kept, so a repetition has the same effect: none.
        let request_id = by.origin.request_id.clone();
        let report = rehearse(&state.db, access.organization, Arc::new(batch), by).await?;
        let body = StoredReport::new(&report, &request_id)?.answer(report, true)?;
        return Ok(HttpResponse::Ok()
            .content_type("application/json")
            .body(body));
    }
    let load = Load {
        jobs: 1,
        rows: batch.row_count(),
        bytes: length * PARSED_TIMES,
    };
    let (organization, rights) = (access.organization.clone(), by.rights.clone());
    let job = move |tx: &WriteTx<'_>| {
        let mut made = None;
        let answer = idempotency::once_if(tx, ticket.as_ref(), || {
            purge::store::check_stands(tx, &organization)?;
            let report = batch.run(tx, &by)?;
            let stored = StoredReport::new(&report, &by.origin.request_id)?;
            let body = stored.to_bytes()?;
            // Where nothing was kept, the same request may do better later.
            let is_kept = report.keeps_something();
            made = Some((stored, report));
            Ok(is_kept.then(|| StoredResponse {
                status: 200,
                location: None,
                body,
                organization: Some(organization.clone()),
                replayed: false,
            }))
        })?;
        Ok((answer, made))
    };
    let (answer, made) = author.write_load(&state.db, load, job).await?;
    if let Some((stored, report)) = made {
        let body = stored.answer(report, false)?;
        return Ok(HttpResponse::Ok()
            .content_type("application/json")
            .body(body));
    }
    let answer = answer.ok_or_else(|| Error::internal("a batch without an answer"))?;
    let stored = StoredReport::parse(&answer.body)?;
    let repeat = |reader: &Reader<'_>| stored.repeat(reader, &access.organization, &rights);
    let body = state.db.read(repeat)?;
    Ok(stored::head(&answer).body(body))
}

/// What would become of a batch: found out on a copy of what it may meet, so that no write waits
/// for it.
///
/// # Errors
/// When the file cannot be read, or the read takes too long.
pub(crate) async fn rehearse(
    db: &Db,
    organization: OrganizationId,
    batch: Arc<Batch>,
    by: Actor,
) -> Result<Report> {
    let actor = by.origin.actor.clone();
    let rows = Arc::clone(&batch);
    let copy = move |reader: &Reader<'_>, stage: &Stage| {
        store::copy(reader, stage, &organization, &rows.emails())
    };
    let run = move |tx: &WriteTx<'_>| batch.run(tx, &by);
    db.rehearse(&actor, copy, run).await
}

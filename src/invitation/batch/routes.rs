//! The HTTP of batches.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Batch, BatchBody, Report, RowResult, store};
use crate::db::{Db, Load, Reader, Stage, WriteTx};
use crate::error::{Error, Result};
use crate::http::State;
use crate::http::auth::{Access, Write};
use crate::http::idempotency::{self as stored, IdempotencyKey};
use crate::http::json::{Json, LARGE_BODY};
use crate::http::params::{InOrganization, Once};
use crate::http::problem::Problem;
use crate::http::query::NoQuery;
use crate::idempotency::{self, Answer};
use crate::invitation::Invitation;
use crate::invitation::create::{By, Outcome};
use crate::organization::OrganizationId;

/// How many times its bytes a batch takes up once it is parsed.
const PARSED_TIMES: usize = 4;
use crate::purge;

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer<'a> {
    /// Whether anything was kept: not in a dry run, nor where a row of an atomic batch failed.
    pub committed: bool,
    /// How many rows made an invitation, or met one that `onConflict` is content with.
    pub succeeded: usize,
    /// How many rows were refused.
    pub failed: usize,
    /// One result a row, in their order.
    pub results: Vec<BatchResult<'a>>,
}

/// What became of a row.
#[derive(Serialize, ToSchema)]
pub struct BatchResult<'a> {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The status that a create of its own would have been answered with; 424 where another row undid it.
    pub status: u16,
    /// The invitation; not in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Invitation<'_>, required = false)]
    pub invitation: Option<&'a RawValue>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Problem<'_>, required = false)]
    pub error: Option<Problem<'a>>,
}

/// The answer to a batch, as JSON.
fn write(report: &Report, is_dry_run: bool, request_id: &str) -> Result<Vec<u8>> {
    let result = |(index, row)| match row {
        &RowResult::Done(outcome, ref invitation) => BatchResult {
            index,
            status: if outcome == Outcome::Created { 201 } else { 200 },
            invitation: (!is_dry_run).then_some(&**invitation),
            error: None,
        },
        RowResult::Failed(error) => {
            let error = Problem::of(error, request_id);
            BatchResult { index, status: error.status, invitation: None, error: Some(error) }
        }
    };
    let results: Vec<_> = report.rows.iter().enumerate().map(result).collect();
    let failed = results.iter().filter(|result| result.error.is_some()).count();
    let (committed, succeeded) = (report.is_committed, results.len() - failed);
    serde_json::to_vec(&BatchAnswer { committed, succeeded, failed, results }).map_err(Error::internal)
}

/// `POST /v1/organizations/{organizationId}/invitations/batch` with `invitations:write`: 200 with one result a row.
///
/// # Errors
/// Only what is wrong with the whole batch; what is wrong with a row is in its result.
#[utoipa::path(
    post,
    path = "/v1/organizations/{organizationId}/invitations/batch",
    operation_id = "createInvitations",
    tag = "Invitations",
    summary = "Create many invitations",
    description = "1 to 1000 creates in one commit, at most 1 MiB. Each row has a result with the status that a create of its own would have \
        had. `atomic`: all or none. `dryRun`: only say what would happen.",
    params(InOrganization, Once),
    request_body(content = BatchBody, example = json!({"invitations": [{"email": "ada@example.com", "role": "developer"},
        {"email": "grace@example.com", "role": "admin"}], "atomic": true})),
    responses(
        (status = 200, description = "The results.", body = BatchAnswer<'_>, headers(
            ("Idempotency-Replayed" = String, description = "`true` where this is a stored answer."),
        ), example = json!({"committed": true, "succeeded": 1, "failed": 0,
            "results": [{"index": 0, "status": 201, "invitation": crate::invitation::example()}]})),
    )
)]
pub async fn create(
    access: Access<Write>,
    _: NoQuery,
    key: IdempotencyKey,
    state: Data<State>,
    body: Json<BatchBody, LARGE_BODY>,
) -> Result<HttpResponse> {
    let Json { value, hash, length, room: _room } = body;
    let (ticket, author) = (key.ticket(&access.caller, hash), access.caller.author());
    let by = By { origin: access.origin(), rights: access.caller.rights };
    let batch = Batch::parse(&access.organization, value, &state.rules, state.db.now())?;
    if batch.is_dry_run {
        // Nothing is kept, so a repetition has the same effect: none.
        let body = rehearse(&state.db, access.organization, batch, by).await?;
        return Ok(HttpResponse::Ok().content_type("application/json").body(body));
    }
    let load = Load { jobs: 1, rows: batch.row_count(), bytes: length * PARSED_TIMES };
    let job = move |tx: &WriteTx<'_>| {
        idempotency::once(tx, ticket.as_ref(), || {
            purge::store::check_stands(tx, &access.organization)?;
            let report = batch.run(tx, &by)?;
            let body = write(&report, false, &by.origin.request_id)?;
            Ok(Answer { status: 200, location: None, body, replayed: false })
        })
    };
    let answer = author.write_load(&state.db, load, job).await?;
    Ok(stored::head(&answer).body(answer.body))
}

/// What would become of a batch, as JSON: found out on a copy of what it may meet, so that no write waits for it.
async fn rehearse(db: &Db, organization: OrganizationId, batch: Batch, by: By) -> Result<Vec<u8>> {
    let (batch, actor) = (Arc::new(batch), by.origin.actor.clone());
    let rows = Arc::clone(&batch);
    let copy = move |reader: &Reader<'_>, stage: &Stage| store::copy(reader, stage, &organization, &rows.emails());
    let run = move |tx: &WriteTx<'_>| write(&batch.run(tx, &by)?, true, &by.origin.request_id);
    db.rehearse(&actor, copy, run).await
}

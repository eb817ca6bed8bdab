//! The HTTP of snapshots.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::Developer;
use crate::api::error_responses::{BODY, COMMON, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::{Code, Result};
use crate::dev::snapshots::{RestoreBody, SnapshotView};
use crate::http::json::{Json, NoBody, OptionalJson};
use crate::http::query::NoQuery;

/// The operations of this file.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            __path_list,
            list,
            &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]],
        ),
        Operation::new(
            __path_take,
            take,
            &[COMMON, WITH_KEY, BODY, &[Code::ReadTimeout]],
        ),
        Operation::new(__path_restore, restore, &[COMMON, WITH_KEY, WRITING, BODY]),
    ]
}

/// `GET /dev/snapshots`, only in `invited dev`: 200 with the snapshots, newest first.
#[utoipa::path(
    get,
    path = "/dev/snapshots",
    operation_id = "listSnapshots",
    tag = "Development",
    summary = "The snapshots that can be restored",
    description = "The earliest first.",
    responses(
        (status = 200, description = "The snapshots, newest first.", body = Vec<SnapshotView>,
            example = json!([{"id": "8b0f1c86-3a27-4a0b-a6df-5c34f8f2a4a4",
                "createdAt": "2026-11-23T02:43:00.123Z"}])),
    )
)]
async fn list(_: Developer, _: NoQuery, state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.snapshots.list())
}

/// `POST /dev/snapshot`, only in `invited dev`: 201 with the new snapshot.
///
/// # Errors
/// 503 when the file takes too long to copy.
#[utoipa::path(
    post,
    path = "/dev/snapshot",
    operation_id = "takeSnapshot",
    tag = "Development",
    summary = "Take a snapshot of everything",
    description = "Remembers all rows of the file, the clock and the faults, to be restored. The \
        server keeps the newest 20 snapshots for as long as it runs. Takes no body, or `{}`.",
    responses(
        (status = 201, description = "The snapshot.", body = SnapshotView,
            example = json!({"id": "8b0f1c86-3a27-4a0b-a6df-5c34f8f2a4a4",
                "createdAt": "2026-11-23T02:43:00.123Z"})),
    )
)]
async fn take(
    developer: Developer,
    _: NoQuery,
    state: Data<State>,
    _: OptionalJson<NoBody>,
) -> Result<HttpResponse> {
    let (db, faults) = (&state.db, &state.faults);
    let actor = &developer.origin.actor;
    let snapshot = state.snapshots.take(db, faults, actor).await?;
    Ok(HttpResponse::Created().json(snapshot))
}

/// `POST /dev/restore`, only in `invited dev`: 204. Everything is as it was when the snapshot was
/// taken.
///
/// # Errors
/// 422 when there is no such snapshot; nothing is changed then.
#[utoipa::path(
    post,
    path = "/dev/restore",
    operation_id = "restoreSnapshot",
    tag = "Development",
    summary = "Go back to a snapshot",
    description = "Puts all rows of the file, keys and stored answers included, the clock and the \
        faults back as they were. Streams of events end. The snapshot can be restored again.",
    request_body(content = RestoreBody,
        example = json!({"id": "8b0f1c86-3a27-4a0b-a6df-5c34f8f2a4a4"})),
    responses((status = 204, description = "All is as it was."))
)]
async fn restore(
    _: Developer,
    _: NoQuery,
    state: Data<State>,
    body: Json<RestoreBody>,
) -> Result<HttpResponse> {
    let snapshot = state.snapshots.find(&body.value)?;
    snapshot.restore(&state.db, &state.faults).await?;
    state.streams.cut();
    state.rules.sending.limits.forget();
    Ok(HttpResponse::NoContent().finish())
}

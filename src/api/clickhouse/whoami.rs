//! Who the caller is, in the dialect.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Envelope, ids, ok, wrap};
use crate::api::error_responses::{PROBE, READING, WITH_KEY};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::error::Result;
use crate::db::Reader;
use crate::http::auth::Caller;
use crate::http::request_id::RequestId;
use crate::key::token::KeyId;
use crate::key::{self, Rights, Scope};
use crate::organization::store;

/// The operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::new(
        __path_whoami,
        whoami,
        &[PROBE, WITH_KEY, READING],
    )]
}

/// What the caller is: always a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ActorType {
    /// A key.
    ApiKey,
}

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhoamiApiKey)]
struct Whoami {
    /// What the caller is.
    actor_type: ActorType,
    /// The id of the key; `dev` where development needs none.
    key_id: String,
    /// Its name.
    name: String,
    /// The organization, where the key sees exactly one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid)]
    organization_id: Option<String>,
}

/// The UUID of the one organization that `rights` let a caller see; none: it sees another number.
fn only_organization(reader: &Reader<'_>, rights: &Rights) -> Result<Option<String>> {
    if let Some([only]) = rights.organizations.as_deref() {
        return Ok(Some(ids::of_organization(only.as_str()).into_owned()));
    }
    let mut seen = Vec::new();
    store::list(reader, rights, ("", 2), |id, _| {
        seen.push(ids::of_organization(id).into_owned());
        Ok(())
    })?;
    Ok(seen.pop().filter(|_| seen.is_empty()))
}

/// `GET /clickhouse/v1/whoami` with `invitations:read`.
///
/// # Errors
/// Those of every operation.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/whoami",
    operation_id = "clickhouseWhoami",
    tag = "ClickHouse Cloud",
    summary = "Resolve the caller identity",
    description = "The key of the request, and its organization, where it sees exactly one.",
    responses((status = 200, description = "The key.", body = Envelope<Whoami>,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": {
            "actorType": "apiKey", "keyId": "0123456789abcdef", "name": "terraform",
            "organizationId": "7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f"
        }})))
)]
async fn whoami(caller: Caller, request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    caller.require(Scope::Read)?;
    let Caller { actor, rights } = caller;
    let id = actor.clone();
    let read = move |reader: &Reader<'_>| {
        let key = KeyId::parse(&id).map(|id| key::store::find(reader, &id));
        let name = key
            .transpose()?
            .flatten()
            .map_or_else(|| id.clone(), |key| key.name);
        Ok((name, only_organization(reader, &rights)?))
    };
    let (name, organization_id) = state.db.read_long(&actor, read).await?;
    let whoami = Whoami {
        actor_type: ActorType::ApiKey,
        key_id: actor,
        name,
        organization_id,
    };
    Ok(ok(wrap(whoami, &RequestId::of(&request))?))
}

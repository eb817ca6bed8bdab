//! The organizations of the dialect.

use std::borrow::Cow;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use super::access::DialectAccess;
use super::{Envelope, ids, ok, wrap};
use crate::api::error_responses::{BODY, LISTING, PROBE, READING, WITH_KEY, WRITING};
use crate::api::operation::Operation;
use crate::api::state::State;
use crate::base::clock::Timestamp;
use crate::base::error::{Checked, Code, Error, FieldCode, FieldError, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::page::{MAX_LIMIT, Paged};
use crate::db::WriteTx;
use crate::http::auth::{Admin, Caller, Read};
use crate::http::json::Json;
use crate::http::params::InOrganization;
use crate::http::request_id::RequestId;
use crate::key::Scope;
use crate::organization::change::Change;
use crate::organization::settings::{Settings, SettingsBody};
use crate::organization::{Record, store};

/// What is said of a cursor that is none of this list.
const WRONG_CURSOR: &str = "This cursor does not belong to this list; begin without one, and send \
    the `nextCursor` of each page.";
/// How many organizations a page has when nothing says otherwise.
const DEFAULT_LIMIT: u32 = 250;

/// An organization, for the document.
fn example() -> Value {
    json!({
        "status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
        "result": {
            "id": "7e0b8f5c-3c1d-4d0a-9f4e-2b6a1c9d8e7f", "name": "Initech",
            "createdAt": "2026-11-23T02:43:00.123Z"
        }
    })
}

/// The operations of this file.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(__path_list, list, &[PROBE, WITH_KEY, LISTING]),
        Operation::new(__path_get, get, &[PROBE, WITH_KEY, READING]),
        Operation::new(__path_update, update, &[PROBE, WITH_KEY, WRITING, BODY]),
    ]
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
struct DialectOrganization {
    /// Its id, where that is a UUID; else a UUIDv5 that is derived from its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name; its id, if it has none.
    pub name: String,
    /// When its first invitation was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl DialectOrganization {
    /// What the dialect shows of an organization.
    fn new(id: &str, organization: &Record) -> Self {
        let name = organization.settings.name.as_deref().unwrap_or(id);
        Self {
            id: ids::of_organization(id).into_owned(),
            name: name.to_owned(),
            created_at: organization.created_at,
        }
    }
}

/// A page of organizations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationListResponse)]
struct OrganizationPage {
    /// The HTTP status.
    #[schema(example = 200)]
    status: u16,
    /// The `X-Request-Id` of the answer.
    request_id: String,
    /// The organizations.
    result: Vec<DialectOrganization>,
    /// The most organizations that this page could have.
    limit: u32,
    /// The value of `cursor` for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// What is to change of an organization.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = OrganizationPatchRequest)]
struct DialectOrganizationPatch {
    /// The new name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, example = "Acme Ltd.")]
    pub name: Option<String>,
}

/// Which organizations are listed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only the document is made from it")]
struct ListParams {
    /// The most organizations of a page: 250 without it, and never more than 1000.
    #[param(minimum = 1)]
    limit: Option<u32>,
    /// The `nextCursor` of the page before.
    cursor: Option<String>,
}

/// The first value of `key` in a query; every other key means nothing.
fn value<'q>(query: &'q str, key: &str) -> Option<Cow<'q, str>> {
    form_urlencoded::parse(query.as_bytes()).find_map(|(own, value)| (own == key).then_some(value))
}

/// Reads the value of `limit`. As in that API, one beyond the most is the most.
fn parse_limit(value: &str) -> Checked<u32> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain && value.bytes().any(|byte| byte != b'0') {
        return Ok(value
            .parse()
            .map_or(MAX_LIMIT, |limit: u32| limit.min(MAX_LIMIT)));
    }
    let detail = "a whole number from 1 on";
    Err(FieldError::new("limit", FieldCode::OutOfRange, detail))
}

/// `GET /clickhouse/v1/organizations` with `invitations:read`: a page of the organizations that the
/// key may see.
///
/// # Errors
/// Those of every list.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations",
    operation_id = "clickhouseListOrganizations",
    tag = "ClickHouse Cloud",
    summary = "List organizations",
    description = "The organizations that the key may see, in the order of their ids. One whose \
        id is no UUID has one that is derived from its id, and is reached by both.",
    params(ListParams),
    responses((status = 200, description = "The organizations.", body = OrganizationPage,
        example = json!({"status": 200, "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
            "result": [], "limit": 250, "nextCursor": null})))
)]
async fn list(caller: Caller, request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    caller.require(Scope::Read)?;
    let paged = Paged::new("/clickhouse/v1/organizations".to_owned(), []);
    let query = request.query_string();
    let limit = value(query, "limit").map(|limit| parse_limit(&limit));
    let limit = limit.transpose()?.unwrap_or(DEFAULT_LIMIT);
    let after = value(query, "cursor").filter(|cursor| !cursor.is_empty());
    let parse = |cursor: Cow<'_, str>| {
        let parsed = paged.parse_cursor(&cursor, OrganizationId::parse);
        parsed.map_err(|_| Error::new(Code::InvalidCursor, WRONG_CURSOR))
    };
    let after = after.map(parse).transpose()?;
    let Caller { actor, rights } = caller;
    let organizations = state.db.read_long(&actor, move |reader| {
        let mut seen = Vec::new();
        let after = after.as_ref().map_or("", OrganizationId::as_str);
        let last = store::list(reader, &rights, (after, limit), |id, organization| {
            seen.push(DialectOrganization::new(id, organization));
            Ok(())
        })?;
        Ok((seen, last))
    });
    let (result, last) = organizations.await?;
    Ok(HttpResponse::Ok().json(OrganizationPage {
        status: 200,
        request_id: RequestId::of(&request),
        result,
        limit,
        next_cursor: last.map(|last| paged.cursor(&last)),
    }))
}

/// `GET /clickhouse/v1/organizations/{organizationId}` with `invitations:read`.
///
/// # Errors
/// 404 where it is not known.
#[utoipa::path(
    get,
    path = "/clickhouse/v1/organizations/{organizationId}",
    operation_id = "clickhouseGetOrganization",
    tag = "ClickHouse Cloud",
    summary = "Get organization details",
    description = "By its id, or by the UUID that the list shows for it.",
    params(InOrganization),
    responses((status = 200, description = "The organization.",
        body = Envelope<DialectOrganization>,
        example = json!(example())))
)]
async fn get(DialectAccess(access): DialectAccess<Read>) -> Result<HttpResponse> {
    let found = store::find(&access.snapshot.reader(), &access.organization)?;
    let organization = found.ok_or_else(Error::not_found)?;
    let shown = DialectOrganization::new(access.organization.as_str(), &organization);
    Ok(ok(wrap(shown, &access.request_id)?))
}

/// `PATCH /clickhouse/v1/organizations/{organizationId}` with `admin`: another name.
///
/// # Errors
/// 404 where it is not known; 422 for a name that cannot be one.
#[utoipa::path(
    patch,
    path = "/clickhouse/v1/organizations/{organizationId}",
    operation_id = "clickhouseUpdateOrganization",
    tag = "ClickHouse Cloud",
    summary = "Update organization details",
    description = "Its name; everything else that is set stays.",
    params(InOrganization),
    request_body(content = DialectOrganizationPatch, example = json!({"name": "Initech"})),
    responses((status = 200, description = "The organization.",
        body = Envelope<DialectOrganization>,
        example = json!(example())))
)]
async fn update(
    DialectAccess(access): DialectAccess<Admin>,
    state: Data<State>,
    body: Json<DialectOrganizationPatch>,
) -> Result<HttpResponse> {
    let asked = SettingsBody {
        name: body.value.name,
        ..SettingsBody::default()
    };
    let name = Settings::parse(asked, &state.rules)?.name;
    let (author, origin) = (access.caller.author(), access.origin());
    let organization = access.organization;
    let job = move |tx: &WriteTx<'_>| {
        let present = store::find(tx, &organization)?.ok_or_else(Error::not_found)?;
        let changed = name.as_ref().filter(|_| name != present.settings.name);
        let Some(name) = changed else {
            return Ok(DialectOrganization::new(organization.as_str(), &present));
        };
        let settings = Settings {
            name: Some(name.clone()),
            ..present.settings
        };
        let change = Change {
            id: organization.clone(),
            settings,
            origin: origin.clone(),
        };
        change.put(tx, |_| Ok(()))?;
        let renamed = store::find(tx, &organization)?.ok_or_else(Error::not_found)?;
        Ok(DialectOrganization::new(organization.as_str(), &renamed))
    };
    let shown = author.write(&state.db, job).await?;
    Ok(ok(wrap(shown, &access.request_id)?))
}

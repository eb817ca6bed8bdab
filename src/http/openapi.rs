//! The OpenAPI 3.1 document: made from the code, served at `/openapi.json`, committed as `openapi.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Schema, Type};
use utoipa::{IntoResponses, Modify, OpenApi};

use super::query::NoQuery;
use crate::error::{Code, Meaning};
use crate::{clickhouse, dev, http, invitation};

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "invited",
        description = "Organization invitations: list, create, get and delete them. The address is stored in lowercase, \
            and only a user with that address can join.\n\nEvery error is a problem document (RFC 9457) whose `code` is \
            explained at `/problems/{code}`. HEAD works wherever GET does, and OPTIONS answers `Allow`.",
    ),
    paths(
        invitation::routes::list, invitation::routes::create, invitation::routes::get, invitation::routes::delete,
        clickhouse::routes::list_organizations, clickhouse::routes::list, clickhouse::routes::create,
        clickhouse::routes::get, clickhouse::routes::delete, clickhouse::routes::list_members,
        dev::routes::get_clock, dev::routes::change_clock, dev::routes::reset, dev::routes::seed,
        http::health::live, http::health::ready, http::openapi::serve, http::problem::list_pages, http::problem::page,
    ),
    components(schemas(http::problem::Problem<'_>, clickhouse::Failed)),
    tags(
        (name = "Invitations", description = "The invitations of an organization."),
        (name = "ClickHouse Cloud", description = "The same invitations in the shape of the ClickHouse Cloud API, for its clients: \
            use `/clickhouse` as the base URL."),
        (name = "Development", description = "Only in `invited dev`: in `invited serve` these paths do not exist. A web page of \
            another origin is refused."),
        (name = "Operation", description = "Public: health, this document, and what the errors mean."),
    ),
    security(("key" = []), ("basic" = [])),
    modifiers(&Finish)
)]
struct Document;

/// The parts of the document that no macro writes.
struct Finish;

impl Modify for Finish {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("ivk_<id>_<secret>")
            .description(Some("An API key, as `invited key create` prints it."));
        components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
        let basic = Http::builder()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("The same key: its id as the user name, its secret as the password."));
        components.add_security_scheme("basic", SecurityScheme::Http(basic.build()));
        components.schemas.values_mut().for_each(close);
        for path in document.paths.paths.values_mut() {
            let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
            operations.into_iter().flatten().for_each(without_null);
        }
    }
}

/// Says of optional parameters that they are absent rather than null: a header or a query cannot be null.
fn without_null(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(RefOr::T(Schema::Object(object))) = &mut parameter.schema
            && let SchemaType::Array(types) = &object.schema_type
            && let Some(kind) = types.iter().find(|kind| **kind != Type::Null)
        {
            object.schema_type = SchemaType::Type(kind.clone());
        }
    }
}

/// Says of an object that it has only the fields that are listed.
fn close(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

/// The document as text: what is served, printed and committed.
pub fn document_text() -> String {
    let text = Document::openapi().to_pretty_json().unwrap_or_default();
    text + "\n"
}

/// `GET /openapi.json`: this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenapi",
    tag = "Operation",
    summary = "This document",
    responses(
        (status = 200, description = "The OpenAPI 3.1 document.", content_type = "application/json", body = serde_json::Value,
            example = json!({"openapi": "3.1.0"})),
        PublicErrors,
    ),
    security(())
)]
pub async fn serve(_: NoQuery) -> HttpResponse {
    static TEXT: LazyLock<String> = LazyLock::new(document_text);
    HttpResponse::Ok().content_type("application/json").body(TEXT.as_str())
}

/// A request id for examples.
const EXAMPLE_REQUEST_ID: &str = "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11";

/// What every operation can answer.
const COMMON: &[Code] = &[Code::BadRequest, Code::InvalidQuery, Code::HostNotAllowed, Code::UriTooLong, Code::Internal];
/// What every operation that needs a key can answer.
const WITH_KEY: &[Code] = &[
    Code::Unauthorized,
    Code::InsufficientScope,
    Code::NotFound,
    Code::Overloaded,
    Code::StorageBusy,
    Code::StorageFailed,
    Code::StorageCorrupt,
];
/// What a list can answer on top of that.
const LISTING: &[Code] = &[Code::InvalidCursor, Code::ValidationFailed, Code::ReadTimeout];
/// What a write can answer on top of that.
const WRITING: &[Code] = &[Code::StorageFull];
/// What an operation of development can answer on top of that.
const DEV: &[Code] = &[Code::OriginNotAllowed];
/// What an operation of development with a body can answer on top of that.
const DEV_BODY: &[Code] = &[
    Code::InvalidJson,
    Code::UnknownField,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
];
/// What a create can answer on top of that.
const CREATING: &[Code] = &[
    Code::InvalidJson,
    Code::UnknownField,
    Code::RoleNotGrantable,
    Code::RequestTimeout,
    Code::AlreadyInvited,
    Code::AlreadyAccepted,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
    Code::IdempotencyKeyReused,
];

/// The errors of a public operation.
pub struct PublicErrors;

impl IntoResponses for PublicErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON])
    }
}

/// The errors of the readiness check.
pub struct ReadyErrors;

impl IntoResponses for ReadyErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, &[Code::Overloaded, Code::StorageFailed, Code::StorageCorrupt]])
    }
}

/// The errors of a page about an error.
pub struct PageErrors;

impl IntoResponses for PageErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, &[Code::NotFound]])
    }
}

/// The errors of a get.
pub struct GetErrors;

impl IntoResponses for GetErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY])
    }
}

/// The errors of a list.
pub struct ListErrors;

impl IntoResponses for ListErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, LISTING])
    }
}

/// The errors of a create.
pub struct CreateErrors;

impl IntoResponses for CreateErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, CREATING, &[Code::ResendTooSoon]])
    }
}

/// The errors of a delete.
pub struct DeleteErrors;

impl IntoResponses for DeleteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, &[Code::PreconditionFailed]])
    }
}

/// The errors of a read in development.
pub struct DevReadErrors;

impl IntoResponses for DevReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, DEV])
    }
}

/// The errors of a change in development.
pub struct DevWriteErrors;

impl IntoResponses for DevWriteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, DEV, WRITING, DEV_BODY])
    }
}

/// The errors of a get or a list in the ClickHouse Cloud dialect.
pub struct DialectReadErrors;

impl IntoResponses for DialectReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        failures(&[COMMON, WITH_KEY, &[Code::ReadTimeout]])
    }
}

/// The errors of a create in the ClickHouse Cloud dialect.
pub struct DialectCreateErrors;

impl IntoResponses for DialectCreateErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        failures(&[COMMON, WITH_KEY, WRITING, CREATING])
    }
}

/// The errors of a delete in the ClickHouse Cloud dialect.
pub struct DialectDeleteErrors;

impl IntoResponses for DialectDeleteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        failures(&[COMMON, WITH_KEY, WRITING])
    }
}

/// The codes of `groups` by their status.
fn by_status(groups: &[&[Code]]) -> BTreeMap<u16, Vec<Code>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for &code in groups.iter().copied().flatten() {
        by_status.entry(code.meaning().status).or_default().push(code);
    }
    by_status
}

/// One response a status, each naming its codes, with a problem document as its example.
fn problems(groups: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let example = |meaning: &Meaning| {
        serde_json::json!({
            "type": format!("/problems/{}", meaning.name),
            "title": meaning.title,
            "status": meaning.status,
            "detail": meaning.meaning,
            "code": meaning.name,
            "requestId": EXAMPLE_REQUEST_ID,
        })
    };
    let response = |codes: &[Code]| response(codes, ("application/problem+json", "Problem"), example);
    by_status(groups).iter().map(|(status, codes)| (status.to_string(), RefOr::T(response(codes)))).collect()
}

/// One response a status, each naming its codes, in the words of the ClickHouse Cloud dialect.
fn failures(groups: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let example = |meaning: &Meaning| {
        let error = format!("{}: {}", meaning.name.to_uppercase(), meaning.title);
        serde_json::json!({ "status": meaning.status, "error": error, "requestId": EXAMPLE_REQUEST_ID })
    };
    let response = |codes: &[Code]| response(codes, ("application/json", "Failed"), example);
    by_status(groups).iter().map(|(status, codes)| (status.to_string(), RefOr::T(response(codes)))).collect()
}

/// The response of a status that `codes` share, with a body of the given media type and schema.
fn response(codes: &[Code], (media, schema): (&str, &str), example: impl Fn(&Meaning) -> Value) -> Response {
    let names: Vec<_> = codes.iter().map(|code| format!("`{}`", code.meaning().name)).collect();
    let example = codes.first().map(|code| example(code.meaning()));
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(example).build();
    let mut response = ResponseBuilder::new().description(names.join(", ")).content(media, content);
    if codes.contains(&Code::Unauthorized) {
        let header = HeaderBuilder::new().schema(Some(Object::with_type(Type::String))).description(Some("`Bearer`"));
        response = response.header("WWW-Authenticate", header.build());
    }
    if codes.iter().any(|code| matches!(code.meaning().status, 429 | 503)) {
        let header = HeaderBuilder::new().schema(Some(Object::with_type(Type::Integer))).description(Some("Seconds"));
        response = response.header("Retry-After", header.build());
    }
    response.build()
}

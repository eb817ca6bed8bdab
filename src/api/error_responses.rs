//! The errors that each operation can answer, for the OpenAPI document.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Type,
};

use super::clickhouse;
use super::problems::example;
use crate::base::error::{Code, Meaning, Problem};

/// What every operation can answer.
pub(crate) const COMMON: &[Code] = &[
    Code::BadRequest,
    Code::InvalidQuery,
    Code::HostNotAllowed,
    Code::UriTooLong,
    Code::Internal,
];
/// What a probe can answer, whose query means nothing.
pub(crate) const PROBE: &[Code] = &[
    Code::BadRequest,
    Code::HostNotAllowed,
    Code::UriTooLong,
    Code::Internal,
];
/// What every operation that needs a key can answer.
pub(crate) const WITH_KEY: &[Code] = &[
    Code::Unauthorized,
    Code::InsufficientScope,
    Code::NotFound,
    Code::RateLimited,
    Code::Overloaded,
    Code::StorageBusy,
    Code::StorageFailed,
    Code::StorageCorrupt,
];
/// What a list can answer on top of that.
pub(crate) const LISTING: &[Code] = &[
    Code::InvalidCursor,
    Code::ValidationFailed,
    Code::ReadTimeout,
];
/// What a write can answer on top of that.
pub(crate) const WRITING: &[Code] = &[Code::StorageFull, Code::OriginNotAllowed];
/// What an operation with a body can answer on top of that.
pub(crate) const BODY: &[Code] = &[
    Code::InvalidJson,
    Code::UnknownField,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
    Code::OriginNotAllowed,
];
/// What can go wrong where an invitation is answered.
pub(crate) const REDEMPTION: &[Code] = &[
    Code::RoleNotGrantable,
    Code::EmailMismatch,
    Code::ProofRejected,
    Code::StatusConflict,
    Code::IdempotencyKeyReused,
    Code::IdTokenRejected,
    Code::IdentityProviderUnavailable,
];
/// What a form of a page can answer on top of that.
pub(crate) const FORM: &[Code] = &[
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
];
/// What a create can answer on top of that.
pub(crate) const CREATING: &[Code] = &[
    Code::RoleNotGrantable,
    Code::AlreadyInvited,
    Code::AlreadyAccepted,
    Code::PendingLimitReached,
    Code::IdempotencyKeyReused,
];
/// What a change of an invitation can answer on top of that.
pub(crate) const CHANGING: &[Code] = &[Code::StatusConflict, Code::PreconditionFailed];
/// What an operation of the invited person can answer, where the storage is at fault.
pub(crate) const WITHOUT_KEY: &[Code] = &[
    Code::NotFound,
    Code::RateLimited,
    Code::Overloaded,
    Code::StorageBusy,
    Code::StorageFailed,
    Code::StorageCorrupt,
];

/// Adds to `operation`, at `path`, what it can respond besides a success: a code of these groups.
pub(crate) fn add(operation: &mut Operation, path: &str, groups: &[&[Code]]) {
    let is_dialect = path.starts_with(clickhouse::PREFIX);
    operation.responses.responses.extend(if is_dialect {
        failures(groups)
    } else {
        problems(groups)
    });
}

/// The codes of `groups` by their status, each once.
fn by_status(groups: &[&[Code]]) -> BTreeMap<u16, Vec<Code>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for &code in groups.iter().copied().flatten() {
        let codes = by_status.entry(code.meaning().status).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    by_status
}

/// One response a status, each naming its codes, with a problem document as its example.
fn problems(groups: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let example = |meaning: &Meaning| {
        let error = example::of(meaning.code);
        serde_json::json!(Problem::of(&error, example::REQUEST_ID))
    };
    let response = |codes: &[Code]| response(codes, "application/problem+json", "Problem", example);
    by_status(groups)
        .iter()
        .map(|(status, codes)| (status.to_string(), RefOr::T(response(codes))))
        .collect()
}

/// One response a status, each naming its codes, in the words of the ClickHouse Cloud dialect.
fn failures(groups: &[&[Code]]) -> BTreeMap<String, RefOr<Response>> {
    let example = |meaning: &Meaning| {
        let error = format!("{}: {}", meaning.name.to_uppercase(), meaning.title);
        serde_json::json!({ "status": meaning.status, "error": error,
            "requestId": example::REQUEST_ID })
    };
    let response = |codes: &[Code]| response(codes, "application/json", "Failed", example);
    by_status(groups)
        .iter()
        .map(|(status, codes)| (status.to_string(), RefOr::T(response(codes))))
        .collect()
}

/// The response of a status that `codes` share, with a body of the given media type and schema.
fn response(
    codes: &[Code],
    media: &str,
    schema: &str,
    example: impl Fn(&Meaning) -> Value,
) -> Response {
    let names: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`", code.meaning().name))
        .collect();
    let example = codes.first().map(|code| example(code.meaning()));
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .example(example)
        .build();
    let mut response = ResponseBuilder::new()
        .description(names.join(", "))
        .content(media, content);
    if codes.contains(&Code::Unauthorized) {
        let header = HeaderBuilder::new()
            .schema(Some(Object::with_type(Type::String)))
            .description(Some("`Bearer`"));
        response = response.header("WWW-Authenticate", header.build());
    }
    if codes
        .iter()
        .any(|code| matches!(code.meaning().status, 429 | 503))
    {
        let header = HeaderBuilder::new()
            .schema(Some(Object::with_type(Type::Integer)))
            .description(Some("Seconds"));
        response = response.header("Retry-After", header.build());
    }
    if codes.contains(&Code::RateLimited) {
        let text = |example| {
            HeaderBuilder::new()
                .schema(Some(Object::with_type(Type::String)))
                .description(Some(example))
        };
        response = response.header(
            "RateLimit-Policy",
            text("`\"recipient\";q=50;w=86400`").build(),
        );
        response = response.header("RateLimit", text("`\"recipient\";r=0;t=1728`").build());
    }
    response.build()
}

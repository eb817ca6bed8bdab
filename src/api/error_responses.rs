//! The errors that each operation can answer, for the OpenAPI document.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Type};

use crate::base::error::{Code, Meaning};

/// A request id for examples.
const EXAMPLE_REQUEST_ID: &str = "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11";

/// What every operation can answer.
const COMMON: &[Code] = &[Code::BadRequest, Code::InvalidQuery, Code::HostNotAllowed, Code::UriTooLong, Code::Internal];
/// What a probe can answer, whose query means nothing.
const PROBE: &[Code] = &[Code::BadRequest, Code::HostNotAllowed, Code::UriTooLong, Code::Internal];
/// What every operation that needs a key can answer.
const WITH_KEY: &[Code] = &[
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
const LISTING: &[Code] = &[Code::InvalidCursor, Code::ValidationFailed, Code::ReadTimeout];
/// What a write can answer on top of that.
const WRITING: &[Code] = &[Code::StorageFull, Code::OriginNotAllowed];
/// What an operation with a body can answer on top of that.
const BODY: &[Code] = &[
    Code::InvalidJson,
    Code::UnknownField,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
    Code::OriginNotAllowed,
];
/// What a create can answer on top of that.
const CREATING: &[Code] = &[
    Code::RoleNotGrantable,
    Code::AlreadyInvited,
    Code::AlreadyAccepted,
    Code::PendingLimitReached,
    Code::IdempotencyKeyReused,
];
/// What a change of an invitation can answer on top of that.
const CHANGING: &[Code] = &[Code::StatusConflict, Code::PreconditionFailed];
/// What an operation of the invited person can answer, where the storage is at fault.
const WITHOUT_KEY: &[Code] = &[
    Code::NotFound,
    Code::RateLimited,
    Code::Overloaded,
    Code::StorageBusy,
    Code::StorageFailed,
    Code::StorageCorrupt,
];

/// What each operation can answer besides a success, by its `operationId`.
#[rustfmt::skip]
const OPERATIONS: &[(&str, &[&[Code]])] = &[
    ("listInvitations", &[COMMON, WITH_KEY, LISTING]),
    ("createInvitation", &[COMMON, WITH_KEY, WRITING, BODY, CREATING, &[Code::ResendTooSoon]]),
    ("getInvitation", &[COMMON, WITH_KEY]),
    ("deleteInvitation", &[COMMON, WITH_KEY, WRITING, &[Code::PreconditionFailed, Code::RoleNotGrantable]]),
    ("listInvitationsOfAddress", &[COMMON, WITH_KEY, &[Code::ValidationFailed, Code::ReadTimeout]]),
    ("eraseAddress", &[COMMON, WITH_KEY, WRITING, &[Code::ValidationFailed, Code::ReadTimeout]]),
    ("createInvitations", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::IdempotencyKeyReused]]),
    ("updateInvitation", &[COMMON, WITH_KEY, WRITING, BODY, CHANGING, &[Code::RoleNotGrantable]]),
    ("resendInvitation", &[COMMON, WITH_KEY, WRITING, BODY, CHANGING, CREATING, &[Code::ResendTooSoon]]),
    ("revokeInvitation", &[COMMON, WITH_KEY, WRITING, BODY, CHANGING, &[Code::IdempotencyKeyReused, Code::RoleNotGrantable]]),
    ("acceptInvitation", &[COMMON, WITH_KEY, WRITING, BODY, CHANGING, &[Code::EmailMismatch, Code::IdempotencyKeyReused, Code::RoleNotGrantable]]),
    ("getInvitationLink", &[COMMON, WITH_KEY, BODY, &[Code::StatusConflict]]),
    ("lookupInvitation", &[COMMON, WITHOUT_KEY, BODY, &[Code::Unauthorized]]),
    ("requestInvitationCode", &[COMMON, WITHOUT_KEY, WRITING, BODY, &[Code::Unauthorized, Code::StatusConflict, Code::IdempotencyKeyReused]]),
    ("acceptInvitationByToken", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::RoleNotGrantable, Code::EmailMismatch, Code::ProofRejected, Code::StatusConflict, Code::IdempotencyKeyReused], &[Code::IdTokenRejected, Code::IdentityProviderUnavailable]]),
    ("declineInvitationByToken", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::RoleNotGrantable, Code::EmailMismatch, Code::ProofRejected, Code::StatusConflict, Code::IdempotencyKeyReused], &[Code::IdTokenRejected, Code::IdentityProviderUnavailable]]),
    ("listOrganizations", &[COMMON, WITH_KEY, LISTING]),
    ("getOrganization", &[COMMON, WITH_KEY]),
    ("putOrganization", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::PreconditionFailed]]),
    ("deleteOrganization", &[COMMON, WITH_KEY, WRITING, &[Code::PreconditionFailed]]),
    ("listEvents", &[COMMON, WITH_KEY, LISTING]),
    ("streamEvents", &[COMMON, WITH_KEY, &[Code::ValidationFailed]]),
    ("listAudit", &[COMMON, WITH_KEY, LISTING]),
    ("listKeys", &[COMMON, WITH_KEY, &[Code::ReadTimeout]]),
    ("createKey", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::KeyExceedsOwnRights, Code::IdempotencyKeyReused]]),
    ("getKey", &[COMMON, WITH_KEY]),
    ("revokeKey", &[COMMON, WITH_KEY, WRITING]),
    ("listWebhooks", &[COMMON, WITH_KEY]),
    ("createWebhook", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::WebhookLimitReached, Code::IdempotencyKeyReused]]),
    ("getWebhook", &[COMMON, WITH_KEY]),
    ("updateWebhook", &[COMMON, WITH_KEY, WRITING, BODY]),
    ("deleteWebhook", &[COMMON, WITH_KEY, WRITING]),
    ("rotateWebhookSecret", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::IdempotencyKeyReused]]),
    ("testWebhook", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::WebhookDisabled, Code::IdempotencyKeyReused]]),
    ("listWebhookDeliveries", &[COMMON, WITH_KEY, LISTING]),
    ("getWebhookDelivery", &[COMMON, WITH_KEY]),
    ("redeliverWebhook", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::WebhookDisabled, Code::IdempotencyKeyReused]]),
    ("clickhouseListOrganizations", &[COMMON, WITH_KEY, &[Code::ReadTimeout]]),
    ("clickhouseListInvitations", &[COMMON, WITH_KEY, &[Code::ReadTimeout]]),
    ("clickhouseListMembers", &[COMMON, WITH_KEY, &[Code::ReadTimeout]]),
    ("clickhouseCreateInvitation", &[COMMON, WITH_KEY, WRITING, BODY, CREATING]),
    ("clickhouseGetInvitation", &[COMMON, WITH_KEY, &[Code::ReadTimeout]]),
    ("clickhouseDeleteInvitation", &[COMMON, WITH_KEY, WRITING]),
    ("getClock", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed, Code::ValidationFailed]]),
    ("changeClock", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::OriginNotAllowed]]),
    ("reset", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::OriginNotAllowed]]),
    ("seed", &[COMMON, WITH_KEY, WRITING, BODY, &[Code::OriginNotAllowed]]),
    ("listCodes", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed, Code::ValidationFailed]]),
    ("getFaults", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("setFaults", &[COMMON, WITH_KEY, BODY, &[Code::OriginNotAllowed]]),
    ("clearFaults", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("listMail", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed, Code::ValidationFailed]]),
    ("deleteAllMail", &[COMMON, WITH_KEY, WRITING, &[Code::OriginNotAllowed]]),
    ("getMail", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("getMailText", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("getMailHtml", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("getMailRaw", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("deleteMail", &[COMMON, WITH_KEY, WRITING, &[Code::OriginNotAllowed]]),
    ("getMailboxPage", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("getMailPage", &[COMMON, WITH_KEY, &[Code::OriginNotAllowed]]),
    ("getAcceptPage", &[COMMON, &[Code::RateLimited]]),
    ("getAcceptScript", &[COMMON, &[Code::RateLimited]]),
    ("getStyle", &[COMMON, &[Code::RateLimited]]),
    ("getLiveness", &[PROBE]),
    ("getReadiness", &[PROBE, &[Code::Overloaded, Code::StorageFailed, Code::StorageCorrupt]]),
    ("getOpenapi", &[COMMON, &[Code::RateLimited]]),
    ("listProblems", &[COMMON, &[Code::RateLimited]]),
    ("getProblem", &[COMMON, &[Code::NotFound, Code::RateLimited]]),
];

/// Adds to `operation` what it can answer besides a success.
pub fn add(operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let groups = OPERATIONS.iter().find(|(known, _)| *known == id).map(|(_, groups)| *groups).unwrap_or_default();
    let is_dialect = id.starts_with("clickhouse");
    operation.responses.responses.extend(if is_dialect { failures(groups) } else { problems(groups) });
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
    if codes.contains(&Code::RateLimited) {
        let text =
            |example| HeaderBuilder::new().schema(Some(Object::with_type(Type::String))).description(Some(example));
        response = response.header("RateLimit-Policy", text("`\"recipient\";q=50;w=86400`").build());
        response = response.header("RateLimit", text("`\"recipient\";r=0;t=1728`").build());
    }
    response.build()
}

//! The errors that each kind of operation can answer, for the OpenAPI document.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Type};

use crate::error::{Code, Meaning};

/// A request id for examples.
const EXAMPLE_REQUEST_ID: &str = "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11";

/// What every operation can answer.
const COMMON: &[Code] = &[Code::BadRequest, Code::InvalidQuery, Code::HostNotAllowed, Code::UriTooLong, Code::Internal];
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
const WRITING: &[Code] = &[Code::StorageFull];
/// What an operation with a body can answer on top of that.
const BODY: &[Code] = &[
    Code::InvalidJson,
    Code::UnknownField,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
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
        problems(&[COMMON, WITH_KEY, WRITING, BODY, CREATING, &[Code::ResendTooSoon]])
    }
}

/// The errors of a delete.
pub struct DeleteErrors;

impl IntoResponses for DeleteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, &[Code::PreconditionFailed]])
    }
}

/// The errors of a change that has no values of its own.
pub struct ChangeErrors;

impl IntoResponses for ChangeErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, BODY, CHANGING, &[Code::IdempotencyKeyReused]])
    }
}

/// The errors of an update.
pub struct UpdateErrors;

impl IntoResponses for UpdateErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, BODY, CHANGING, &[Code::RoleNotGrantable]])
    }
}

/// The errors of a resend.
pub struct ResendErrors;

impl IntoResponses for ResendErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, BODY, CHANGING, CREATING, &[Code::ResendTooSoon]])
    }
}

/// The errors of an acceptance that an application vouches for.
pub struct AcceptErrors;

impl IntoResponses for AcceptErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, BODY, CHANGING, &[Code::EmailMismatch, Code::IdempotencyKeyReused]])
    }
}

/// The errors of a request for a link.
pub struct LinkErrors;

impl IntoResponses for LinkErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, BODY, &[Code::StatusConflict]])
    }
}

/// The errors of a lookup.
pub struct LookupErrors;

impl IntoResponses for LookupErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITHOUT_KEY, BODY, &[Code::Unauthorized]])
    }
}

/// The errors of a request for a code.
pub struct CodeErrors;

impl IntoResponses for CodeErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            COMMON,
            WITHOUT_KEY,
            WRITING,
            BODY,
            &[Code::Unauthorized, Code::StatusConflict, Code::IdempotencyKeyReused],
        ])
    }
}

/// The errors of an answer by a link.
pub struct AnswerErrors;

impl IntoResponses for AnswerErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            COMMON,
            WITH_KEY,
            WRITING,
            BODY,
            &[Code::EmailMismatch, Code::ProofRejected, Code::StatusConflict, Code::IdempotencyKeyReused],
            &[Code::IdTokenRejected, Code::IdentityProviderUnavailable],
        ])
    }
}

/// The errors of a put.
pub struct PutErrors;

impl IntoResponses for PutErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, BODY, &[Code::PreconditionFailed]])
    }
}

/// The errors of a list of one address.
pub struct AddressErrors;

impl IntoResponses for AddressErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, &[Code::ValidationFailed, Code::ReadTimeout]])
    }
}

/// The errors of an erasure.
pub struct EraseErrors;

impl IntoResponses for EraseErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, &[Code::ValidationFailed, Code::ReadTimeout]])
    }
}

/// The errors of the list of keys.
pub struct ListKeysErrors;

impl IntoResponses for ListKeysErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, &[Code::ReadTimeout]])
    }
}

/// The errors of making a key.
pub struct CreateKeyErrors;

impl IntoResponses for CreateKeyErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, BODY, &[Code::KeyExceedsOwnRights, Code::IdempotencyKeyReused]])
    }
}

/// The errors of revoking a key.
pub struct RevokeKeyErrors;

impl IntoResponses for RevokeKeyErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING])
    }
}

/// The errors of a read in development.
pub struct DevReadErrors;

impl IntoResponses for DevReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, &[Code::OriginNotAllowed, Code::ValidationFailed]])
    }
}

/// The errors of a change in development.
pub struct DevWriteErrors;

impl IntoResponses for DevWriteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[COMMON, WITH_KEY, WRITING, BODY, &[Code::OriginNotAllowed]])
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
        failures(&[COMMON, WITH_KEY, WRITING, BODY, CREATING])
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
    if codes.contains(&Code::RateLimited) {
        let text =
            |example| HeaderBuilder::new().schema(Some(Object::with_type(Type::String))).description(Some(example));
        response = response.header("RateLimit-Policy", text("`\"recipient\";q=50;w=86400`").build());
        response = response.header("RateLimit", text("`\"recipient\";r=0;t=1728`").build());
    }
    response.build()
}

//! The errors that each operation can answer, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::openapi::path::Operation;
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, Object, Ref, RefOr, Response, ResponseBuilder, Type,
};

use super::clickhouse;
use crate::base::error::{Code, ERRORS};

/// What every operation can answer.
pub(crate) const COMMON: &[Code] = &[
    Code::BadRequest,
    Code::InvalidQuery,
    Code::HostNotAllowed,
    Code::UriTooLong,
    Code::Internal,
];
/// What an operation can answer whose query means nothing, as that of a probe.
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
/// What a read without a page can answer on top of that.
pub(crate) const READING: &[Code] = &[Code::ReadTimeout];
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

/// What any operation can respond besides what it declares for itself, whatever it does.
pub(super) const GENERAL: &[Code] = &[
    Code::BadRequest,
    Code::InvalidQuery,
    Code::Unauthorized,
    Code::HostNotAllowed,
    Code::OriginNotAllowed,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UriTooLong,
    Code::UnsupportedMediaType,
    Code::RateLimited,
    Code::Internal,
    Code::Overloaded,
    Code::ReadTimeout,
    Code::StorageBusy,
    Code::StorageFull,
    Code::StorageFailed,
    Code::StorageCorrupt,
];

/// What responses are called that have several codes; that of one code has the name of the code.
const NAMES: &[(&str, &[Code])] = &[
    ("InvalidBody", &[Code::InvalidJson, Code::UnknownField]),
    (
        "RoleForbidden",
        &[Code::InsufficientScope, Code::RoleNotGrantable],
    ),
    (
        "KeyForbidden",
        &[Code::InsufficientScope, Code::KeyExceedsOwnRights],
    ),
    (
        "AcceptanceForbidden",
        &[
            Code::InsufficientScope,
            Code::RoleNotGrantable,
            Code::EmailMismatch,
        ],
    ),
    (
        "AnswerForbidden",
        &[
            Code::InsufficientScope,
            Code::RoleNotGrantable,
            Code::EmailMismatch,
            Code::IdTokenRejected,
        ],
    ),
    (
        "ProofForbidden",
        &[
            Code::RoleNotGrantable,
            Code::EmailMismatch,
            Code::IdTokenRejected,
        ],
    ),
    ("NoInvitation", &[Code::NotFound, Code::ProofRejected]),
    (
        "CreateConflict",
        &[
            Code::AlreadyInvited,
            Code::AlreadyAccepted,
            Code::PendingLimitReached,
        ],
    ),
    (
        "ResendConflict",
        &[
            Code::AlreadyInvited,
            Code::AlreadyAccepted,
            Code::StatusConflict,
            Code::PendingLimitReached,
        ],
    ),
    (
        "Unprocessable",
        &[Code::ValidationFailed, Code::IdempotencyKeyReused],
    ),
];

/// Adds to `operation`, at `path`, what it can respond besides a success: a code of these groups.
/// The responses themselves are among the `components`; what is [`GENERAL`] is the one for every
/// other status.
pub(super) fn add(
    operation: &mut Operation,
    components: &mut Components,
    path: &str,
    groups: &[&[Code]],
) {
    let (media, schema) = if path.starts_with(clickhouse::PREFIX) {
        ("application/json", "ErrorResponse")
    } else {
        ("application/problem+json", "Problem")
    };
    let mut put = |status: String, name: String, codes: &[Code]| {
        let reference = RefOr::Ref(Ref::from_response_name(&name));
        operation.responses.responses.insert(status, reference);
        let response = || RefOr::T(response(codes, media, schema));
        components.responses.entry(name).or_insert_with(response);
    };
    for (status, codes) in by_status(groups) {
        put(status.to_string(), name_of(&codes), &codes);
    }
    put("default".to_owned(), "Problem".to_owned(), GENERAL);
}

/// The codes of `groups` by their status, each once, in the order of the table; without those that
/// are [`GENERAL`].
fn by_status(groups: &[&[Code]]) -> BTreeMap<u16, Vec<Code>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for row in ERRORS {
        let is_declared = groups.iter().any(|group| group.contains(&row.code));
        if is_declared && !GENERAL.contains(&row.code) {
            by_status.entry(row.status).or_default().push(row.code);
        }
    }
    by_status
}

/// The name of the response that has `codes`. Where nobody has named it yet, it is that of all of
/// them, which a test finds too long.
fn name_of(codes: &[Code]) -> String {
    let is_it = |(_, of): &&(&str, &[Code])| *of == codes;
    if let Some((name, _)) = NAMES.iter().find(is_it) {
        return (*name).to_owned();
    }
    let names = codes.iter().map(|code| format!("{code:?}"));
    names.collect::<Vec<_>>().join("Or")
}

/// The response that `codes` share, with a body of this media type and schema.
fn response(codes: &[Code], media: &str, schema: &str) -> Response {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for meaning in codes.iter().map(|code| code.meaning()) {
        let names = by_status.entry(meaning.status).or_default();
        names.push(format!("`{}`", meaning.name));
    }
    let of_status = |(status, names): (&u16, &Vec<String>)| match by_status.len() {
        1 => names.join(", "),
        _ => format!("{status} {}", names.join(", ")),
    };
    let names: Vec<_> = by_status.iter().map(of_status).collect();
    let description = match names.as_slice() {
        [names] => names.clone(),
        names => format!(
            "What every operation can answer besides: {}",
            names.join("; ")
        ),
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
    let mut response = ResponseBuilder::new()
        .description(description)
        .content(media, content.build());
    for (name, kind, description) in headers(codes) {
        let header = HeaderBuilder::new()
            .schema(Some(Object::with_type(kind)))
            .description(Some(description));
        response = response.header(name, header.build());
    }
    response.build()
}

/// The headers of a response with one of `codes`: name, type and description.
fn headers(codes: &[Code]) -> Vec<(&'static str, Type, &'static str)> {
    let mut headers = Vec::new();
    if codes.contains(&Code::Unauthorized) {
        headers.push(("WWW-Authenticate", Type::String, "`Bearer`"));
    }
    let is_for_later = |code: &Code| matches!(code.meaning().status, 429 | 503);
    if codes.iter().any(is_for_later) {
        headers.push(("Retry-After", Type::Integer, "Seconds"));
    }
    if codes.contains(&Code::RateLimited) {
        headers.extend([
            (
                "RateLimit-Policy",
                Type::String,
                "`\"recipient\";q=50;w=86400`",
            ),
            ("RateLimit", Type::String, "`\"recipient\";r=0;t=1728`"),
        ]);
    }
    headers
}

//! The error type and the one closed table: code, status, meaning.
//!
//! Everything that can go wrong in a request is an [`Error`] with a [`Code`]. [`ERRORS`] says what each code
//! means; problem documents, `/problems/{code}`, `docs/errors.md` and the OpenAPI document all come from it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// One row of the table of errors.
#[derive(Debug)]
pub struct Meaning {
    /// The code this row is about.
    pub code: Code,
    /// The code as it is written in answers: stable, snake_case.
    pub name: &'static str,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// A few words, the same for every occurrence (RFC 9457, 3.1.3).
    pub title: &'static str,
    /// What happened and what the caller can do about it.
    pub meaning: &'static str,
}

/// Every error that the API can answer, ordered by status.
pub const ERRORS: &[Meaning] = &[
    Meaning {
        code: Code::BadRequest,
        name: "bad_request",
        status: 400,
        title: "Malformed request",
        meaning: "A header or the request line cannot be understood; `detail` names it. Correct it and send the request again.",
    },
    Meaning {
        code: Code::InvalidJson,
        name: "invalid_json",
        status: 400,
        title: "Malformed body",
        meaning: "The body is not the JSON object that this operation takes: a syntax error, a value of the wrong type, or a field given twice. `errors` names the field where one is known.",
    },
    Meaning {
        code: Code::UnknownField,
        name: "unknown_field",
        status: 400,
        title: "Unknown field",
        meaning: "The body has a field that this operation does not take. Nothing is ignored silently: remove or correct it.",
    },
    Meaning {
        code: Code::InvalidQuery,
        name: "invalid_query",
        status: 400,
        title: "Malformed query",
        meaning: "The query has a key that this operation does not take, or one key twice.",
    },
    Meaning {
        code: Code::InvalidCursor,
        name: "invalid_cursor",
        status: 400,
        title: "Invalid cursor",
        meaning: "The cursor is altered, or belongs to another organization, filter or order. Start again without it and follow the `Link` header.",
    },
    Meaning {
        code: Code::Unauthorized,
        name: "unauthorized",
        status: 401,
        title: "No valid key",
        meaning: "The request carries no valid API key. Send `Authorization: Bearer ivk_...`; unknown, altered, revoked and expired keys all get this answer.",
    },
    Meaning {
        code: Code::InsufficientScope,
        name: "insufficient_scope",
        status: 403,
        title: "The key lacks a scope",
        meaning: "The key is valid but lacks the scope that `detail` names. Use another key, or create one with `invited key create --scope`.",
    },
    Meaning {
        code: Code::RoleNotGrantable,
        name: "role_not_grantable",
        status: 403,
        title: "The key may not grant this role",
        meaning: "The key is limited to a list of roles, and the role of the invitation is not among them.",
    },
    Meaning {
        code: Code::HostNotAllowed,
        name: "host_not_allowed",
        status: 403,
        title: "Host not allowed",
        meaning: "`invited dev` answers only to localhost and loopback addresses, so that no web page can reach it through a name of its own.",
    },
    Meaning {
        code: Code::NotFound,
        name: "not_found",
        status: 404,
        title: "Not found",
        meaning: "There is nothing here, or it belongs to an organization that the key cannot see. Both get the same answer.",
    },
    Meaning {
        code: Code::MethodNotAllowed,
        name: "method_not_allowed",
        status: 405,
        title: "Method not allowed",
        meaning: "The path exists, but not with this method. The `Allow` header lists the methods it has.",
    },
    Meaning {
        code: Code::RequestTimeout,
        name: "request_timeout",
        status: 408,
        title: "The request took too long to arrive",
        meaning: "The body did not arrive in time. Send it without pauses.",
    },
    Meaning {
        code: Code::AlreadyInvited,
        name: "already_invited",
        status: 409,
        title: "Already invited",
        meaning: "A pending invitation of this organization stands for this address; `invitationId` names it. `onConflict` can return, replace or renew it.",
    },
    Meaning {
        code: Code::AlreadyAccepted,
        name: "already_accepted",
        status: 409,
        title: "Already accepted",
        meaning: "An accepted invitation of this organization stands for this address; `invitationId` names it. Delete it when the member has left.",
    },
    Meaning {
        code: Code::PreconditionFailed,
        name: "precondition_failed",
        status: 412,
        title: "Precondition failed",
        meaning: "`If-Match` names another version of the invitation than the present one. Read it again, then decide.",
    },
    Meaning {
        code: Code::BodyTooLarge,
        name: "body_too_large",
        status: 413,
        title: "Body too large",
        meaning: "The body is larger than this operation takes: 64 KiB.",
    },
    Meaning {
        code: Code::UriTooLong,
        name: "uri_too_long",
        status: 414,
        title: "URI too long",
        meaning: "Path and query together are longer than 8 KiB.",
    },
    Meaning {
        code: Code::UnsupportedMediaType,
        name: "unsupported_media_type",
        status: 415,
        title: "Unsupported media type",
        meaning: "Bodies are `Content-Type: application/json`, without `Content-Encoding`.",
    },
    Meaning {
        code: Code::ValidationFailed,
        name: "validation_failed",
        status: 422,
        title: "Validation failed",
        meaning: "The request was understood, but values in it are not acceptable. `errors` lists all of them at once.",
    },
    Meaning {
        code: Code::IdempotencyKeyReused,
        name: "idempotency_key_reused",
        status: 422,
        title: "Idempotency key reused",
        meaning: "This `Idempotency-Key` was used in the last 24 hours with another body. Use a new key for a new request.",
    },
    Meaning {
        code: Code::ResendTooSoon,
        name: "resend_too_soon",
        status: 429,
        title: "Renewed too recently",
        meaning: "The invitation was sent a moment ago. `Retry-After` says in how many seconds it can be renewed.",
    },
    Meaning {
        code: Code::Internal,
        name: "internal",
        status: 500,
        title: "Internal error",
        meaning: "Something unexpected happened; nothing was changed. The log has the cause under the `requestId`.",
    },
    Meaning {
        code: Code::Overloaded,
        name: "overloaded",
        status: 503,
        title: "Overloaded",
        meaning: "More requests wait than the server takes on; nothing was changed. Try again after `Retry-After` seconds.",
    },
    Meaning {
        code: Code::ReadTimeout,
        name: "read_timeout",
        status: 503,
        title: "The read took too long",
        meaning: "The read was stopped after its time limit. Narrow it, or page through it with `limit`.",
    },
    Meaning {
        code: Code::StorageBusy,
        name: "storage_busy",
        status: 503,
        title: "Storage busy",
        meaning: "Another program holds the data file; nothing was changed. Try again after `Retry-After` seconds.",
    },
    Meaning {
        code: Code::StorageFull,
        name: "storage_full",
        status: 503,
        title: "Storage full",
        meaning: "The disk is full; nothing was changed. Reads go on. Writes work again as soon as there is space.",
    },
    Meaning {
        code: Code::StorageFailed,
        name: "storage_failed",
        status: 503,
        title: "Storage failed",
        meaning: "The disk reported an error; the request is not confirmed. Reads go on, writes are refused until the server is restarted on a sound disk.",
    },
    Meaning {
        code: Code::StorageCorrupt,
        name: "storage_corrupt",
        status: 503,
        title: "Storage damaged",
        meaning: "The data file is damaged where this request reads it; nothing was changed. Restore a backup.",
    },
];

/// What went wrong, as a caller can tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::missing_docs_in_private_items, missing_docs, reason = "`ERRORS` says what each one means")]
pub enum Code {
    BadRequest,
    InvalidJson,
    UnknownField,
    InvalidQuery,
    InvalidCursor,
    Unauthorized,
    InsufficientScope,
    RoleNotGrantable,
    HostNotAllowed,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    AlreadyInvited,
    AlreadyAccepted,
    PreconditionFailed,
    BodyTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    ValidationFailed,
    IdempotencyKeyReused,
    ResendTooSoon,
    Internal,
    Overloaded,
    ReadTimeout,
    StorageBusy,
    StorageFull,
    StorageFailed,
    StorageCorrupt,
}

impl Code {
    /// This code's row of the table.
    pub fn meaning(self) -> &'static Meaning {
        // The table lists the codes in the order of the enum; a test holds that.
        &ERRORS[self as usize]
    }
}

/// Every code that an entry of `errors` can have, with its meaning.
pub const FIELD_ERRORS: &[(FieldCode, &str, &str)] = &[
    (FieldCode::Required, "required", "The field must be there."),
    (
        FieldCode::WrongType,
        "wrong_type",
        "The value has another JSON type than the field takes, or the field is there twice.",
    ),
    (FieldCode::UnknownField, "unknown_field", "There is no such field."),
    (
        FieldCode::InvalidEmail,
        "invalid_email",
        "Not an address that mail can be sent to; `detail` says which part is wrong.",
    ),
    (FieldCode::NonAsciiLocalPart, "non_ascii_local_part", "The part before the `@` holds characters beyond ASCII."),
    (
        FieldCode::ForbiddenCharacter,
        "forbidden_character",
        "Control, invisible and direction characters are not allowed.",
    ),
    (FieldCode::TooLong, "too_long", "Longer than allowed; `detail` says how long it may be."),
    (FieldCode::InvalidFormat, "invalid_format", "The text does not have the form of this field."),
    (FieldCode::OutOfRange, "out_of_range", "Outside the allowed range; `detail` names it."),
    (
        FieldCode::UnknownValue,
        "unknown_value",
        "Not one of the allowed values; `detail` lists them where that is short.",
    ),
    (FieldCode::NotAllowed, "not_allowed", "Well formed, but the settings of this server do not allow it."),
    (FieldCode::Conflict, "conflict", "Cannot be combined with another field; `detail` names it."),
];

/// What is wrong with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::missing_docs_in_private_items, missing_docs, reason = "`FIELD_ERRORS` says what each one means")]
pub enum FieldCode {
    Required,
    WrongType,
    UnknownField,
    InvalidEmail,
    NonAsciiLocalPart,
    ForbiddenCharacter,
    TooLong,
    InvalidFormat,
    OutOfRange,
    UnknownValue,
    NotAllowed,
    Conflict,
}

impl FieldCode {
    /// The code as it is written in answers.
    pub fn name(self) -> &'static str {
        FIELD_ERRORS[self as usize].1
    }
}

/// One value that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where it is: a JSON pointer into the body (`/email`), or the name of a query key (`limit`).
    pub pointer: Cow<'static, str>,
    /// What is wrong with it.
    pub code: FieldCode,
    /// A sentence for the caller.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// `pointer` breaks the rule of `code`, which `detail` explains.
    pub fn new(pointer: impl Into<Cow<'static, str>>, code: FieldCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// A request that failed: one text for the caller, and where there is one, the cause for the log.
///
/// One pointer wide, so that the results which carry it stay small; its parts are those of [`Parts`].
#[derive(Debug)]
pub struct Error(Box<Parts>);

/// What an [`Error`] consists of.
#[derive(Debug)]
pub struct Parts {
    /// What went wrong.
    pub code: Code,
    /// This occurrence in a sentence: never SQL, a path of this machine, or a cause.
    pub detail: Cow<'static, str>,
    /// All values that are not acceptable.
    pub fields: Vec<FieldError>,
    /// The invitation that stands in the way.
    pub invitation_id: Option<uuid::Uuid>,
    /// Seconds after which another try makes sense.
    pub retry_after_seconds: Option<u64>,
    /// The methods that the path has, for [`Code::MethodNotAllowed`].
    pub allow: Option<String>,
    /// What the log is told.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a sentence about this occurrence.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after_seconds = (code.meaning().status == 503).then_some(1);
        let (detail, fields) = (detail.into(), Vec::new());
        Self(Box::new(Parts {
            code,
            detail,
            fields,
            invitation_id: None,
            retry_after_seconds,
            allow: None,
            cause: None,
        }))
    }

    /// 404, with the same bytes for what is missing and for what is foreign.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here for this key.")
    }

    /// 422 with everything that is wrong.
    pub fn validation(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [only] => format!("{}: {}.", only.pointer.trim_start_matches('/'), only.detail),
            many => format!("{} values are not acceptable.", many.len()),
        };
        Self::new(Code::ValidationFailed, detail).about(fields)
    }

    /// 500: `cause` goes to the log, the caller learns nothing of it.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "The cause is in the server's log.").because(cause)
    }

    /// The same error with the values that it is about.
    #[must_use]
    pub fn about(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }

    /// The same error with a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The same error naming the invitation that stands in the way.
    #[must_use]
    pub fn naming(mut self, invitation_id: uuid::Uuid) -> Self {
        self.0.invitation_id = Some(invitation_id);
        self
    }

    /// The same error saying when another try makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// The same error listing the methods that the path has.
    #[must_use]
    pub fn allowing(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }
}

impl Deref for Error {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.meaning().name, self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// The answer of every operation.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_list_every_code_in_the_order_of_its_enum() {
        for (position, row) in ERRORS.iter().enumerate() {
            assert_eq!(row.code as usize, position, "{}", row.name);
        }
        for (position, (code, name, _)) in FIELD_ERRORS.iter().enumerate() {
            assert_eq!(*code as usize, position, "{name}");
        }
        assert_eq!(ERRORS.len(), Code::StorageCorrupt as usize + 1);
        assert_eq!(FIELD_ERRORS.len(), FieldCode::Conflict as usize + 1);
    }

    #[test]
    fn errors_are_ordered_by_status_and_named_once() {
        assert!(ERRORS.is_sorted_by_key(|row| row.status));
        let mut names: Vec<_> = ERRORS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ERRORS.len());
    }
}

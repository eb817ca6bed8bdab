//! The code of an error, as programs compare it.

use std::borrow::Cow;

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::codes::{ERRORS, Meaning};
use super::remedies::REMEDIES;
use crate::base::schema::one_of;

/// What went wrong, as a caller can tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::missing_docs_in_private_items,
    missing_docs,
    reason = "`ERRORS` says what each one means"
)]
pub enum Code {
    BadRequest,
    InvalidJson,
    UnknownField,
    InvalidQuery,
    InvalidCursor,
    Unauthorized,
    InsufficientScope,
    RoleNotGrantable,
    EmailMismatch,
    KeyExceedsOwnRights,
    HostNotAllowed,
    OriginNotAllowed,
    IdTokenRejected,
    NotFound,
    ProofRejected,
    MethodNotAllowed,
    RequestTimeout,
    AlreadyInvited,
    AlreadyAccepted,
    StatusConflict,
    MailQueued,
    PendingLimitReached,
    WebhookLimitReached,
    WebhookDisabled,
    PreconditionFailed,
    BodyTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    ValidationFailed,
    IdempotencyKeyReused,
    BatchUndone,
    ResendTooSoon,
    RateLimited,
    Internal,
    Overloaded,
    ReadTimeout,
    IdentityProviderUnavailable,
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

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        REMEDIES[self as usize].1
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        "ProblemCode".into()
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        one_of(
            "The kind of an error, as a stable name.",
            ERRORS.iter().map(|row| row.name),
        )
    }
}

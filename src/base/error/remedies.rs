//! The other half of the closed table of errors: what to do.

use super::code::Code;

/// What to do about each error, in the order of the table.
pub const REMEDIES: &[(Code, &str)] = &[
    (
        Code::BadRequest,
        "Correct what `detail` names, and send the request again.",
    ),
    (
        Code::InvalidJson,
        "Compare the body with the operation's schema in `/openapi.json`, and correct it.",
    ),
    (Code::UnknownField, "Remove the field, or correct its name."),
    (
        Code::InvalidQuery,
        "Remove the key or correct its name, and give each key once.",
    ),
    (
        Code::InvalidCursor,
        "Start again without the cursor, and follow the `Link` header.",
    ),
    (
        Code::Unauthorized,
        "Send `Authorization: Bearer ivk_...` with a valid key; `invited key create` makes one.",
    ),
    (
        Code::InsufficientScope,
        "Use another key, or create one with `invited key create --scope`.",
    ),
    (
        Code::RoleNotGrantable,
        "Use a key that may grant the role, or choose a role that this key may grant.",
    ),
    (Code::EmailMismatch, "Sign in with the invited address."),
    (
        Code::KeyExceedsOwnRights,
        "Ask for less, or make the key with one that has the rights itself.",
    ),
    (
        Code::HostNotAllowed,
        "Use `localhost` or a loopback address in the URL, or start `dev` with `--allow-host` and \
            the name.",
    ),
    (
        Code::OriginNotAllowed,
        "Call from a terminal, a test or the server of your application, or start `dev` with \
         `--cors-origins` and the origin of your page.",
    ),
    (
        Code::IdTokenRejected,
        "Get a fresh token from the identity provider of this server, for its audience and with a \
            verified address.",
    ),
    (
        Code::NotFound,
        "Check the path and the ids in it, and that the key is bound to the organization.",
    ),
    (
        Code::ProofRejected,
        "Ask for a new code for the invited address.",
    ),
    (
        Code::MethodNotAllowed,
        "Use a method that the `Allow` header lists.",
    ),
    (
        Code::RequestTimeout,
        "Send the request again, without pauses.",
    ),
    (
        Code::AlreadyInvited,
        "Use that invitation, or say by `onConflict` whether to return, replace or renew it.",
    ),
    (
        Code::AlreadyAccepted,
        "Delete that invitation when the member has left.",
    ),
    (
        Code::StatusConflict,
        "Send an expired invitation again. In place of one that was declined or revoked, create a \
            new one. Who was invited asks the inviter for that.",
    ),
    (
        Code::MailQueued,
        "Report it again after `Retry-After` seconds.",
    ),
    (
        Code::PendingLimitReached,
        "Revoke or delete one, wait until one is answered or lapses, or raise the limit.",
    ),
    (
        Code::WebhookLimitReached,
        "Delete a webhook that is not needed any more.",
    ),
    (
        Code::WebhookDisabled,
        "Enable the webhook first: PATCH it with `enabled: true`.",
    ),
    (
        Code::PreconditionFailed,
        "Read the resource again, then decide.",
    ),
    (Code::BodyTooLarge, "Send less in one request."),
    (Code::UriTooLong, "Send a shorter query."),
    (
        Code::UnsupportedMediaType,
        "Send the body as JSON under that type, and do not compress it.",
    ),
    (
        Code::ValidationFailed,
        "Correct each value that `errors` points to, and send the request again.",
    ),
    (
        Code::IdempotencyKeyReused,
        "Use a new key for a new request.",
    ),
    (
        Code::BatchUndone,
        "Correct the rows that failed, and send the batch again.",
    ),
    (Code::ResendTooSoon, "Renew it after `Retry-After` seconds."),
    (Code::RateLimited, "Try again after `Retry-After` seconds."),
    (
        Code::Internal,
        "Look into the server's log: it has the cause under the `requestId`.",
    ),
    (Code::Overloaded, "Try again after `Retry-After` seconds."),
    (
        Code::ReadTimeout,
        "Narrow the read, or page through it with `limit`.",
    ),
    (
        Code::IdentityProviderUnavailable,
        "Try again after `Retry-After` seconds.",
    ),
    (Code::StorageBusy, "Try again after `Retry-After` seconds."),
    (
        Code::StorageFull,
        "Make room: writes work again as soon as there is space.",
    ),
    (
        Code::StorageFailed,
        "Look into the server's log before you stop it: where the data file was removed or \
            replaced, move it back, or copy the open one first. Else restart it on a sound disk.",
    ),
    (Code::StorageCorrupt, "Restore a backup."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ERRORS;

    #[test]
    fn every_error_has_a_remedy_in_the_order_of_the_table() {
        let codes = |row: &(Code, &str)| row.0 as usize;
        let listed: Vec<_> = REMEDIES.iter().map(codes).collect();
        let all: Vec<_> = ERRORS.iter().map(|row| row.code as usize).collect();
        assert_eq!(listed, all);
    }
}

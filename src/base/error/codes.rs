//! The one closed table of errors: code, status, meaning.

use super::code::Code;

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
    /// What happened. What to do about it is in [`super::REMEDIES`].
    pub meaning: &'static str,
}

/// Every error that the API can answer, ordered by status.
pub const ERRORS: &[Meaning] = &[
    Meaning {
        code: Code::BadRequest,
        name: "bad_request",
        status: 400,
        title: "Malformed request",
        meaning: "A header or the request line cannot be understood; `detail` names it.",
    },
    Meaning {
        code: Code::InvalidJson,
        name: "invalid_json",
        status: 400,
        title: "Malformed body",
        meaning: "The body is not the JSON object that this operation takes: a syntax error, a \
            value of the wrong type, or a field given twice. `errors` names the field where one \
            is known.",
    },
    Meaning {
        code: Code::UnknownField,
        name: "unknown_field",
        status: 400,
        title: "Unknown field",
        meaning: "The body has a field that this operation does not take. Nothing is ignored \
            silently.",
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
        meaning: "The cursor is altered, or belongs to another organization, filter or order.",
    },
    Meaning {
        code: Code::Unauthorized,
        name: "unauthorized",
        status: 401,
        title: "No valid key",
        meaning: "The request carries no valid API key. What is wrong with the form of a header or \
            a key is told; unknown, revoked and expired keys all get the same answer.",
    },
    Meaning {
        code: Code::InsufficientScope,
        name: "insufficient_scope",
        status: 403,
        title: "The key lacks a scope",
        meaning: "The key is valid but lacks the scope that `detail` names.",
    },
    Meaning {
        code: Code::RoleNotGrantable,
        name: "role_not_grantable",
        status: 403,
        title: "The key may not grant this role",
        meaning: "The key is limited to a list of roles, and the role of the invitation is not \
            among them.",
    },
    Meaning {
        code: Code::EmailMismatch,
        name: "email_mismatch",
        status: 403,
        title: "Another e-mail address was invited",
        meaning: "Only a user with the invited address can answer the invitation, and the proven \
            address is another one. Nothing was used up.",
    },
    Meaning {
        code: Code::KeyExceedsOwnRights,
        name: "key_exceeds_own_rights",
        status: 403,
        title: "The new key would exceed its maker",
        meaning: "A key makes only keys that are bound to some of its own organizations and \
            roles, and end no later than itself. `detail` names what is missing or goes too far.",
    },
    Meaning {
        code: Code::HostNotAllowed,
        name: "host_not_allowed",
        status: 403,
        title: "Host not allowed",
        meaning: "`invited dev` answers only to localhost, loopback addresses and the names that \
            `--allow-host` gives, so that no web page can reach it through a name of its own.",
    },
    Meaning {
        code: Code::OriginNotAllowed,
        name: "origin_not_allowed",
        status: 403,
        title: "Origin not allowed",
        meaning: "In `invited dev` no web page changes anything that comes from elsewhere than this \
            machine, and under `/dev/` none of another origin reads anything.",
    },
    Meaning {
        code: Code::IdTokenRejected,
        name: "id_token_rejected",
        status: 403,
        title: "Id token rejected",
        meaning: "The id token does not prove who accepts; `detail` says why.",
    },
    Meaning {
        code: Code::NotFound,
        name: "not_found",
        status: 404,
        title: "Not found",
        meaning: "There is no such path, or nothing that it names; `detail` says which. What is \
            missing and what belongs to an organization that the key cannot see get the same \
            answer. Where `Retry-After` comes with it, the organization is being deleted, and its \
            id can be used again after that.",
    },
    Meaning {
        code: Code::ProofRejected,
        name: "proof_rejected",
        status: 404,
        title: "The proof does not hold",
        meaning: "Link, address and code do not belong together, the code is older than 10 minutes \
            or was answered wrongly 5 times, or a mailed link came alone that opens nothing or \
            needs a code. Which of these it is, is not told.",
    },
    Meaning {
        code: Code::MethodNotAllowed,
        name: "method_not_allowed",
        status: 405,
        title: "Method not allowed",
        meaning: "The path exists, but not with this method.",
    },
    Meaning {
        code: Code::RequestTimeout,
        name: "request_timeout",
        status: 408,
        title: "The request took too long to arrive",
        meaning: "The body did not arrive in time.",
    },
    Meaning {
        code: Code::AlreadyInvited,
        name: "already_invited",
        status: 409,
        title: "Already invited",
        meaning: "A pending invitation of this organization stands for this address; \
            `invitationId` names it.",
    },
    Meaning {
        code: Code::AlreadyAccepted,
        name: "already_accepted",
        status: 409,
        title: "Already accepted",
        meaning: "An accepted invitation of this organization stands for this address; \
            `invitationId` names it.",
    },
    Meaning {
        code: Code::StatusConflict,
        name: "status_conflict",
        status: 409,
        title: "The invitation's status does not allow it",
        meaning: "The invitation was answered, revoked or has expired in the meantime; \
            `invitationStatus` says where it stands. Accepted, declined and revoked are final.",
    },
    Meaning {
        code: Code::MailQueued,
        name: "mail_queued",
        status: 409,
        title: "The mail is still queued",
        meaning: "The mail that came back is noted as queued here, not yet as sent. Nothing was \
            changed.",
    },
    Meaning {
        code: Code::PendingLimitReached,
        name: "pending_limit_reached",
        status: 409,
        title: "Too many pending invitations",
        meaning: "The organization has as many pending invitations as its `maxPending` allows.",
    },
    Meaning {
        code: Code::WebhookLimitReached,
        name: "webhook_limit_reached",
        status: 409,
        title: "Too many webhooks",
        meaning: "The organization has as many webhooks as one may have, or the server keeps no \
            more of them.",
    },
    Meaning {
        code: Code::WebhookDisabled,
        name: "webhook_disabled",
        status: 409,
        title: "The webhook is disabled",
        meaning: "Nothing is sent to a webhook that is disabled; `disabledReason` says why it is.",
    },
    Meaning {
        code: Code::PreconditionFailed,
        name: "precondition_failed",
        status: 412,
        title: "Precondition failed",
        meaning: "`If-Match` names another version than the present one, or `If-None-Match` the \
            present one.",
    },
    Meaning {
        code: Code::BodyTooLarge,
        name: "body_too_large",
        status: 413,
        title: "Body too large",
        meaning: "The body is larger than this operation takes; `detail` says how many bytes \
            that is.",
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
        meaning: "The request was understood, but values in it are not acceptable. `errors` \
            lists all of them at once.",
    },
    Meaning {
        code: Code::IdempotencyKeyReused,
        name: "idempotency_key_reused",
        status: 422,
        title: "Idempotency key reused",
        meaning: "This `Idempotency-Key` was used in the last 24 hours with another body.",
    },
    Meaning {
        code: Code::BatchUndone,
        name: "batch_undone",
        status: 424,
        title: "Another row of the batch failed",
        meaning: "The row itself was fine, but the batch was `atomic` and another row failed, so \
            nothing of it was kept. Only results of batches have this code.",
    },
    Meaning {
        code: Code::ResendTooSoon,
        name: "resend_too_soon",
        status: 429,
        title: "Renewed too recently",
        meaning: "The invitation was sent a moment ago.",
    },
    Meaning {
        code: Code::RateLimited,
        name: "rate_limited",
        status: 429,
        title: "Too many requests",
        meaning: "A limit of this server is reached; `detail` names it, `RateLimit-Policy` has its \
            figures. Nothing was changed.",
    },
    Meaning {
        code: Code::Internal,
        name: "internal",
        status: 500,
        title: "Internal error",
        meaning: "Something unexpected happened; nothing was changed.",
    },
    Meaning {
        code: Code::Overloaded,
        name: "overloaded",
        status: 503,
        title: "Overloaded",
        meaning: "More requests wait than the server takes on, or it has no memory or no file \
            descriptor left for this one; nothing was changed.",
    },
    Meaning {
        code: Code::ReadTimeout,
        name: "read_timeout",
        status: 503,
        title: "The read took too long",
        meaning: "The read was stopped after its time limit.",
    },
    Meaning {
        code: Code::IdentityProviderUnavailable,
        name: "identity_provider_unavailable",
        status: 503,
        title: "Identity provider unavailable",
        meaning: "The keys of the identity provider cannot be had, so no id token can be checked; \
            nothing was changed.",
    },
    Meaning {
        code: Code::StorageBusy,
        name: "storage_busy",
        status: 503,
        title: "Storage busy",
        meaning: "Another program holds the data file; nothing was changed.",
    },
    Meaning {
        code: Code::StorageFull,
        name: "storage_full",
        status: 503,
        title: "Storage full",
        meaning: "The disk is full, or a quota or a limit on the size of files is reached; nothing \
            was changed. Reads go on.",
    },
    Meaning {
        code: Code::StorageFailed,
        name: "storage_failed",
        status: 503,
        title: "Storage failed",
        meaning: "The disk reported an error; the request is not confirmed. Reads go on. Once a \
            commit could not be stored, writes are refused until the server is restarted on a \
            sound disk. A data file that was removed or replaced while it is served is not \
            written either, until it is back at its place.",
    },
    Meaning {
        code: Code::StorageCorrupt,
        name: "storage_corrupt",
        status: 503,
        title: "Storage damaged",
        meaning: "The data file is damaged where this request reads it; nothing was changed. Other \
            requests go on. A list leaves out the rows that are damaged; the log names them.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_code_in_the_order_of_the_enum() {
        for (position, row) in ERRORS.iter().enumerate() {
            assert_eq!(row.code as usize, position, "{}", row.name);
        }
        assert_eq!(ERRORS.len(), Code::StorageCorrupt as usize + 1);
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

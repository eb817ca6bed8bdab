//! An example of each error.

use uuid::Uuid;

use crate::base::error::{Code, Error, FieldCode, FieldError, Policy};

/// A request id for examples.
pub(crate) const REQUEST_ID: &str = "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11";
/// The id of an invitation for examples.
const INVITATION_ID: Uuid = Uuid::from_u128(0x019a_0c5e_7b1c_7cc3_98c4_dc0c_0c07_398f);
/// A limit for examples.
const LIMIT: Policy = Policy {
    name: "recipient",
    quota: 50,
    window_seconds: 86_400,
    what: "mails a day to one recipient by one organization",
};

/// An error of the kind `code`, as a request meets it.
pub(crate) fn of(code: Code) -> Error {
    let error = Error::new(code, detail(code));
    match code {
        Code::Unauthorized => Error::unauthorized(),
        Code::Internal => Error::new(code, Error::internal("no cause").detail.clone()),
        Code::UnknownField => error.with_fields(vec![wrong(
            FieldCode::UnknownField,
            "/rol",
            "no such field; did you mean role?",
        )]),
        Code::ValidationFailed => Error::validation(vec![
            wrong(FieldCode::InvalidEmail, "/email", "the domain has no dot"),
            wrong(
                FieldCode::OutOfRange,
                "/expiresIn",
                "from 60 to 31536000 seconds",
            ),
        ]),
        Code::AlreadyInvited | Code::AlreadyAccepted => error.with_invitation(INVITATION_ID),
        Code::StatusConflict => error.with_invitation(INVITATION_ID).with_status("revoked"),
        Code::MethodNotAllowed => error.with_allow("GET, HEAD, OPTIONS".to_owned()),
        Code::MailQueued | Code::ResendTooSoon => error.retry_after(42),
        Code::RateLimited => error.with_limit(LIMIT).retry_after(1_728),
        _ => error,
    }
}

/// A value that is not acceptable.
fn wrong(code: FieldCode, pointer: &'static str, detail: &'static str) -> FieldError {
    FieldError::new(pointer, code, detail)
}

/// The sentence of an example. Where no more is to be told, it is what the table says.
fn detail(code: Code) -> &'static str {
    match code {
        Code::BadRequest => "There are two Authorization headers.",
        Code::NotFound => "There is no such invitation, or this key may not see it.",
        Code::InvalidJson => "The body is not JSON: trailing comma at line 1 column 19.",
        Code::UnknownField => "The body has an unknown field: rol (did you mean role?).",
        Code::InvalidQuery => "The query has an unknown key: Status (did you mean status?).",
        Code::InsufficientScope => "This needs the scope invitations:write; use a key that has it.",
        Code::KeyExceedsOwnRights => "The new key names an organization that its maker has not.",
        Code::IdTokenRejected => "The id token has expired.",
        Code::MethodNotAllowed => "This path answers GET, HEAD, OPTIONS.",
        Code::BodyTooLarge => "The body has more than 65536 bytes.",
        Code::StatusConflict => {
            "The invitation is revoked and cannot be accepted any more. Invite the address anew."
        }
        Code::RateLimited => "At most 50 mails a day to one recipient by one organization.",
        code => code.meaning().meaning,
    }
}

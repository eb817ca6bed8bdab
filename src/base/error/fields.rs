//! What can be wrong with one value: the codes of `errors` in a problem document.

use std::borrow::Cow;
use std::fmt;

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::base::schema::one_of;

/// Every code that an entry of `errors` can have, with its meaning.
pub const FIELD_ERRORS: &[(FieldCode, &str, &str)] = &[
    (FieldCode::Required, "required", "The field must be there."),
    (
        FieldCode::WrongType,
        "wrong_type",
        "The value has another JSON type than the field takes, or the field is there twice.",
    ),
    (
        FieldCode::UnknownField,
        "unknown_field",
        "There is no such field.",
    ),
    (
        FieldCode::InvalidEmail,
        "invalid_email",
        "Not an address that mail can be sent to; `detail` says which part is wrong.",
    ),
    (
        FieldCode::NonAsciiLocalPart,
        "non_ascii_local_part",
        "The part before the `@` holds characters beyond ASCII.",
    ),
    (
        FieldCode::ForbiddenCharacter,
        "forbidden_character",
        "Control, invisible and direction characters are not allowed, but for those that emoji and \
            languages are spelled with.",
    ),
    (
        FieldCode::TooLong,
        "too_long",
        "Longer than allowed; `detail` says how long it may be.",
    ),
    (
        FieldCode::InvalidFormat,
        "invalid_format",
        "The text does not have the form of this field.",
    ),
    (
        FieldCode::OutOfRange,
        "out_of_range",
        "Outside the allowed range; `detail` names it.",
    ),
    (
        FieldCode::UnknownValue,
        "unknown_value",
        "Not one of the allowed values; `detail` lists them where that is short.",
    ),
    (
        FieldCode::NotAllowed,
        "not_allowed",
        "Well formed, but the settings of this server or of the organization do not allow it.",
    ),
    (
        FieldCode::Conflict,
        "conflict",
        "Cannot be combined with another field; `detail` names it.",
    ),
];

/// What is wrong with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::missing_docs_in_private_items,
    missing_docs,
    reason = "`FIELD_ERRORS` says what each one means"
)]
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

impl ToSchema for FieldCode {
    fn name() -> Cow<'static, str> {
        "FieldErrorCode".into()
    }
}

impl PartialSchema for FieldCode {
    fn schema() -> RefOr<Schema> {
        one_of(
            "What is wrong with one value.",
            FIELD_ERRORS.iter().map(|(_, name, _)| *name),
        )
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
    pub(crate) fn new(
        pointer: impl Into<Cow<'static, str>>,
        code: FieldCode,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
        }
    }

    /// What is wrong, for who does not see it at its place: of a value that is missing, that it is
    /// required.
    pub fn reason(&self) -> Cow<'_, str> {
        match self.code {
            FieldCode::Required => format!("required: {}", self.detail).into(),
            _ => Cow::Borrowed(&self.detail),
        }
    }

    /// The same about a value that is at `place` of something larger.
    pub(crate) fn within(&self, place: &str) -> Self {
        Self {
            pointer: format!("{place}{}", self.pointer).into(),
            ..self.clone()
        }
    }
}

/// The value by its name, and what is wrong with it.
impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, reason) = (self.pointer.trim_start_matches('/'), self.reason());
        match (name, self.code) {
            ("", _) => f.write_str(&reason),
            (_, FieldCode::Required) => write!(f, "{name} is {reason}"),
            _ => write!(f, "{name}: {reason}"),
        }
    }
}

/// A value, or what is wrong with it.
pub type Checked<T> = std::result::Result<T, FieldError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_code_in_the_order_of_the_enum() {
        for (position, (code, name, _)) in FIELD_ERRORS.iter().enumerate() {
            assert_eq!(*code as usize, position, "{name}");
        }
        assert_eq!(FIELD_ERRORS.len(), FieldCode::Conflict as usize + 1);
    }
}

//! Problem documents (RFC 9457): what every caller is told of an error.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;

use super::{Code, Error, FieldCode, FieldError};

/// The answer to every request that fails.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"type": "/problems/already_invited", "title": "Already invited",
    "status": 409, "detail": "A pending invitation of this organization stands for this address; \
        `invitationId` names it.", "code": "already_invited",
    "requestId": "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
    "invitationId": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f"}))]
pub struct Problem<'a> {
    /// Where this kind of error is explained.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found", format = "uri-reference")]
    pub kind: String,
    /// The kind in a few words.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence in a sentence.
    pub detail: &'a str,
    /// The kind as a stable name.
    #[schema(value_type = Code)]
    pub code: &'a str,
    /// The `X-Request-Id` of the answer; the log has it too.
    pub request_id: &'a str,
    /// Every value that is not acceptable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<ProblemField<'a>>,
    /// The invitation that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = Uuid, required = false)]
    pub invitation_id: Option<String>,
    /// Where that invitation stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = invitation_status, required = false)]
    pub invitation_status: Option<&'a str>,
}

/// The schema of a status, which is of a module above this one.
fn invitation_status() -> Ref {
    Ref::builder()
        .ref_location_from_schema_name("InvitationStatus")
        .description(Some("Where that invitation stands."))
        .build()
}

/// One value that is not acceptable.
#[derive(Serialize, ToSchema)]
pub struct ProblemField<'a> {
    /// A JSON pointer into the body, or the name of a query key.
    #[schema(example = "/email")]
    pub pointer: &'a str,
    /// What is wrong, as a stable name.
    #[schema(value_type = FieldCode)]
    pub code: &'a str,
    /// What is wrong, in a sentence.
    #[schema(value_type = String)]
    pub detail: Cow<'a, str>,
}

impl<'a> From<&'a FieldError> for ProblemField<'a> {
    fn from(field: &'a FieldError) -> Self {
        Self {
            pointer: &field.pointer,
            code: field.code.name(),
            detail: field.reason(),
        }
    }
}

impl<'a> Problem<'a> {
    /// The document of `error` under `request_id`.
    pub fn of(error: &'a Error, request_id: &'a str) -> Self {
        let meaning = error.code.meaning();
        Self {
            kind: format!("/problems/{}", meaning.name),
            title: meaning.title,
            status: meaning.status,
            detail: &error.detail,
            code: meaning.name,
            request_id,
            errors: error.fields.iter().map(ProblemField::from).collect(),
            invitation_id: error.invitation_id.map(|id| id.to_string()),
            invitation_status: error.invitation_status,
        }
    }
}

//! The ClickHouse Cloud dialect: the same invitations in the shape of that API, for the clients
//! that exist for it.
//!
//! A facade: the rules are those of [`crate::invitation`], and there is no SQL here. What differs
//! is the shape: answers in an envelope, 200 for everything that works, `expireAt`, errors as one
//! line of text. Only pending invitations exist in it.

pub(crate) mod routes;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::{FieldCode, FieldError, Result};
use crate::invitation::Invitation;
use crate::invitation::new::CreateBody;
use crate::organization::Record;

/// What the paths of the dialect start with.
pub(crate) const PREFIX: &str = "/clickhouse/";
/// The role of an invitation that names none.
const DEFAULT_ROLE: &str = "developer";

/// What every answer that has a result is wrapped in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Envelope<T> {
    /// The HTTP status.
    #[schema(example = 200)]
    pub status: u16,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
    /// What was asked for.
    pub result: T,
}

/// The answer where there is nothing to say.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeletionResponse)]
struct Done {
    /// The HTTP status.
    #[schema(example = 200)]
    pub status: u16,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
}

/// The answer to every request that fails.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErrorResponse)]
pub(crate) struct Failed {
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// `CODE: text`, the code being one of `/problems` in capitals.
    #[schema(example = "NOT_FOUND: There is nothing here for this key.")]
    pub error: String,
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitation)]
struct DialectInvitation<'a> {
    /// The role the person gets on joining.
    pub role: &'a str,
    /// UUIDv7.
    #[schema(format = Uuid)]
    pub id: String,
    /// The address in its normal form.
    pub email: &'a str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it cannot be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expire_at: Timestamp,
    /// The same, by the name that older clients read.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Always empty: roles have names here, not ids.
    pub assigned_roles: [String; 0],
}

impl<'a> From<&'a Invitation<'a>> for DialectInvitation<'a> {
    fn from(invitation: &'a Invitation<'a>) -> Self {
        Self {
            role: invitation.role,
            id: invitation.id.to_string(),
            email: invitation.email,
            created_at: invitation.created_at,
            expire_at: invitation.expires_at,
            expires_at: invitation.expires_at,
            assigned_roles: [],
        }
    }
}

/// A member: an accepted invitation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
struct DialectMember<'a> {
    /// The application's user id; where it gave none, the invitation's id.
    pub user_id: String,
    /// The address: names are not known here.
    pub name: &'a str,
    /// The address.
    pub email: &'a str,
    /// The role the person got.
    pub role: &'a str,
    /// When the person joined.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// Always empty: roles have names here, not ids.
    pub assigned_roles: [String; 0],
}

impl<'a> From<&'a Invitation<'a>> for DialectMember<'a> {
    fn from(invitation: &'a Invitation<'a>) -> Self {
        Self {
            user_id: invitation
                .accepted_by
                .map_or_else(|| invitation.id.to_string(), str::to_owned),
            name: invitation.email,
            email: invitation.email,
            role: invitation.role,
            joined_at: invitation.accepted_at.unwrap_or(invitation.updated_at),
            assigned_roles: [],
        }
    }
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
struct DialectOrganization {
    /// Its id, a UUID.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name; its id, if it has none.
    pub name: String,
    /// When its first invitation was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl DialectOrganization {
    /// The organization, if the dialect can name it: its clients read ids as UUIDs and give up on a
    /// list with any other. Organizations with other ids are reached by naming them.
    fn new(id: &str, organization: &Record) -> Option<Self> {
        Uuid::try_parse(id).ok()?;
        let name = organization.settings.name.as_deref().unwrap_or(id);
        Some(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            created_at: organization.created_at,
        })
    }
}

/// A new invitation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationPostRequest)]
struct DialectCreateBody {
    /// The address to invite.
    #[schema(value_type = String, required = true, max_length = 254,
        example = "new.user@example.com")]
    pub email: Option<String>,
    /// The role that the person gets on joining.
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$", default = "developer")]
    pub role: Option<String>,
    /// Must be empty: roles have names here, not ids.
    #[schema(max_items = 0)]
    pub assigned_role_ids: Option<Vec<String>>,
}

impl DialectCreateBody {
    /// The same in the words of the API.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] for roles by id.
    fn translate(self) -> Result<CreateBody> {
        if self.assigned_role_ids.is_some_and(|ids| !ids.is_empty()) {
            let detail = "must be empty: roles have names here, so give the name as role";
            return Err(FieldError::new("/assignedRoleIds", FieldCode::NotAllowed, detail).into());
        }
        let role = Some(self.role.unwrap_or_else(|| DEFAULT_ROLE.to_owned()));
        Ok(CreateBody {
            email: self.email,
            role,
            ..CreateBody::default()
        })
    }
}

//! Invitations: what one is, and how it is written as JSON.
//!
//! * [`new`] turns a request body into a checked [`new::NewInvitation`]; [`create`] decides what
//!   becomes of it.
//! * [`transition`] is the table of what can happen to one; [`update`], [`renew`] and [`delete`]
//!   are the changes by its owner, [`accept`] the end by the invited person, whose address a
//!   [`code`] may prove.
//! * [`member`] is whoever accepted: their role, and their leaving.
//! * [`lapse`] tells of those whose time has passed.
//! * [`link`] makes and reads the token of its secret link.
//! * [`inviter`] is who invites; [`json`] writes one as JSON; [`rows`] whole lists.
//! * [`whole`] is all of one, as it moves to another data file.
//! * [`query`] reads the query of a list, and its cursors; [`summary`] counts.
//! * [`store`] is the SQL.

pub(crate) mod accept;
pub mod actor;
pub mod batch;
pub mod code;
pub mod create;
pub mod delete;
pub mod inviter;
pub mod json;
pub(crate) mod lapse;
pub mod link;
pub(crate) mod member;
pub mod new;
pub mod query;
pub(crate) mod renew;
pub(crate) mod rows;
pub mod store;
pub(crate) mod summary;
pub mod transition;
pub mod update;
pub mod whole;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::outbox::mail::Delivery;

/// Where an invitation stands.
// The numbers are those of `invitation.state` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[repr(u8)]
#[schema(as = InvitationStatus, rename_all = "lowercase")]
pub enum Status {
    /// It can be accepted.
    Pending = 0,
    /// The person joined.
    Accepted = 1,
    /// The person said no.
    Declined = 2,
    /// It was taken back.
    Revoked = 3,
    /// Its time ran out.
    Expired = 4,
}

impl Status {
    /// Every status, by number.
    pub(crate) const ALL: [Self; 5] = [
        Self::Pending,
        Self::Accepted,
        Self::Declined,
        Self::Revoked,
        Self::Expired,
    ];

    /// The status of a row: a pending one whose time has passed is expired, whether or not anybody
    /// wrote that down.
    fn of(state: Self, expires_at: Timestamp, now: Timestamp) -> Self {
        if state == Self::Pending && expires_at <= now {
            Self::Expired
        } else {
            state
        }
    }

    /// The status as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// Reads a status.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}

/// An invitation. What is optional is there only when set.
// It borrows from a row or a request, so that it goes straight into the bytes of a response.
// `json` writes it: five fields in the order of the seed, then the others.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Invitation<'a> {
    /// The role the person gets on joining.
    pub role: &'a str,
    /// UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// The address in its normal form.
    pub email: &'a str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it cannot be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// The organization it is for.
    pub organization_id: &'a str,
    /// Where it stands at the time of the answer.
    #[schema(value_type = Status)]
    pub status: Status,
    /// Its last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// When the person joined.
    #[schema(value_type = String, format = DateTime, required = false)]
    pub accepted_at: Option<Timestamp>,
    /// The person's user id, as the application gave it.
    #[schema(value_type = String, required = false)]
    pub accepted_by: Option<&'a str>,
    /// When the person said no.
    #[schema(value_type = String, format = DateTime, required = false)]
    pub declined_at: Option<Timestamp>,
    /// When it was taken back.
    #[schema(value_type = String, format = DateTime, required = false)]
    pub revoked_at: Option<Timestamp>,
    /// Who invites.
    #[schema(value_type = Inviter, required = false)]
    pub inviter: Option<Inviter<'a>>,
    /// The application's own data.
    #[schema(value_type = Object, required = false)]
    pub metadata: Option<&'a str>,
    /// Where the person goes after joining.
    #[schema(value_type = String, required = false)]
    pub redirect_url: Option<&'a str>,
    /// The language of its mail: a language tag (BCP 47).
    #[schema(value_type = String, required = false)]
    pub locale: Option<&'a str>,
    /// How often it was sent again.
    #[schema(value_type = u32, required = false)]
    pub send_count: Option<u32>,
    /// When it was last sent again.
    #[schema(value_type = String, format = DateTime, required = false)]
    pub last_sent_at: Option<Timestamp>,
    /// How far its last sending has come.
    #[schema(value_type = Delivery)]
    pub delivery: Delivery,
    /// How often the mail was tried.
    #[schema(value_type = u32, required = false)]
    pub delivery_attempts: Option<u32>,
    /// Why the last try failed.
    #[schema(value_type = String, required = false)]
    pub delivery_error: Option<&'a str>,
}

/// Who invites, as the application names them.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Inviter<'a> {
    /// The application's id of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub id: Option<&'a str>,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub name: Option<&'a str>,
    /// The person's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub email: Option<&'a str>,
}

impl<'a> Inviter<'a> {
    /// Who invites, if anything is said of them.
    fn of(id: Option<&'a str>, name: Option<&'a str>, email: Option<&'a str>) -> Option<Self> {
        id.or(name).or(email).map(|_| Self { id, name, email })
    }
}

/// The contract's example, for the documents.
pub fn example() -> serde_json::Value {
    serde_json::json!({
        "role": "developer",
        "id": "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
        "email": "new.user@example.com",
        "createdAt": "2026-11-23T02:43:00.123Z",
        "expiresAt": "2026-11-30T02:43:00.123Z",
        "organizationId": "acme",
        "status": "pending",
        "updatedAt": "2026-11-23T02:43:00.123Z",
        "delivery": "none",
    })
}

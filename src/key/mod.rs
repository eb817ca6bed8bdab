//! API keys: who may do what, to which organizations, granting which roles, until when.
//!
//! * [`mod@new`] turns a request body into a checked [`NewKey`]; [`manage`] decides who may make
//!   and revoke which.
//! * [`last_use`] notes when each was used.
//! * [`json`] is what is shown of one, [`store`] the SQL, [`token`] the key itself.

mod author;
pub(crate) mod json;
pub(crate) mod known;
pub mod last_use;
pub mod manage;
pub mod new;
pub mod store;
pub mod token;

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::role::Role;
use crate::base::schema::one_of;

pub(crate) use author::Author;
use token::KeyId;

/// One thing that a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Scope {
    /// List and get invitations.
    Read = 1,
    /// Create and delete invitations.
    Write = 2,
    /// Vouch that a person owns an address.
    Accept = 4,
    /// Get the secret link of an invitation.
    Link = 8,
    /// Everything, and manage keys and organizations.
    Admin = 16,
    /// Report mail that came back.
    Deliveries = 32,
    /// Read the metrics of the server.
    Metrics = 64,
}

impl Scope {
    /// Every scope, in the order in which they are listed.
    pub const ALL: [Self; 7] = [
        Self::Read,
        Self::Write,
        Self::Accept,
        Self::Link,
        Self::Deliveries,
        Self::Metrics,
        Self::Admin,
    ];

    /// The scope as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "invitations:read",
            Self::Write => "invitations:write",
            Self::Accept => "invitations:accept",
            Self::Link => "invitations:link",
            Self::Deliveries => "deliveries:write",
            Self::Metrics => "metrics:read",
            Self::Admin => "admin",
        }
    }

    /// Reads a scope.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == text)
    }
}

impl ToSchema for Scope {
    fn name() -> Cow<'static, str> {
        "Scope".into()
    }
}

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        one_of("One thing that a key may do.", Self::ALL.map(Self::name))
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Every right there is.
    const ADMIN: Self = Self(Scope::Admin as u8);

    /// The set as it is stored: one bit a scope.
    fn bits(self) -> u8 {
        self.0
    }

    /// Reads what [`Scopes::bits`] wrote.
    fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether the set holds `scope`; admin holds every one.
    pub(crate) fn contain(self, scope: Scope) -> bool {
        self.0 & (scope as u8 | Scope::Admin as u8) != 0
    }

    /// The names of the scopes that are in the set by themselves.
    fn names(self) -> Vec<&'static str> {
        Scope::ALL
            .into_iter()
            .filter(|scope| self.0 & *scope as u8 != 0)
            .map(Scope::name)
            .collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope as u8))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

/// What a caller may do.
#[derive(Clone, Debug)]
pub struct Rights {
    /// What it may do.
    pub scopes: Scopes,
    /// The organizations it is bound to; none: all.
    pub organizations: Option<Vec<OrganizationId>>,
    /// The roles it may grant; none: all.
    pub roles: Option<Vec<Role>>,
}

impl Rights {
    /// The right to everything.
    pub const ALL: Self = Self {
        scopes: Scopes::ADMIN,
        organizations: None,
        roles: None,
    };

    /// Whether the caller may know of `organization`. One it may not know of is answered like a
    /// missing one.
    pub(crate) fn see(&self, organization: &str) -> bool {
        self.organizations
            .as_ref()
            .is_none_or(|bound| bound.iter().any(|own| own.as_str() == organization))
    }

    /// Checks that the caller may grant `role`.
    ///
    /// # Errors
    /// [`Code::RoleNotGrantable`].
    pub(crate) fn check_grant(&self, role: &str) -> Result<()> {
        if self
            .roles
            .as_ref()
            .is_none_or(|roles| roles.iter().any(|own| own.as_str() == role))
        {
            return Ok(());
        }
        Err(Error::new(
            Code::RoleNotGrantable,
            format!("This key may not grant the role {role}; use one that may."),
        ))
    }

    /// Checks that the caller may grant every role: for what takes invitations away, whatever their
    /// roles are.
    ///
    /// # Errors
    /// [`Code::RoleNotGrantable`].
    pub(crate) fn check_grants_all(&self) -> Result<()> {
        self.roles.is_none().then_some(()).ok_or_else(|| {
            let detail = "This key is limited to some roles, and this takes away invitations with \
                any role: use a key without such a limit.";
            Error::new(Code::RoleNotGrantable, detail)
        })
    }
}

/// An API key as it is listed: everything but its secret.
#[derive(Debug)]
pub struct Key {
    /// The public part of the key.
    pub id: KeyId,
    /// What the operator calls it.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
    /// Who made it: a key's id, `dev`, `cli`, or `server`.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as that is written.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Key {
    /// Whether the key opens anything at `now`.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// How it stands at `now`.
    pub(crate) fn status(&self, now: Timestamp) -> KeyStatus {
        match (self.revoked_at, self.is_live(now)) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, true) => KeyStatus::Live,
            (None, false) => KeyStatus::Expired,
        }
    }
}

/// Whether a key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyStatus {
    /// It does.
    Live,
    /// It was revoked.
    Revoked,
    /// Its time ran out.
    Expired,
}

impl KeyStatus {
    /// The status as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// What a new key is to be.
#[derive(Debug)]
pub struct NewKey {
    /// What the operator calls it.
    pub name: String,
    /// What it may do.
    pub rights: Rights,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

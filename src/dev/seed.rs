//! Seed documents: organizations with their invitations, each as old and as far in its life as the
//! document says.
//!
//! The invitations come about as they would have: oldest first, through the checks and the conflict
//! rule of a create at their time, with their events. So whatever cannot be reached by requests
//! cannot be seeded either.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::Span;
use super::plan::Plan;
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::json::{self, object};
use crate::base::origin::Origin;
use crate::db::WriteTx;
use crate::invitation::Status;
use crate::invitation::inviter::InviterBody;
use crate::invitation::new::{CreateBody, OnConflict};
use crate::organization::settings::SettingsBody;
use crate::policy::Rules;

/// The sample data: a few organizations, with invitations in every state that a page has to show.
/// One has a UUID for an id: the clients of the ClickHouse Cloud dialect find it by themselves.
const SAMPLES: &str = include_str!("samples.json");

/// A seed document. `null` counts as absent, here and below.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = SeedDocument)]
pub struct Seed {
    /// The organizations; they may be none.
    #[serde(default, deserialize_with = "object::list")]
    #[schema(value_type = Vec<SeedOrganization>, required = true)]
    pub organizations: Option<Vec<SeedOrganization>>,
}

/// An organization of a seed document.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SeedOrganization {
    /// The caller's own id of the organization; each comes once.
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$",
        example = "acme")]
    pub id: Option<String>,
    /// As in a `PUT`: what it is called, and what it asks of its invitations from now on. Those of
    /// the document need not keep to it.
    #[serde(default, deserialize_with = "object::optional")]
    pub settings: Option<SettingsBody>,
    /// Its invitations, in any order.
    #[serde(default, deserialize_with = "object::list")]
    pub invitations: Option<Vec<SeedInvitation>>,
}

/// An invitation of a seed document: the fields of a create, and what became of it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeedInvitation {
    /// As in a create.
    #[schema(value_type = String, required = true, max_length = 254, example = "ada@example.com")]
    pub email: Option<String>,
    /// As in a create.
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$",
        example = "developer")]
    pub role: Option<String>,
    /// As in a create: from when it was made.
    #[schema(minimum = 60, maximum = 31_536_000)]
    pub expires_in: Option<i64>,
    /// As in a create.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// As in a create.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    /// As in a create.
    #[schema(max_length = 2048)]
    pub redirect_url: Option<String>,
    /// As in a create.
    #[schema(max_length = 35, pattern = "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$")]
    pub locale: Option<String>,
    /// As in a create.
    #[serde(default, deserialize_with = "object::optional")]
    pub inviter: Option<InviterBody>,
    /// As in a create.
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// As in a create.
    pub notify: Option<bool>,
    /// As in a create: what to do where an older one of the document stands.
    #[schema(value_type = Option<OnConflict>)]
    pub on_conflict: Option<String>,
    /// What became of it. One that lapsed is `expired`, and older than its lifetime; a `pending`
    /// one is younger.
    #[schema(value_type = Option<Status>)]
    pub status: Option<String>,
    /// How long ago it was made, and answered if it was; without it: now.
    #[schema(schema_with = age_schema, required = false)]
    pub age: Option<Span>,
    /// The user id of who accepted, at most 255 characters; only of an accepted one.
    #[schema(max_length = 255)]
    pub accepted_by: Option<String>,
}

/// The schema of `age`.
fn age_schema() -> ObjectBuilder {
    Span::schema("How long ago it was made: a text as `8d`, or whole seconds. Without it: now.")
}

impl SeedInvitation {
    /// The part that is a create.
    pub(crate) fn create_body(self) -> CreateBody {
        CreateBody {
            email: self.email,
            role: self.role,
            expires_in: self.expires_in,
            expires_at: self.expires_at,
            metadata: self.metadata,
            redirect_url: self.redirect_url,
            locale: self.locale,
            inviter: self.inviter,
            note: self.note,
            notify: self.notify,
            on_conflict: self.on_conflict,
        }
    }
}

/// What a seed document made.
#[derive(Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SeedResult)]
pub struct Seeded {
    /// How many organizations.
    pub organizations: usize,
    /// How many invitations.
    pub invitations: usize,
}

/// What a server starts with, and what a reset puts back.
#[derive(Clone, Debug, Default)]
pub enum Start {
    /// An empty file.
    #[default]
    Nothing,
    /// The samples.
    Samples,
    /// What the developer gave.
    Seed(Seed),
}

impl Start {
    /// Puts it into an empty file.
    ///
    /// # Errors
    /// As [`fill`].
    pub fn fill(&self, tx: &WriteTx<'_>, rules: &Rules, origin: &Origin) -> Result<Seeded> {
        match self {
            Self::Nothing => Ok(Seeded::default()),
            // The samples have roles of their own, whatever the catalogue says.
            Self::Samples => fill(
                tx,
                json::parse(SAMPLES.as_bytes())?,
                &Rules {
                    roles: Vec::new(),
                    ..rules.clone()
                },
                origin,
            ),
            Self::Seed(seed) => fill(tx, seed.clone(), rules, origin),
        }
    }

    /// Checks it as far as that is possible without a file.
    ///
    /// # Errors
    /// As [`Plan::parse`].
    pub(crate) fn check(&self, rules: &Rules, now: Timestamp) -> Result<()> {
        match self {
            Self::Nothing | Self::Samples => Ok(()),
            Self::Seed(seed) => Plan::parse(seed.clone(), rules, now).map(drop),
        }
    }
}

/// Puts the organizations and invitations of `seed` into an empty file.
///
/// # Errors
/// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable. Some of
/// it may be in the file then: the transaction must not be committed.
pub(crate) fn fill(tx: &WriteTx<'_>, seed: Seed, rules: &Rules, origin: &Origin) -> Result<Seeded> {
    Plan::parse(seed, rules, tx.now)?.carry_out(tx, origin)
}

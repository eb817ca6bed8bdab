//! Seed documents: organizations with their invitations, each as old and as far in its life as the
//! document says, keys, and webhooks.
//!
//! The invitations come about as they would have: oldest first, through the checks and the conflict
//! rule of a create at their time, with their events. So whatever cannot be reached by requests
//! cannot be seeded either.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::access::{SeedKey, SeedWebhook};
use super::plan::Plan;
use super::{Span, lines};
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::json::{self, object};
use crate::base::origin::Origin;
use crate::db::WriteTx;
use crate::invitation::Status;
use crate::invitation::inviter::InviterBody;
use crate::invitation::lapse;
use crate::invitation::new::{CreateBody, OnConflict};
use crate::organization::settings::SettingsBody;
use crate::policy::Rules;
use crate::secret::Keyring;
use crate::transfer::import::{self, Manner};
use crate::transfer::{self, Tell};
use crate::webhook::guard::Guard;

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
    /// API keys, whose texts the author of the document chose.
    #[serde(default, deserialize_with = "object::list")]
    pub keys: Option<Vec<SeedKey>>,
    /// Webhooks, whose secrets the author may choose.
    #[serde(default, deserialize_with = "object::list")]
    pub webhooks: Option<Vec<SeedWebhook>>,
    /// Where the parts of the document were, by their pointers in it: it was put together of lines.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) places: HashMap<String, String>,
}

impl Seed {
    /// Has nothing mailed: the people of the samples know nothing of it.
    fn mail_nobody(&mut self) {
        let organizations = self.organizations.iter_mut().flatten();
        for invitation in organizations.flat_map(|one| one.invitations.iter_mut().flatten()) {
            invitation.notify = None;
        }
    }

    /// How many invitations it has.
    pub(crate) fn invitations(&self) -> u64 {
        let organizations = self.organizations.iter().flatten();
        let invitations = organizations.flat_map(|one| one.invitations.iter().flatten());
        u64::try_from(invitations.count()).unwrap_or(u64::MAX)
    }

    /// Where the part of the document at `pointer` was.
    pub(crate) fn place(&self, pointer: String) -> String {
        self.places.get(&pointer).cloned().unwrap_or(pointer)
    }
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
    /// The organization that it is for: only where it is a line of its own.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$", example = "acme")]
    pub organization_id: Option<String>,
    /// As in a create.
    #[schema(value_type = String, required = true, max_length = 254, example = "ada@example.com")]
    pub email: Option<String>,
    /// As in a create.
    #[schema(value_type = String, required = true, pattern = "^[A-Za-z][A-Za-z0-9_.:-]{0,63}$",
        example = "developer")]
    pub role: Option<String>,
    /// As in a create: from when it was made.
    #[schema(minimum = 60, maximum = 31_536_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::seconds")]
    pub expires_in: Option<i64>,
    /// As in a create.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
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
    /// `true`: a pending one is mailed as the seed is put in. Without it nothing is.
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
    /// When it was made, instead of `age`: RFC 3339, not in the future.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub created_at: Option<String>,
    /// When it was accepted; only of an accepted one. Without it: when it was made.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub accepted_at: Option<String>,
    /// When it was declined; only of a declined one. Without it: when it was made.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub declined_at: Option<String>,
    /// When it was revoked; only of a revoked one. Without it: when it was made.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub revoked_at: Option<String>,
    /// The user id of who accepted, at most 255 characters; only of an accepted one.
    #[schema(max_length = 255)]
    pub accepted_by: Option<String>,
}

/// The schema of `age`.
fn age_schema() -> ObjectBuilder {
    Span::schema("How long ago it was made: a text as `8d`, or whole seconds. Without it: now.")
}

impl SeedInvitation {
    /// Whether it is mailed: only what can be answered is.
    fn is_mailed(&self) -> bool {
        let is_pending = self
            .status
            .as_deref()
            .is_none_or(|status| status == "pending");
        is_pending && self.notify == Some(true)
    }

    /// The part that is a create.
    pub(crate) fn create_body(self) -> CreateBody {
        let notify = Some(self.is_mailed());
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
            notify,
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
    /// A seed that the developer gave.
    Seed(Box<Seed>),
    /// An export that the developer gave.
    Export(Arc<[u8]>),
}

/// What a file is filled for.
#[derive(Clone, Debug)]
pub struct Ground {
    /// What the server allows in an invitation.
    pub rules: Rules,
    /// What keys and webhooks need; none: there can be none.
    pub access: Option<Access>,
    /// Whether mail goes no further than to a mailbox of the server.
    pub keeps_mail: bool,
}

/// What the keys and webhooks of a seed need: a server for development.
#[derive(Clone, Debug)]
pub struct Access {
    /// From what the secrets of webhooks are derived.
    pub keyring: Keyring,
    /// What webhooks may reach.
    pub guard: Guard,
    /// How many webhooks there may be.
    pub max_webhooks: u32,
}

impl Start {
    /// Reads what a developer gives: a seed document, a seed in lines of JSON, or an export.
    ///
    /// # Errors
    /// As [`json::parse`], with the line where it is lines.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let bytes = json::without_mark(bytes);
        if bytes.starts_with(transfer::MAGIC) {
            return Ok(Self::Export(bytes.into()));
        }
        read(bytes).map(|seed| Self::Seed(Box::new(seed)))
    }

    /// Puts it into an empty file.
    ///
    /// # Errors
    /// [`crate::base::error::Code::ValidationFailed`] with everything that is not acceptable. Some
    /// of it may be in the file then: the transaction must not be committed.
    pub fn fill(&self, tx: &WriteTx<'_>, ground: &Ground, origin: &Origin) -> Result<Seeded> {
        match self {
            Self::Nothing => Ok(Seeded::default()),
            // The samples have roles of their own, whatever the catalogue says.
            Self::Samples => {
                let mut ground = ground.clone();
                ground.rules.roles.clear();
                let mut samples: Seed = json::parse(SAMPLES.as_bytes())?;
                if !ground.keeps_mail {
                    samples.mail_nobody();
                }
                fill(tx, samples, &ground, origin)
            }
            Self::Seed(seed) => fill(tx, (**seed).clone(), ground, origin),
            Self::Export(bytes) => fill_with_export(tx, bytes, origin),
        }
    }

    /// Checks it as far as that is possible without a file.
    ///
    /// # Errors
    /// As [`Plan::parse`].
    pub(crate) fn check(&self, ground: &Ground, now: Timestamp) -> Result<()> {
        match self {
            Self::Nothing | Self::Samples => Ok(()),
            Self::Seed(seed) => Plan::parse((**seed).clone(), ground, now).map(drop),
            Self::Export(bytes) => transfer::lines::check(&**bytes, &mut |_| ())
                .map_err(Error::internal)?
                .map(drop)
                .map_err(|mistakes| Error::validation(lines::errors(&mistakes))),
        }
    }
}

/// Reads a seed: a document, or lines.
///
/// # Errors
/// As [`json::parse`], with the line where it is lines.
pub(crate) fn read(bytes: &[u8]) -> Result<Seed> {
    if lines::are_lines(bytes) {
        lines::read(bytes)
    } else {
        json::parse(bytes)
    }
}

/// Puts the organizations, invitations, keys and webhooks of `seed` into an empty file.
fn fill(tx: &WriteTx<'_>, seed: Seed, ground: &Ground, origin: &Origin) -> Result<Seeded> {
    Plan::parse(seed, ground, tx.now)?.carry_out(tx, ground, origin, &mut |_| ())
}

/// Puts the organizations and invitations of `seed` beside those of a file that no server has. An
/// organization that is there already may get invitations, and no settings. Nothing is mailed, and
/// webhooks are told of nothing. `tell` is told how many invitations are done.
///
/// # Errors
/// As [`Start::fill`].
pub(crate) fn fill_beside(
    tx: &WriteTx<'_>,
    seed: Seed,
    origin: &Origin,
    tell: Tell<'_>,
) -> Result<Seeded> {
    let ground = Ground {
        rules: Rules::of_form(),
        access: None,
        keeps_mail: false,
    };
    let plan = Plan::parse(seed, &ground, tx.now)?;
    plan.check_new(tx)?;
    // What has lapsed in the file is news, and what is put in is none.
    lapse::tell_of_all(tx, origin)?;
    let seeded = plan.carry_out(&tx.without_news(), &ground, origin, tell)?;
    let details = serde_json::json!({
        "organizations": seeded.organizations,
        "invitations": seeded.invitations,
    });
    import::record(tx, origin.by(), details)?;
    Ok(seeded)
}

/// Puts an export into an empty file.
fn fill_with_export(tx: &WriteTx<'_>, bytes: &[u8], origin: &Origin) -> Result<Seeded> {
    let manner = Manner {
        skips_existing: false,
        by: origin.by(),
    };
    let imported = import::put(tx, bytes, manner, &mut |_| ())?;
    let counts = imported
        .map_err(|mistakes| Error::validation(lines::errors(&mistakes)))?
        .counts;
    let size = |count| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Seeded {
        organizations: size(counts.organizations),
        invitations: size(counts.invitations),
    })
}

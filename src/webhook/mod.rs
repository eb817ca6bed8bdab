//! Webhooks: endpoints of the application that are told of events, as Standard Webhooks 1.0.0 says.
//!
//! An event queues its deliveries in its own transaction; [`sender`] works them off for the outbox.
//!
//! * [`mod@new`] turns request bodies into what cannot be wrong, [`json`] is what is shown of a
//!   webhook, [`store`] the SQL.
//! * [`manage`] makes, changes and deletes them.
//! * [`history`]: what the history of the server says of webhooks.
//! * [`delivery`]: the log of what was sent, and what became of it. [`retry`]: `Retry-After`.
//! * [`guard`]: which addresses may be reached. [`client`]: one POST. [`sign`]: secrets and
//!   signatures.

pub mod client;
pub mod delivery;
pub mod guard;
pub(crate) mod history;
pub(crate) mod json;
pub(crate) mod manage;
pub mod new;
pub(crate) mod retry;
pub mod sender;
pub(crate) mod sign;
pub mod store;

use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::event::EventType;
use crate::key::Rights;
use crate::secret::SecretId;

/// For how many seconds the secret before a rotation is used, too: a day, in which receivers can
/// take the new one.
const PREVIOUS_SECONDS: i64 = 24 * 60 * 60;
/// The type of a test, which is no event.
const TEST_TYPE: &str = "webhook.test";

/// Why nothing is sent to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(as = WebhookDisabledReason, rename_all = "lowercase")]
pub enum DisabledReason {
    /// It was asked for.
    Paused,
    /// The endpoint answered 410.
    Gone,
    /// A delivery failed at its last try, too.
    Exhausted,
}

impl DisabledReason {
    /// Every reason.
    const ALL: [Self; 3] = [Self::Paused, Self::Gone, Self::Exhausted];

    /// The reason as it is stored and shown.
    fn name(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Gone => "gone",
            Self::Exhausted => "exhausted",
        }
    }

    /// Reads a reason.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == text)
    }
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// UUIDv7.
    pub id: Uuid,
    /// Whose events it is told of; none: everybody's.
    pub organization: Option<OrganizationId>,
    /// Where they go.
    pub url: Url,
    /// The types it is told of; none: all.
    pub types: Option<Vec<EventType>>,
    /// What its maker calls it.
    pub description: Option<String>,
    /// Which secrets it has.
    pub secrets: Secrets,
    /// Why nothing is sent to it; none: it is enabled.
    pub disabled: Option<DisabledReason>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which secrets a webhook has. They are derived from this, so that none lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// How often its secret was rotated.
    pub generation: i64,
    /// The server's secret from which it is derived.
    pub secret_id: SecretId,
    /// The secret before, if there was one.
    pub previous: Option<Previous>,
}

/// The secret of a webhook before its last rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previous {
    /// The server's secret from which it is derived.
    pub secret_id: SecretId,
    /// Until when it is used.
    pub until: Timestamp,
}

impl Secrets {
    /// The generation of a secret that was not rotated yet.
    const FIRST: i64 = 0;

    /// Those of a new webhook, where `secret_id` signs.
    fn first(secret_id: SecretId) -> Self {
        Self {
            generation: Self::FIRST,
            secret_id,
            previous: None,
        }
    }

    /// Those after a rotation at `now`, where `secret_id` signs.
    #[must_use]
    pub(crate) fn rotated(self, secret_id: SecretId, now: Timestamp) -> Self {
        let previous = Previous {
            secret_id: self.secret_id,
            until: now.plus_seconds(PREVIOUS_SECONDS),
        };
        Self {
            generation: self.generation + 1,
            secret_id,
            previous: Some(previous),
        }
    }

    /// The generations whose secrets sign at `now`, the present one first, each with the server's
    /// secret from which it is derived.
    fn at(self, now: Timestamp) -> impl Iterator<Item = (i64, SecretId)> {
        let previous = self.previous.filter(|previous| now < previous.until);
        let previous = previous.map(|previous| (self.generation - 1, previous.secret_id));
        std::iter::once((self.generation, self.secret_id)).chain(previous)
    }
}

impl Webhook {
    /// Checks that something can be sent to it.
    ///
    /// # Errors
    /// [`Code::WebhookDisabled`].
    pub(crate) fn check_enabled(&self) -> Result<()> {
        match self.disabled {
            None => Ok(()),
            Some(reason) => {
                let detail = format!(
                    "This webhook is disabled ({}); enable it first.",
                    reason.name()
                );
                Err(Error::new(Code::WebhookDisabled, detail))
            }
        }
    }
}

impl Rights {
    /// Whether the caller may know of a webhook for `organization`; one for all is for those who
    /// see all.
    pub(crate) fn see_webhook(&self, organization: Option<&OrganizationId>) -> bool {
        organization.map_or(self.organizations.is_none(), |organization| {
            self.see(organization.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_before_is_used_for_a_day_and_derived_as_it_was() {
        let now = Timestamp::from_millis(5_000);
        let [old, new] = [1, 2].map(|byte| SecretId::from_bytes([byte; 16]));
        let rotated = Secrets::first(old).rotated(new, now);
        let at = |seconds| rotated.at(now.plus_seconds(seconds)).collect::<Vec<_>>();
        assert_eq!(Secrets::first(old).at(now).collect::<Vec<_>>(), [(0, old)]);
        assert_eq!(at(0), [(1, new), (0, old)]);
        assert_eq!(at(PREVIOUS_SECONDS - 1), [(1, new), (0, old)]);
        assert_eq!(at(PREVIOUS_SECONDS), [(1, new)]);
    }
}

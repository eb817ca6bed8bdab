//! What handlers share.

use std::sync::Arc;

use url::Url;

use super::clickhouse::Uuids;
use super::console::Standing;
use super::events::live::Streams;
use crate::backup::schedule::Schedule;
use crate::base::clock::Timestamp;
use crate::db::Db;
use crate::dev::seed::{Access, Ground, Start};
use crate::dev::snapshots::Snapshots;
use crate::doctor::Setup;
use crate::http::etag::EtagKey;
use crate::key::token::PlainKey;
use crate::mail::message::Composer;
use crate::metrics::Metrics;
use crate::oidc;
use crate::outbox::faults::Faults;
use crate::policy::Rules;
use crate::retention::Retention;
use crate::secret::Keyring;
use crate::webhook::guard::Guard;

/// What handlers share. It is data of the application.
pub(crate) struct State {
    /// The data file.
    pub db: Db,
    /// What this server allows in an invitation.
    pub rules: Rules,
    /// For how long closed invitations are kept; none: for ever.
    pub retention: Option<Retention>,
    /// Where people and programs reach this server, without a slash at its end.
    pub public_url: String,
    /// The page that takes the token of a link in its fragment.
    pub accept_url: String,
    /// Where people sign in instead of giving a code.
    pub sign_in_url: Option<Url>,
    /// The streams of events.
    pub streams: Streams,
    /// What the tags of versions are hashed with.
    pub etags: EtagKey,
    /// From what links and codes are derived.
    pub keyring: Keyring,
    /// Checks id tokens of the operator's identity provider.
    pub oidc: oidc::Verifier,
    /// Deliveries that are to fail; only development can ask for any.
    pub faults: Faults,
    /// What writes mail; none: the server sends none.
    pub composer: Option<Arc<Composer>>,
    /// Whether mail goes no further than to the mailbox of development.
    pub keeps_mail: bool,
    /// What webhooks may reach.
    pub guard: Guard,
    /// How many webhooks there may be.
    pub max_webhooks: u32,
    /// What a reset puts back.
    pub start: Start,
    /// The time at which a reset stops the clock; none: the clock runs then.
    pub starts_at: Option<Timestamp>,
    /// The key that a reset puts back, too; none: programs have to do without.
    pub own_key: Option<PlainKey>,
    /// When the server was started, by the clock of the machine.
    pub started_at: Timestamp,
    /// What the server tells Prometheus of itself.
    pub metrics: Arc<Metrics>,
    /// The backups that the server makes by itself; none: it makes none.
    pub backups: Option<Arc<Schedule>>,
    /// What the checks of the server found last.
    pub standing: Standing,
    /// What the checks of the server look at.
    pub setup: Setup,
    /// What a restore puts back; only development has any.
    pub snapshots: Snapshots,
    /// The organizations by the UUIDs that the ClickHouse Cloud dialect has for them.
    pub uuids: Uuids,
}

impl State {
    /// What a seed is put in for.
    pub(crate) fn ground(&self) -> Ground {
        Ground {
            rules: self.rules.clone(),
            access: Some(Access {
                keyring: self.keyring.clone(),
                guard: self.guard.clone(),
                max_webhooks: self.max_webhooks,
            }),
            keeps_mail: self.keeps_mail,
        }
    }

    /// Ends what would go on for too long once the server stops: streams, stalls, and the backup
    /// that is under way.
    pub(crate) fn end(&self) {
        self.streams.close();
        self.faults.stop();
        if let Some(backups) = &self.backups {
            backups.stop();
        }
    }
}

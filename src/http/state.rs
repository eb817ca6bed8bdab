//! What every request shares.

use super::stopping::Stopping;
use crate::config::Mode;
use crate::db::Db;
use crate::dev::faults::Faults;
use crate::dev::seed::Start;
use crate::event::stream::Streams;
use crate::invitation::new::Rules;
use crate::key::last_use::LastUses;
use crate::limits::Shares;
use crate::oidc;
use crate::retention::Retention;
use crate::secret::Keyring;
use crate::webhook::guard::Guard;

/// What every request shares.
pub struct State {
    /// The data file.
    pub db: Db,
    /// What this server allows in an invitation.
    pub rules: Rules,
    /// For how long closed invitations are kept; none: for ever.
    pub retention: Option<Retention>,
    /// Whom the server is for.
    pub mode: Mode,
    /// Where people and programs reach this server, without a slash at its end.
    pub public_url: String,
    /// The page that takes the token of a link in its fragment.
    pub accept_url: String,
    /// The streams of events.
    pub streams: Streams,
    /// From what links and codes are derived.
    pub keyring: Keyring,
    /// When keys were last used.
    pub last_uses: LastUses,
    /// Checks id tokens of the operator's identity provider.
    pub oidc: oidc::Verifier,
    /// Deliveries that are to fail; only development can ask for any.
    pub faults: Faults,
    /// What webhooks may reach.
    pub guard: Guard,
    /// How many bytes of answers one caller may have stored in 24 hours; 0: any number.
    pub room_for_answers: i64,
    /// How many webhooks there may be.
    pub max_webhooks: u32,
    /// The memory for large bodies, in bytes: those that are read, and those whose rows wait.
    pub bodies: Shares,
    /// The memory for large answers that are not read yet, in bytes.
    pub answers: Shares,
    /// What a reset puts back.
    pub start: Start,
    /// Whether the server is about to stop.
    pub stopping: Stopping,
}

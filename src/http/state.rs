//! What every request shares.

use url::Url;

use crate::config::Mode;
use crate::db::Db;
use crate::dev::seed::Start;
use crate::invitation::new::Rules;

/// What every request shares.
pub struct State {
    /// The data file.
    pub db: Db,
    /// What this server allows in an invitation.
    pub rules: Rules,
    /// Whom the server is for.
    pub mode: Mode,
    /// Where people and programs reach this server, without a slash at its end.
    pub public_url: String,
    /// What a reset puts back.
    pub start: Start,
}

impl State {
    /// The state of a server that is reached under `public_url`.
    pub fn new(db: Db, rules: Rules, mode: Mode, public_url: &Url, start: Start) -> Self {
        Self { db, rules, mode, public_url: public_url.as_str().trim_end_matches('/').to_owned(), start }
    }
}

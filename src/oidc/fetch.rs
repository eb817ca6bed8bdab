//! Fetches a provider's keys.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use url::Url;

use super::jwks::{self, Key};
use crate::base::roots::Roots;

/// How long a fetch may take in all: people wait for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes of a set of keys.
const MAX_BYTES: u64 = 256 * 1024;

/// The usable keys that are published at `url`, where `roots` are trusted. Blocks for [`TIMEOUT`]
/// at most.
///
/// # Errors
/// A sentence for the log.
pub(crate) fn fetch(url: &Url, roots: &Roots) -> Result<Vec<Arc<Key>>, String> {
    // The URL alone decides whom to trust: neither a redirect nor a proxy of the environment
    // changes it.
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .proxy(None)
        .tls_config(roots.tls())
        .https_only(url.scheme() == "https")
        .http_status_as_error(false)
        .user_agent(concat!("invited/", env!("CARGO_PKG_VERSION")));
    let agent: Agent = config.build().into();
    let answer = agent
        .get(url.as_str())
        .header("Accept", "application/jwk-set+json, application/json")
        .call();
    let mut answer = answer.map_err(|error| error.to_string())?;
    if answer.status() != 200 {
        return Err(format!("status {}", answer.status().as_u16()));
    }
    let body = answer
        .body_mut()
        .with_config()
        .limit(MAX_BYTES)
        .read_to_vec();
    jwks::parse(&body.map_err(|error| error.to_string())?)
}

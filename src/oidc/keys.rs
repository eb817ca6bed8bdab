//! A provider's keys: read once from a file, or fetched from a URL when a token needs them, and
//! remembered.
//!
//! # Locking
//! `remembered` is held for moments only. A fetch holds `turn` from before its beginning until its
//! keys are remembered, on a thread of the blocking pool, so that there is one fetch at a time, and
//! a caller who goes away does not end it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm;
use url::Url;

use super::fetch::fetch;
use super::jwks::{self, Key, Source};
use super::provider::rejected;
use crate::base::error::{Code, Error, Result};
use crate::base::failure::Failure;
use crate::base::json;
use crate::base::roots::Roots;

/// How long a provider is left alone before it is asked for a key that it did not have. Anybody can
/// invent a `kid`.
const REFRESH_PAUSE: Duration = Duration::from_secs(60);

/// The same while there are no keys at all: nothing works until they come.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// The age at which keys are fetched again: a key that the provider has withdrawn counts no longer
/// than this, unless the provider cannot be asked.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// The keys of one provider.
pub(crate) struct Keys {
    /// Where they are fetched; those of a file never change.
    url: Option<Url>,
    /// The authorities that are trusted there.
    roots: Roots,
    /// Those that are known.
    remembered: Arc<Mutex<Remembered>>,
    /// Held by the one who fetches.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The keys that are known, and since when.
#[derive(Default)]
struct Remembered {
    /// The keys; empty before the first successful fetch.
    keys: Vec<Arc<Key>>,
    /// When the last fetch began.
    asked_at: Option<Instant>,
    /// When the last successful fetch began.
    fetched_at: Option<Instant>,
}

impl Keys {
    /// The keys of `source`. A file is read now, a URL when the first token comes, where `roots`
    /// are trusted.
    ///
    /// # Errors
    /// When the file cannot be read, or has no usable key.
    pub(crate) fn new(source: &Source, roots: Roots) -> std::result::Result<Self, Failure> {
        let (url, keys) = match source {
            Source::Url(url) => (Some(url.clone()), Vec::new()),
            Source::File(path) => {
                let read = std::fs::read(path)
                    .map_err(|error| error.to_string())
                    .and_then(|text| jwks::parse(json::without_mark(&text)));
                let failed = |reason| {
                    let what = format!("cannot use the keys in {} ({reason})", path.display());
                    Failure::runtime(
                        what,
                        "save what the provider publishes at its `jwks_uri`, or give that URL",
                    )
                };
                (None, read.map_err(failed)?)
            }
        };
        let remembered = Arc::new(Mutex::new(Remembered {
            keys,
            ..Remembered::default()
        }));
        Ok(Self {
            url,
            roots,
            remembered,
            turn: Arc::default(),
        })
    }

    /// The one key for `algorithm` that is called `id`, or the only one if a token names none.
    ///
    /// # Errors
    /// [`Code::IdTokenRejected`] where no key fits or several do;
    /// [`Code::IdentityProviderUnavailable`] without any key.
    pub(crate) async fn find(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
        at: Instant,
    ) -> Result<Arc<Key>> {
        if let Some(url) = &self.url {
            self.refresh(url, algorithm, id, at).await?;
        }
        let remembered = self.remembered();
        match remembered.fitting(algorithm, id).as_slice() {
            [key] => Ok(Arc::clone(key)),
            [] if remembered.keys.is_empty() => Err(unavailable()),
            [] => Err(rejected(
                "No key of the identity provider fits the `alg` and `kid` of the id token.",
            )),
            _ => Err(rejected(
                "Several keys of the identity provider fit the id token: its `kid` must name one.",
            )),
        }
    }

    /// Fetches the keys if it is time to. What fails goes to the log; the old keys stay.
    async fn refresh(
        &self,
        url: &Url,
        algorithm: Algorithm,
        id: Option<&str>,
        at: Instant,
    ) -> Result<()> {
        let is_due = || self.remembered().is_due(algorithm, id, at);
        if !is_due() {
            return Ok(());
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Whoever had the turn before may have done it.
        if !is_due() {
            return Ok(());
        }
        let (url, remembered) = (url.clone(), Arc::clone(&self.remembered));
        let roots = self.roots.clone();
        let task = move || {
            let fetched = fetch(&url, &roots);
            lock(&remembered).take(fetched, &url, at);
            drop(turn);
        };
        tokio::task::spawn_blocking(task)
            .await
            .map_err(Error::internal)
    }

    /// The keys that are known.
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        lock(&self.remembered)
    }
}

impl Remembered {
    /// The keys for `algorithm` that are called `id`; all of them where there is no `id`.
    fn fitting(&self, algorithm: Algorithm, id: Option<&str>) -> Vec<&Arc<Key>> {
        let fits = |key: &&Arc<Key>| {
            key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id)
        };
        self.keys.iter().filter(fits).collect()
    }

    /// Whether the keys must be fetched at `at` for a token that names `algorithm` and `id`.
    fn is_due(&self, algorithm: Algorithm, id: Option<&str>, at: Instant) -> bool {
        let is_past = |then: Option<Instant>, pause| {
            then.is_none_or(|then| at.saturating_duration_since(then) >= pause)
        };
        let is_wanted = self.fitting(algorithm, id).is_empty() || is_past(self.fetched_at, MAX_AGE);
        is_wanted
            && is_past(
                self.asked_at,
                if self.keys.is_empty() {
                    RETRY_PAUSE
                } else {
                    REFRESH_PAUSE
                },
            )
    }

    /// Remembers the outcome of a fetch from `url` that began at `at`.
    fn take(
        &mut self,
        fetched: std::result::Result<Vec<Arc<Key>>, String>,
        url: &Url,
        at: Instant,
    ) {
        self.asked_at = Some(at);
        match fetched {
            Ok(keys) => (self.keys, self.fetched_at) = (keys, Some(at)),
            Err(reason) => log::warn!(
                "the keys of the identity provider cannot be fetched from {url} ({reason})"
            ),
        }
    }
}

/// There are no keys to check anything with.
fn unavailable() -> Error {
    Error::new(
        Code::IdentityProviderUnavailable,
        "The keys of the identity provider cannot be had at the moment.",
    )
    .retry_after(RETRY_PAUSE.as_secs())
}

/// Locks; what a panic elsewhere left is whole, for it is only ever replaced.
fn lock(remembered: &Mutex<Remembered>) -> MutexGuard<'_, Remembered> {
    remembered.lock().unwrap_or_else(PoisonError::into_inner)
}

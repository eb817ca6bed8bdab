//! The secrets of a server that runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use super::store::Known;
use super::{Secret, SecretId};
use crate::base::clock::Timestamp;

/// The secret that signs, and those before it. Clones share them.
#[derive(Clone)]
pub struct Keyring {
    /// What everything new is derived from.
    signing: Secret,
    /// The secrets before, newest first.
    earlier: Arc<[Earlier]>,
    /// The first secrets of webhooks that somebody chose: only a seed of development does.
    chosen: Arc<RwLock<HashMap<Uuid, Vec<u8>>>>,
}

/// A secret that signs no more.
#[derive(Debug)]
struct Earlier {
    /// The secret.
    secret: Secret,
    /// From when on it verifies no links and codes either.
    verifies_until: Timestamp,
}

impl Keyring {
    /// A keyring of one secret.
    pub fn single(signing: Secret) -> Self {
        Self {
            signing,
            earlier: Arc::new([]),
            chosen: Arc::default(),
        }
    }

    /// A keyring of `signing` and of those of `earlier` that the data file knows.
    pub(crate) fn new(signing: Secret, earlier: Vec<Secret>, known: &[Known]) -> Self {
        let until = |secret: &Secret| {
            known
                .iter()
                .find(|known| known.id == secret.id())?
                .verifies_until
        };
        let earlier = earlier.into_iter().filter_map(|secret| {
            let verifies_until = until(&secret)?;
            Some(Earlier {
                secret,
                verifies_until,
            })
        });
        Self {
            signing,
            earlier: earlier.collect(),
            chosen: Arc::default(),
        }
    }

    /// Has the webhook with this id sign with `secret`, until that is rotated, or the process ends.
    pub(crate) fn choose(&self, webhook: Uuid, secret: Vec<u8>) {
        let mut chosen = self.chosen.write().unwrap_or_else(PoisonError::into_inner);
        chosen.insert(webhook, secret);
    }

    /// The first secret of a webhook that somebody chose.
    pub(crate) fn chosen(&self, webhook: Uuid) -> Option<Vec<u8>> {
        let chosen = self.chosen.read().unwrap_or_else(PoisonError::into_inner);
        chosen.get(&webhook).cloned()
    }

    /// The secret from which everything new is derived.
    pub fn signing(&self) -> &Secret {
        &self.signing
    }

    /// The secrets that verify links and codes at `now`, the signing one first.
    pub(crate) fn verifying(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.signing).chain(self.retired(now))
    }

    /// The secrets that verify at `now` and sign no more.
    pub(crate) fn retired(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        self.earlier
            .iter()
            .filter(move |earlier| now < earlier.verifies_until)
            .map(|earlier| &earlier.secret)
    }

    /// The secret with this id, whether or not it verifies links.
    pub(crate) fn find(&self, id: SecretId) -> Option<&Secret> {
        let mut all = std::iter::once(&self.signing)
            .chain(self.earlier.iter().map(|earlier| &earlier.secret));
        all.find(|secret| secret.id() == id)
    }
}

/// Without what somebody chose.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(hidden)")
    }
}

//! Tries at a secret link: so many for each address that is given, and ten times as many for all of
//! them.
//!
//! Whoever has the link, and does not know the address, uses up nothing of the person's. The bound
//! for all keeps short what is stored of the tries.

use std::sync::Arc;

use uuid::Uuid;

use super::HOUR;
use super::elapsed::Elapsed;
use super::limiter::Limiter;
use crate::base::email::Email;
use crate::base::error::{Policy, Result};

/// How many addresses may be tried as often as one.
const ADDRESSES: u32 = 10;

/// Tries of one kind, an hour.
#[derive(Debug)]
pub(crate) struct Tries {
    /// For one address.
    by_address: Limiter,
    /// For one link.
    by_link: Limiter,
}

impl Tries {
    /// Tries with nothing used yet; none for a quota of 0, which allows everything.
    pub(crate) fn new(
        name: &'static str,
        quota: u32,
        what: &'static str,
        elapsed: &Arc<Elapsed>,
    ) -> Option<Self> {
        let limiter = |quota| {
            let policy = Policy {
                name,
                quota,
                window_seconds: HOUR,
                what,
            };
            Limiter::new(policy, elapsed)
        };
        Some(Self {
            by_address: limiter(quota)?,
            by_link: limiter(quota.saturating_mul(ADDRESSES))?,
        })
    }

    /// Checks that the link of `invitation` may be tried once more with `email`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::RateLimited`].
    pub(crate) fn check(&self, invitation: Uuid, email: &Email) -> Result<()> {
        self.by_address.check((invitation, email.as_str()))?;
        self.by_link.check(invitation)
    }

    /// Counts a try. The one that uses the quota up is still looked at.
    pub(crate) fn count(&self, invitation: Uuid, email: &Email) {
        // An error only says that the quota was used up before.
        let _ = self.by_address.count((invitation, email.as_str()));
        let _ = self.by_link.count(invitation);
    }

    /// Forgets who has not used any quota lately.
    pub(crate) fn sweep(&self) {
        self.by_address.sweep();
        self.by_link.sweep();
    }
}

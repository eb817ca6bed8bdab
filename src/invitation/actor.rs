//! Who changes an invitation.

use std::sync::Arc;

use super::create::Outcome;
use crate::base::error::Result;
use crate::base::origin::Origin;
use crate::invitation::{Invitation, json};
use crate::key::Rights;

/// Who makes the invitation.
#[derive(Clone, Debug)]
pub struct Actor {
    /// What they may grant.
    pub rights: Arc<Rights>,
    /// Where the change comes from.
    pub origin: Origin,
}

impl Actor {
    /// What they are told of `invitation`: all of one that they have just made, as they said all of
    /// that; of one that was there before only what they may see.
    ///
    /// # Errors
    /// None that can happen: every field can be written.
    pub(crate) fn shown(&self, invitation: &Invitation<'_>, outcome: Outcome) -> Result<Vec<u8>> {
        match outcome {
            Outcome::Created => json::to_bytes(invitation),
            Outcome::Standing => json::to_bytes_for(invitation, &self.rights),
        }
    }
}

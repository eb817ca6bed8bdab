//! Who changes invitations by a request.

use std::sync::Arc;

use crate::http::auth::{OrganizationAccess, Right};
use crate::invitation::actor::Actor;

impl<R: Right> OrganizationAccess<R> {
    /// Who changes invitations by this request.
    pub(super) fn actor(&self) -> Actor {
        Actor {
            origin: self.origin(),
            rights: Arc::clone(&self.caller.rights),
        }
    }
}

//! What could be done now, without counting it.

use uuid::Uuid;

use super::Limits;
use crate::base::email::Email;
use crate::base::error::Result;
use crate::base::organization_id::OrganizationId;

impl Limits {
    /// Checks that one more code for `email` may be asked for at the link of `invitation`.
    ///
    /// # Errors
    /// [`crate::base::error::Code::RateLimited`], as for the next one.
    pub(crate) fn check_code(&self, invitation: Uuid, email: &Email) -> Result<()> {
        let codes = self.codes.as_ref();
        codes.map_or(Ok(()), |tries| tries.check(invitation, email))
    }

    /// Checks that `organization` may send one more mail to `email`.
    ///
    /// # Errors
    /// When it has sent that recipient enough.
    pub(crate) fn check_mail(&self, organization: &OrganizationId, email: &Email) -> Result<()> {
        let subject = (organization.as_str(), email.mailbox());
        let recipient = self.recipient.as_ref();
        recipient.map_or(Ok(()), |limiter| limiter.check(subject))
    }
}

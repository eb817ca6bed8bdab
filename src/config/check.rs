//! Everything that is wrong with the settings of a server, at once.

use std::path::Path;

use super::{Settings, secret_source};
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::mail::template::Templates;

impl Settings {
    /// Everything that a server in `mode` on the file `database` would refuse before it touches
    /// that file.
    pub(crate) fn problems(&self, database: &Path, mode: Mode) -> Vec<Failure> {
        let mut problems = Vec::new();
        let checks = [
            self.mail.way().map(drop),
            self.check_places(),
            self.check_links(mode),
            self.check_sign_in(),
            self.roots().map(drop),
            self.check_oidc(),
            Templates::load(self.mail.templates_dir.as_deref()).map(drop),
            self.check_secret(database),
            self.check_admin_key(database),
            self.backup.plan().map(drop),
        ];
        for failure in checks.into_iter().filter_map(Result::err) {
            // One thing may be in the way of several checks.
            if !problems.contains(&failure) {
                problems.push(failure);
            }
        }
        problems
    }

    /// Checks the identity provider, whatever is wrong with the authorities.
    fn check_oidc(&self) -> Result<(), Failure> {
        #[cfg(feature = "oidc")]
        {
            let options = self.oidc.options(self.roots().unwrap_or_default())?;
            crate::oidc::Verifier::new(options).map(drop)
        }
        #[cfg(not(feature = "oidc"))]
        Ok(())
    }

    /// Checks that the secret is one, as far as it is there.
    fn check_secret(&self, database: &Path) -> Result<(), Failure> {
        let database = crate::db::resolve(database)?;
        secret_source(self.secret_file.as_deref(), &database)?.check()
    }
}

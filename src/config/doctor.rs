//! What the checks of a server take from its configuration.

use super::mail::Way;
use super::{Config, Listen};
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::doctor::Setup;
use crate::doctor::network::Reach;
use crate::mail::transport::{Smtp, address};

impl Config {
    /// What the checks try to reach.
    ///
    /// # Errors
    /// When the settings of TLS with the mail server cannot be used.
    pub(crate) fn doctor_reach(&self) -> Result<Reach, Failure> {
        let sender = self.settings.mail.smtp.mail_from.clone();
        let (mut smtp, mut mail_webhook) = (None, None);
        match (&self.mail_way, sender) {
            (Some(Way::Smtp(server)), Some(sender)) => {
                let from = address(&sender.address);
                smtp = Some((Smtp::new(server.clone(), from, &self.roots)?, sender));
            }
            (Some(Way::Webhook(url)), _) => mail_webhook = Some(url.clone()),
            _ => {}
        }
        let secret = self.secret.load(false).ok().flatten();
        Ok(Reach {
            public_url: self.settings.public_url.clone(),
            secret: secret.map(|loaded| loaded.signing),
            has_certificate: self.certificate.is_some(),
            smtp,
            mail_webhook,
            roots: self.roots.clone(),
        })
    }

    /// What the checks look at.
    ///
    /// # Errors
    /// What is wrong with the settings of mail.
    pub(crate) fn doctor_setup(&self) -> Result<Setup, Failure> {
        let settings = &self.settings;
        Ok(Setup {
            database: self.database.clone(),
            secret: self.secret.path().map(ToOwned::to_owned),
            listen: settings.places().iter().map(ToString::to_string).collect(),
            is_local: settings.places().iter().all(Listen::is_local),
            certificate: self.certificate.clone(),
            public_url: settings.public_url.clone(),
            mail: match &self.mail_way {
                Some(Way::Smtp(_)) => Some("a mail server is set"),
                Some(Way::Webhook(_)) => Some("a URL takes it"),
                None => (self.mode == Mode::Dev).then_some("kept, to be read at /console/desk"),
            },
            mail_host: self.mail_way.as_ref().and_then(|way| match way {
                Way::Smtp(server) => Some(format!("{}:{}", server.host, server.port)),
                Way::Webhook(url) => url.host_str().map(ToOwned::to_owned),
            }),
            dead_links: settings.dead_links(self.mode)?,
            keep_closed: settings.keep_closed,
            trusts_proxies: !settings.trusted_proxies.is_empty(),
        })
    }
}

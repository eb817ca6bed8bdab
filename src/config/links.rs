//! Where the links lead that people get.

use url::Url;

use super::Settings;
use super::listen::Listen;
use super::mail::Way;
use super::parse::is_loopback;
use crate::base::failure::Failure;
use crate::base::mode::Mode;

impl Settings {
    /// Checks that mail has a place that its links lead to: the address that the server listens on
    /// is seldom one that people reach.
    pub(super) fn check_links(&self, mode: Mode) -> Result<(), Failure> {
        let has_place = self.public_url.is_some() || self.accept_url.is_some();
        let flag = match self.mail.way()? {
            Some(Way::Smtp(_)) => "--smtp-url",
            Some(Way::Webhook(_)) => "--mail-webhook",
            None => return Ok(()),
        };
        if mode == Mode::Dev || has_place {
            return Ok(());
        }
        Err(Failure::usage(
            format!(
                "{flag} needs --public-url: without it, links in mail lead to {}",
                self.local_url()
            ),
            "say where people reach this server: --public-url https://invites.example.com (to try \
             it on this machine: --public-url http://127.0.0.1:8080)",
        ))
    }

    /// What is told where links lead nowhere: to the server's own page, which takes a code there
    /// that no mail can bring.
    ///
    /// # Errors
    /// What is wrong with the settings of mail.
    pub(crate) fn dead_links(&self, mode: Mode) -> Result<Option<&'static str>, Failure> {
        let is_dead = mode == Mode::Serve
            && self.accept_url.is_none()
            && self.page.sign_in_url.is_none()
            && self.mail.way()?.is_none();
        Ok(is_dead.then_some(
            "lead nowhere: nobody can accept on the page at /accept without mail; set --smtp-url, \
             or --accept-url to a page of yours",
        ))
    }

    /// What is told where others reach the server, and its links begin with `local_url` all the
    /// same.
    pub(crate) fn local_links(&self, local_url: &str) -> Option<String> {
        let is_open = |place: &Listen| !place.is_local() && !matches!(place, Listen::Systemd(_));
        let is_told = self.public_url.is_none() && self.places().iter().any(is_open);
        is_told.then(|| {
            format!(
                "without --public-url, links begin with {local_url}, which others do not reach: say \
                 where they reach this server"
            )
        })
    }

    /// What is told of links that anybody on their way can read.
    pub(crate) fn plain_links(&self) -> impl Iterator<Item = String> {
        let flags = [
            ("--public-url", &self.public_url),
            ("--accept-url", &self.accept_url),
        ];
        let is_plain = |url: &Url| url.scheme() == "http" && !is_loopback(url);
        flags.into_iter().filter_map(move |(flag, url)| {
            let url = url.as_ref().filter(|url| is_plain(url))?;
            Some(format!(
                "{flag} {url} has no TLS: whoever can read the traffic can take invitations; use \
                 https"
            ))
        })
    }
}

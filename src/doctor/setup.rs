//! The settings, as far as they can be wrong without keeping a server from starting.

use std::path::PathBuf;

use url::{Host, Url};

use super::Finding;
use crate::base::certificate::CertificateFiles;

/// What the checks take from the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The data file.
    pub database: PathBuf,
    /// The file of the secret; none: the secret was given itself.
    pub secret: Option<PathBuf>,
    /// Where the server listens.
    pub listen: Vec<String>,
    /// Whether only this machine reaches it there.
    pub is_local: bool,
    /// The certificate that it shows, if it speaks TLS.
    pub certificate: Option<CertificateFiles>,
    /// Where people and programs reach it, if that is set.
    pub public_url: Option<Url>,
    /// How mail leaves, in a word; none: mail is off.
    pub mail: Option<&'static str>,
    /// The host of the mail server, or of the URL that takes mail.
    pub mail_host: Option<String>,
    /// Why links lead nowhere, if they do.
    pub dead_links: Option<&'static str>,
    /// For how many days closed invitations are kept; none: for ever.
    pub keep_closed: Option<i64>,
    /// Whether any proxy's headers are believed.
    pub trusts_proxies: bool,
}

/// The findings of all settings.
pub(super) fn check(setup: &Setup) -> [Finding; 4] {
    [
        check_public_url(setup),
        check_proxies(setup),
        check_mail(setup),
        check_retention(setup),
    ]
}

/// Whether people reach the server by its public URL, and nobody reads along.
fn check_public_url(setup: &Setup) -> Finding {
    let name = "public_url";
    let fix = "say where people reach this server: --public-url https://invites.example.com";
    let Some(url) = &setup.public_url else {
        return if setup.is_local {
            Finding::ok(name, "not set: only this machine reaches the server")
        } else {
            let detail = "not set, and the server listens beyond this machine: links begin with an \
                address that others do not reach";
            Finding::warn(name, detail, fix)
        };
    };
    let (is_unspecified, is_loopback) = match url.host() {
        Some(Host::Ipv4(ip)) => (ip.is_unspecified(), ip.is_loopback()),
        Some(Host::Ipv6(ip)) => (ip.is_unspecified(), ip.is_loopback()),
        Some(Host::Domain(domain)) => (false, domain == "localhost"),
        None => (true, false),
    };
    if is_unspecified {
        let detail = format!("{url} is no address that anybody can reach");
        Finding::bad(name, detail, fix)
    } else if url.scheme() == "http" && !is_loopback {
        let detail = format!("{url} has no TLS: whoever can read the traffic can take invitations");
        Finding::warn(name, detail, fix)
    } else {
        Finding::ok(name, url.to_string())
    }
}

/// Whether the clients behind a proxy are told apart.
fn check_proxies(setup: &Setup) -> Finding {
    let is_behind = setup
        .public_url
        .as_ref()
        .is_some_and(|url| url.scheme() == "https");
    let is_behind = is_behind && setup.certificate.is_none();
    match (setup.trusts_proxies, is_behind) {
        (true, _) => Finding::ok("proxies", "the headers of some proxies are believed"),
        (false, false) => Finding::ok("proxies", "no proxy is named"),
        (false, true) => Finding::warn(
            "proxies",
            "the public URL has https, so a proxy stands in front, and none is named: all who \
             have no key share one limit",
            "name the proxy with --trusted-proxies, and have it send X-Forwarded-For",
        ),
    }
}

/// Whether invited people hear of their invitations.
fn check_mail(setup: &Setup) -> Finding {
    match (setup.mail, setup.dead_links) {
        (Some(mail), _) => Finding::ok("mail", mail),
        (None, None) => Finding::ok("mail", "off: links come from POST .../link"),
        (None, Some(why)) => Finding::warn(
            "mail",
            format!("off, and links {why}"),
            "set --smtp-url or --mail-webhook, --sign-in-url, or --accept-url",
        ),
    }
}

/// For how long closed invitations are kept. Either is fine.
fn check_retention(setup: &Setup) -> Finding {
    let detail = setup.keep_closed.map_or_else(
        || "closed invitations are kept for ever (--keep-closed)".to_owned(),
        |days| format!("closed invitations are kept for {days} days"),
    );
    Finding::ok("retention", detail)
}

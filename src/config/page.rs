//! Settings of the pages.

use clap::{Args, ValueEnum};
use url::Url;

use super::parse::{parse_http_url, parse_origin};
use super::{Config, Settings};
use crate::api::Offer;
use crate::base::failure::Failure;

/// Whether a server has a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// The part is there.
    #[default]
    On,
    /// The part's paths do not exist.
    Off,
}

/// Settings of the pages.
#[derive(Args, Clone, Debug)]
pub struct PageSettings {
    /// Page where people sign in at the identity provider instead of giving a code: it sends their
    /// id token to /accept as a form, as `response_mode=form_post` does; needs --oidc-issuer
    #[arg(long, env = "INVITED_SIGN_IN_URL", value_name = "URL", value_parser = parse_sign_in_url)]
    pub sign_in_url: Option<Url>,

    /// Origins of pages that may use the operations by token in a browser besides those that links
    /// lead to, by comma, as `https://app.example.com`; dev: the whole API [default: none; dev:
    /// pages of this machine]
    #[arg(long, env = "INVITED_CORS_ORIGINS", value_name = "ORIGIN,...", value_delimiter = ',',
        value_parser = parse_origin)]
    pub cors_origins: Vec<Url>,

    /// Console for operators at /console
    #[arg(
        long,
        env = "INVITED_CONSOLE",
        value_name = "SWITCH",
        default_value = "on"
    )]
    pub console: Switch,

    /// Reference for developers at /docs, and the problems as pages
    #[arg(
        long,
        env = "INVITED_DOCS",
        value_name = "SWITCH",
        default_value = "on"
    )]
    pub docs: Switch,
}

impl Config {
    /// The parts that the server has.
    pub(crate) fn offer(&self) -> Offer {
        let pages = &self.settings.page;
        Offer {
            mode: self.mode,
            console: pages.console == Switch::On,
            docs: pages.docs == Switch::On,
            metrics: self.settings.ports.metrics_listen.is_none(),
        }
    }
}

impl Settings {
    /// Checks that there is a provider whose tokens a sign-in page can send.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn check_sign_in(&self) -> Result<(), Failure> {
        if self.page.sign_in_url.is_none() || self.oidc()?.is_some() {
            return Ok(());
        }
        Err(Failure::usage(
            "--sign-in-url needs an identity provider",
            "give --oidc-issuer, --oidc-audience and --oidc-jwks, too",
        ))
    }
}

/// Reads the URL of a sign-in page. It may have a query, as the address of a provider has.
fn parse_sign_in_url(text: &str) -> Result<Url, String> {
    let url = parse_http_url(text)?;
    let has_login = !url.username().is_empty() || url.password().is_some();
    if !has_login && url.fragment().is_none() {
        Ok(url)
    } else {
        Err("a URL without user name, password and fragment, as \
             https://id.example.com/sign-in"
            .to_owned())
    }
}

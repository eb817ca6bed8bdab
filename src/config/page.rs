//! Settings of the page that links lead to.

use clap::Args;
use url::Url;

use super::Settings;
use crate::base::failure::Failure;

/// Settings of the page that links lead to.
#[derive(Args, Clone, Debug)]
pub struct PageSettings {
    /// Page where people sign in at the identity provider instead of giving a code: it sends their
    /// id token to /accept as a form, as `response_mode=form_post` does; needs --oidc-issuer
    #[arg(long, env = "INVITED_SIGN_IN_URL", value_name = "URL", value_parser = parse_sign_in_url)]
    pub sign_in_url: Option<Url>,
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
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let has_login = !url.username().is_empty() || url.password().is_some();
    if matches!(url.scheme(), "http" | "https") && !has_login && url.fragment().is_none() {
        Ok(url)
    } else {
        Err(
            "an http or https URL without user name, password and fragment, as \
             https://id.example.com/sign-in"
                .to_owned(),
        )
    }
}

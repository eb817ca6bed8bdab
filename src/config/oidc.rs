//! Settings of the identity provider.

use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::parse::{parse_audience, parse_issuer, parse_jwks, parse_lifetime};
use crate::base::failure::Failure;
use crate::base::roots::Roots;
use crate::oidc;

/// Settings of the identity provider. A program without the feature `oidc` has none of them.
#[derive(Args, Clone, Debug)]
pub struct OidcSettings {
    /// Identity provider whose id tokens prove an acceptance: the `iss` of its tokens; with the
    /// next two, or without them
    #[arg(long, env = "INVITED_OIDC_ISSUER", value_name = "URL", value_parser = parse_issuer)]
    pub oidc_issuer: Option<String>,

    /// What the identity provider calls this server: the `aud` of its id tokens
    #[arg(long, env = "INVITED_OIDC_AUDIENCE", value_name = "TEXT", value_parser = parse_audience)]
    pub oidc_audience: Option<String>,

    /// Keys of the identity provider, a JWK set: a file, or an https URL (http on a loopback host)
    #[arg(long, env = "INVITED_OIDC_JWKS", value_name = "FILE|URL", value_parser = parse_jwks)]
    pub oidc_jwks: Option<oidc::Source>,

    /// How long after its issue an id token of the identity provider counts: 1m to 365d
    #[arg(long, env = "INVITED_OIDC_MAX_AGE", value_name = "DURATION", default_value = "1h",
        value_parser = parse_lifetime)]
    pub oidc_max_age: Duration,

    /// Take only id tokens whose `nonce` is that of the link's invitation
    #[arg(long, env = "INVITED_OIDC_NONCE", value_parser = BoolishValueParser::new())]
    pub oidc_nonce: bool,
}

impl OidcSettings {
    /// The identity provider that the settings name, if they name one.
    ///
    /// # Errors
    /// When they name a part of it only.
    pub fn options(&self, roots: Roots) -> Result<Option<oidc::Options>, Failure> {
        let (issuer, audience, jwks) = (&self.oidc_issuer, &self.oidc_audience, &self.oidc_jwks);
        if let (Some(issuer), Some(audience), Some(jwks)) = (issuer, audience, jwks) {
            let (issuer, audience, jwks) = (issuer.clone(), audience.clone(), jwks.clone());
            let (max_age, requires_nonce) = (self.oidc_max_age, self.oidc_nonce);
            return Ok(Some(oidc::Options {
                issuer,
                audience,
                jwks,
                max_age,
                requires_nonce,
                roots,
            }));
        }
        let all = [
            ("--oidc-issuer", issuer.is_none()),
            ("--oidc-audience", audience.is_none()),
            ("--oidc-jwks", jwks.is_none()),
        ];
        let missing: Vec<_> = all
            .iter()
            .filter(|(_, is_missing)| *is_missing)
            .map(|(flag, _)| *flag)
            .collect();
        if missing.len() == all.len() {
            return Ok(None);
        }
        Err(Failure::usage(
            format!(
                "the identity provider is named in part only: no {}",
                missing.join(", no ")
            ),
            "give --oidc-issuer, --oidc-audience and --oidc-jwks, or none of them",
        ))
    }
}

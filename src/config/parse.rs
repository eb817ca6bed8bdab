//! How the values of settings are read. An error is what the command line prints behind the
//! setting's name.

use std::net::IpAddr;
use std::ops::RangeInclusive;
#[cfg(feature = "oidc")]
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use log::LevelFilter;
use url::{Host, Url};

use crate::base::duration;
#[cfg(feature = "oidc")]
use crate::oidc;
use crate::policy::{MAX_LIFETIME_SECONDS, MIN_LIFETIME_SECONDS};
use crate::retention::MAX_DAYS;

/// The module of which all of ours are a part, as filters of the log have it.
const CRATE: &str = env!("CARGO_CRATE_NAME");
/// The longest cool-down between two sendings of an invitation.
const MAX_RESEND_COOLDOWN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Reads a public URL; it ends without a slash, so that paths can be put behind it.
pub(crate) fn parse_public_url(text: &str) -> Result<Url, String> {
    let is_plain = |url: &Url| {
        let has_login = !url.username().is_empty() || url.password().is_some();
        url.query().is_none() && url.fragment().is_none() && !has_login
    };
    let url = parse_http_url(text)?;
    if is_plain(&url) {
        Ok(url)
    } else {
        Err(
            "a URL without user name, password, query and fragment, as https://invites.example.com"
                .to_owned(),
        )
    }
}

/// Reads an http or https URL.
pub(crate) fn parse_http_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        let host = if text.contains("://") || text.is_empty() {
            "invites.example.com"
        } else {
            text
        };
        let plain = Url::parse(&format!("http://{host}"));
        let is_here = plain.is_ok_and(|url| is_loopback(&url));
        let scheme = if is_here { "http" } else { "https" };
        format!("an http or https URL, which begins with its scheme, as {scheme}://{host}")
    })
}

/// Reads a whole number within `range`.
pub(crate) fn parse_number<N: TryFrom<u64>>(
    text: &str,
    range: RangeInclusive<u64>,
) -> Result<N, String> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    let number = number.filter(|number| range.contains(number));
    number
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| format!("a whole number from {} to {}", range.start(), range.end()))
}

/// Reads an origin.
pub(crate) fn parse_origin(text: &str) -> Result<Url, String> {
    if text.contains('*') {
        return Err("no wildcards: list each origin, as https://app.example.com".to_owned());
    }
    if text == "null" {
        return Err(
            "null is what a page without an origin says: list origins, as https://app.example.com"
                .to_owned(),
        );
    }
    let url = parse_public_url(text)?;
    if url.path() == "/" {
        Ok(url)
    } else {
        Err("an origin has no path: https://app.example.com".to_owned())
    }
}

/// Reads an issuer; its text is kept as it is, because tokens are compared with it to the byte.
#[cfg(feature = "oidc")]
pub(crate) fn parse_issuer(text: &str) -> Result<String, String> {
    parse_public_url(text).map(|_| text.to_owned())
}

/// Reads an audience.
#[cfg(feature = "oidc")]
pub(crate) fn parse_audience(text: &str) -> Result<String, String> {
    let is_fine = crate::base::text::is_visible(text)
        && !text.chars().any(crate::base::text::is_invisible)
        && text.len() <= 255;
    if is_fine {
        Ok(text.to_owned())
    } else {
        Err("1 to 255 bytes without control characters".to_owned())
    }
}

/// Reads where keys are: what begins like a URL is one.
#[cfg(feature = "oidc")]
pub(crate) fn parse_jwks(text: &str) -> Result<oidc::Source, String> {
    let begins_with = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if !begins_with("http://") && !begins_with("https://") {
        return Ok(oidc::Source::File(PathBuf::from(text)));
    }
    let url = parse_http_url(text)?;
    // Keys that come over a network without TLS could be anybody's.
    if url.username().is_empty()
        && url.password().is_none()
        && (url.scheme() == "https" || is_loopback(&url))
    {
        Ok(oidc::Source::Url(url))
    } else {
        Err(
            "a file, or an https URL without user name, as https://id.example.com/jwks.json"
                .to_owned(),
        )
    }
}

/// Whether `url` leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads a lifetime.
pub(crate) fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let range = MIN_LIFETIME_SECONDS.unsigned_abs()..=MAX_LIFETIME_SECONDS.unsigned_abs();
    duration::parse_within(text, range, "from a minute (1m) to 365 days (365d)")
}

/// Reads a cool-down.
pub(crate) fn parse_cooldown(text: &str) -> Result<Duration, String> {
    let range = 0..=MAX_RESEND_COOLDOWN.as_secs();
    duration::parse_within(text, range, "from none (0s) to 7 days (7d)")
}

/// Reads for how many days something is kept.
pub(crate) fn parse_days(text: &str) -> Result<i64, String> {
    let parse = |text: &str| parse_number(text, 1..=MAX_DAYS.unsigned_abs());
    parse(text).map_err(|error| {
        let number = text.strip_suffix('d').and_then(|number| parse(number).ok());
        number.map_or(error, |days: i64| {
            format!("whole days, without a unit: {days}")
        })
    })
}

/// Reads a count; 0 switches off what counts.
pub(crate) fn parse_count(text: &str) -> Result<u32, String> {
    parse_number(text, 0..=u64::from(u32::MAX))
}

/// Reads a count of requests a minute; 0: any number.
pub(crate) fn parse_per_minute(text: &str) -> Result<u32, String> {
    let with_unit = |error| format!("requests a minute, as 600; 0 is no limit: {error}");
    parse_count(text).map_err(with_unit)
}

/// Reads a network. A single address is one of its own length.
pub(crate) fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = text
        .parse()
        .or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address)));
    network.map_err(|_| "a network, as 10.0.0.0/8, or an address".to_owned())
}

/// Checks a log filter; what is only warned of elsewhere is an error here. So is a word that is no
/// level: it would be the name of a module, and everything else would be silent.
pub(crate) fn parse_log(text: &str) -> Result<String, String> {
    let (filters, _) = text.split_once('/').unwrap_or((text, ""));
    let is_module = |word: &str| word.is_empty() || word.contains(['=', ':']) || word == CRATE;
    let mut words = filters.split(',').map(str::trim);
    if words.any(|word| !is_module(word) && word.parse::<LevelFilter>().is_err()) {
        return Err("one of error, warn, info, debug, trace, off, or MODULE=LEVEL".to_owned());
    }
    let checked = env_filter::Builder::new()
        .try_parse(text)
        .map(|_| text.to_owned());
    checked.map_err(|error| format!("{error}; as info, or warn,invited=debug"))
}

/// Reads a switch.
pub(crate) fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

//! Settings as a command line gives them: what is accepted is within its range and the same when it
//! is given again.

use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use invited::base::role::Role;
use invited::config::Settings;
use invited::policy::{MAX_LIFETIME_SECONDS, MIN_LIFETIME_SECONDS};
use url::Url;

/// The command line, made once.
static COMMAND: LazyLock<Command> =
    LazyLock::new(|| Settings::augment_args(Command::new("invited")));

/// Checks `data` as arguments, one a line.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Some(settings) = parse(text.lines()) else {
        return;
    };
    check_ranges(&settings);
    let given = given(&settings);
    let again =
        parse(given.iter().map(String::as_str)).expect("what was accepted is accepted again");
    assert_eq!(self::given(&again), given, "what is shown is a fixed point");
}

/// Reads arguments; a wrong one is refused with a sentence that names it.
fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Option<Settings> {
    let arguments = std::iter::once("invited").chain(arguments);
    match COMMAND.clone().try_get_matches_from(arguments) {
        Ok(matches) => {
            Some(Settings::from_arg_matches(&matches).expect("the matches of these very arguments"))
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// Checks that every value is within its range.
fn check_ranges(settings: &Settings) {
    let lifetimes = [Some(settings.default_expiry), settings.mail.remind_before];
    assert!(
        lifetimes.into_iter().flatten().all(is_lifetime),
        "{settings:?}"
    );
    let is_cooldown =
        |cooldown: Duration| cooldown.subsec_nanos() == 0 && cooldown.as_secs() <= 7 * 86_400;
    assert!(
        settings.resend_cooldown.is_none_or(is_cooldown),
        "{settings:?}"
    );
    assert!(
        settings
            .keep_closed
            .is_none_or(|days| (1..=3650).contains(&days)),
        "{settings:?}"
    );
    assert!(
        settings
            .roles
            .iter()
            .all(|role| Role::is_valid(role.as_str())),
        "{settings:?}"
    );
    assert!(
        (2..=100_000).contains(&settings.limits.max_streams),
        "{settings:?}"
    );
    assert!(
        (2..=10_000).contains(&settings.limits.max_webhooks),
        "{settings:?}"
    );
    let urls = settings
        .public_url
        .iter()
        .chain(&settings.accept_url)
        .chain(&settings.redirect_origins);
    urls.for_each(|url| assert!(is_plain(url), "{url}"));
    assert!(
        settings
            .redirect_origins
            .iter()
            .all(|url| url.path() == "/"),
        "{settings:?}"
    );
    assert!(
        !format!("{settings:?}").contains("smtp://"),
        "a password is never shown"
    );
}

/// Whether an invitation may live so long.
fn is_lifetime(lifetime: Duration) -> bool {
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    lifetime.subsec_nanos() == 0 && (MIN_LIFETIME_SECONDS..=MAX_LIFETIME_SECONDS).contains(&seconds)
}

/// Whether a path can be put behind a URL, and whether nothing in it is a secret.
fn is_plain(url: &Url) -> bool {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_web
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// The arguments that say what `settings` are.
fn given(settings: &Settings) -> Vec<String> {
    let time = |time: Duration| humantime::format_duration(time).to_string();
    let mut given = vec![format!(
        "--default-expiry={}",
        time(settings.default_expiry)
    )];
    let mut add = |name: &str, values: Vec<String>| {
        given.extend(values.iter().map(|value| format!("--{name}={value}")));
    };
    let places = settings.listen.iter().map(ToString::to_string);
    add("listen", places.collect());
    let urls = |urls: &[Url]| urls.iter().map(Url::to_string).collect::<Vec<_>>();
    add("public-url", urls(settings.public_url.as_slice()));
    add("accept-url", urls(settings.accept_url.as_slice()));
    add("redirect-origins", urls(&settings.redirect_origins));
    add(
        "roles",
        settings
            .roles
            .iter()
            .map(|role| role.as_str().to_owned())
            .collect(),
    );
    add(
        "resend-cooldown",
        settings.resend_cooldown.map(time).into_iter().collect(),
    );
    add(
        "remind-before",
        settings.mail.remind_before.map(time).into_iter().collect(),
    );
    add(
        "keep-closed",
        settings
            .keep_closed
            .iter()
            .map(ToString::to_string)
            .collect(),
    );
    add(
        "trusted-proxies",
        settings
            .trusted_proxies
            .iter()
            .map(ToString::to_string)
            .collect(),
    );
    add(
        "webhook-allow",
        settings
            .webhook_allow
            .iter()
            .map(ToString::to_string)
            .collect(),
    );
    add("acceptance", vec![settings.mail.acceptance.to_string()]);
    add("max-streams", vec![settings.limits.max_streams.to_string()]);
    add(
        "max-webhooks",
        vec![settings.limits.max_webhooks.to_string()],
    );
    add("log", vec![settings.log.log.clone()]);
    given
}

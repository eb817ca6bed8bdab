//! Logins by a token instead of a password (XOAUTH2), as Microsoft 365 asks: the server is a client
//! of an identity provider, which gives it a token for its secret (OAuth 2.0 client credentials,
//! RFC 6749, 4.4).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use url::Url;

use super::smtp_error::{NoConnection, Part};
use crate::base::roots::Roots;
use crate::base::unanswered::why;

/// How long a request for a token may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const MAX_BYTES: u64 = 64 * 1024;
/// For how long a token is used at most.
const MOST: Duration = Duration::from_secs(24 * 60 * 60);
/// How long before its end a token is used no more.
const SPARE: Duration = Duration::from_secs(60);

/// Where tokens come from, and for whom.
#[derive(Clone, Debug)]
pub struct TokenSource {
    /// The URL that gives them.
    pub url: Url,
    /// What the identity provider calls this server.
    pub client_id: String,
    /// What a token is for.
    pub scope: String,
}

/// The tokens of a source.
pub(crate) struct Tokens {
    /// The source.
    source: TokenSource,
    /// What asks for them.
    agent: Agent,
    /// What the source gave last. Whoever asks it holds this, so that all others get that, too.
    last: Mutex<Last>,
}

/// What a source gave last.
#[derive(Default)]
enum Last {
    /// It was not asked yet, or what it gave is of no use.
    #[default]
    Nothing,
    /// A token, and until when it is used.
    Token(String, Instant),
    /// None.
    Failure {
        /// Why.
        why: String,
        /// Whether we are refused, which waiting does not mend.
        is_barred: bool,
        /// When that was known.
        ended_at: Instant,
    },
}

/// The answer of a source: a token, or an error. What is of an odd type counts as absent.
struct Answer {
    /// The token.
    access_token: Option<String>,
    /// For how long it is good.
    good_for: Duration,
    /// What went wrong, as a code and for people.
    error: String,
}

impl Answer {
    /// Reads the body of an answer. None where it is no JSON.
    fn parse(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        Some(Self {
            access_token: Some(text("access_token").to_owned()).filter(|token| !token.is_empty()),
            good_for: seconds(&body["expires_in"]).min(MOST),
            error: format!("{} {}", text("error"), text("error_description")),
        })
    }
}

/// Seconds, as a number or as a text.
fn seconds(value: &Value) -> Duration {
    let text = value.as_str().and_then(|text| text.trim().parse().ok());
    let seconds: Option<f64> = value.as_f64().or(text);
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.unwrap_or_default()
}

/// Why an answer of this status brings no token.
fn reason(status: u16, answer: Option<&Answer>) -> String {
    let why = match (status, answer) {
        (300..=399, _) => "a redirect, which is not followed",
        (_, None) => "its answer is no JSON",
        (200, Some(_)) => "its answer has no access_token",
        (_, Some(answer)) => answer.error.trim(),
    };
    format!("{status} {why}")
}

impl Tokens {
    /// Tokens of `source`, which is trusted by `roots`.
    pub(crate) fn new(source: TokenSource, roots: &Roots) -> Self {
        // The URL alone decides who gets the secret.
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .proxy(None)
            .tls_config(roots.tls())
            .http_status_as_error(false)
            .user_agent(concat!("invited/", env!("CARGO_PKG_VERSION")));
        Self {
            source,
            agent: config.build().into(),
            last: Mutex::default(),
        }
    }

    /// A token for this secret: the last one, while it is good.
    ///
    /// # Errors
    /// When the source gives none.
    pub(crate) fn get(&self, secret: &str) -> Result<String, NoConnection> {
        let asked_at = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Last::Token(token, until) if Instant::now() < *until => return Ok(token.clone()),
            // Whoever waited for that try would wait as long for one of their own, for the same.
            Last::Failure {
                why,
                is_barred,
                ended_at,
            } if asked_at < *ended_at => {
                return Err(NoConnection {
                    is_barred: *is_barred,
                    ..NoConnection::at(Part::Token, why.as_str())
                });
            }
            _ => {}
        }
        let fetched = self.fetch(secret);
        *last = match &fetched {
            Ok((token, good_for)) => {
                let until = Instant::now() + good_for.saturating_sub(SPARE);
                Last::Token(token.clone(), until)
            }
            Err(failure) => Last::Failure {
                why: failure.error.to_string(),
                is_barred: failure.is_barred,
                ended_at: Instant::now(),
            },
        };
        fetched.map(|(token, _)| token)
    }

    /// Forgets the last token: the mail server refused it.
    pub(crate) fn forget(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Last::Nothing;
    }

    /// Asks for a token. Returns it, and for how long it is good.
    fn fetch(&self, secret: &str) -> Result<(String, Duration), NoConnection> {
        let away = |error: ureq::Error| {
            let error = format!("the login has no token: {}", why(&error));
            NoConnection::at(Part::Token, error)
        };
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.source.client_id),
            ("client_secret", secret),
            ("scope", &self.source.scope),
        ];
        let url = self.source.url.as_str();
        let mut answer = self.agent.post(url).send_form(form).map_err(away)?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(MAX_BYTES);
        let body = body.read_to_vec().map_err(away)?;
        let answer = Answer::parse(&body);
        let why = reason(status, answer.as_ref());
        match answer {
            Some(Answer {
                access_token: Some(token),
                good_for,
                ..
            }) if status == 200 => Ok((token, good_for)),
            _ => Err(NoConnection {
                is_barred: (300..=499).contains(&status) && !matches!(status, 408 | 429),
                ..NoConnection::at(Part::Token, format!("the login has no token: {why}"))
            }),
        }
    }
}

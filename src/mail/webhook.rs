//! Mail without a mail server: a URL of the operator is told of each one, and sends it as it likes.
//!
//! The request is one of Standard Webhooks 1.0.0, signed by a secret that is derived from the
//! server's. It is the only webhook that holds secret links and codes, so its URL is a setting of
//! whoever runs the server, and nothing that a key can change.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;
use serde::Serialize;
use url::Url;
use uuid::Uuid;

use super::context::MailContext;
use super::message::{Composer, Message};
use super::sender::Outcome;
use super::shape::ShapeLog;
use crate::base::clock::Timestamp;
use crate::base::error::{Error, Result};
use crate::base::organization_id::OrganizationId;
use crate::base::roots::Roots;
use crate::secret::{Keyring, Secret};
use crate::webhook::client::{Client, Headers, Reply};
use crate::webhook::guard::Guard;
use crate::webhook::{retry, sign};

/// Every network: the operator says where the mail goes.
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];
/// For how many milliseconds it may ask to be left alone.
const MOST_REST_MS: i64 = 60 * 60 * 1000;
/// The type in the body.
const TYPE: &str = "mail";

/// A URL that takes mail.
pub struct MailWebhook {
    /// The URL.
    url: Url,
    /// What sends.
    client: Client,
    /// From what its secret is derived.
    keyring: Keyring,
    /// How the last try found the endpoint.
    shape: ShapeLog,
}

/// Without its path, which may be as good as a password.
impl fmt::Display for MailWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "webhook {}", self.url.origin().ascii_serialization())
    }
}

/// The body of a request.
#[derive(Serialize)]
struct Body<'a> {
    /// Always the same.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it is sent.
    timestamp: Timestamp,
    /// The mail.
    data: Data<'a>,
}

/// A mail, with all that it takes to send it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    /// What it is for.
    kind: &'static str,
    /// Its `Message-ID`: the same for every try.
    message_id: &'a str,
    /// The organization of the invitation that it is about.
    organization_id: &'a OrganizationId,
    /// The invitation.
    invitation_id: Uuid,
    /// Whom it comes from.
    from: String,
    /// Whom it goes to.
    to: &'a str,
    /// Whom a reply goes to, where not to whom it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    /// Its subject.
    subject: &'a str,
    /// Its two bodies.
    text: &'a str,
    /// As HTML.
    html: &'a str,
    /// The link that it brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    /// The code that it brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// The key by which requests are signed.
fn key(secret: &Secret) -> [u8; 32] {
    secret.mac("mail webhook", &[])
}

/// The secret as the receiver gets it: `whsec_` and 32 bytes in base64.
pub(crate) fn reveal(secret: &Secret) -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(key(secret)))
}

impl MailWebhook {
    /// One at `url` that trusts `roots`.
    pub(crate) fn new(url: Url, roots: &Roots, keyring: Keyring) -> Self {
        let everywhere = EVERYWHERE.map(str::parse::<IpNet>);
        let everywhere: Vec<_> = everywhere.into_iter().flatten().collect();
        Self {
            url,
            client: Client::new(Guard::new(&everywhere, false), roots),
            keyring,
            shape: ShapeLog::default(),
        }
    }

    /// Hands a mail over. Blocks for ten seconds at most.
    pub(crate) fn send(
        &self,
        letter: &MailContext,
        message: &Message,
        composer: &Composer,
    ) -> Outcome {
        let outcome = match self.request(letter, message, composer) {
            Ok((headers, body)) => judge(
                self.client.post(self.url.as_str(), &headers, &body),
                letter.sent_at,
            ),
            Err(error) => Outcome::Deferred(error.to_string()),
        };
        self.shape.note(&outcome, self, "--mail-webhook");
        outcome
    }

    /// The request that hands a mail over.
    fn request(
        &self,
        letter: &MailContext,
        message: &Message,
        composer: &Composer,
    ) -> Result<(Headers, Vec<u8>)> {
        let body = Body {
            kind: TYPE,
            timestamp: letter.sent_at,
            data: Data {
                kind: letter.kind.name(),
                message_id: &message.id,
                organization_id: &letter.organization,
                invitation_id: letter.invitation,
                from: composer.from(letter).to_string(),
                to: message.to.as_str(),
                reply_to: letter.reply_to.as_ref().map(|to| to.as_str()),
                subject: &message.subject,
                text: &message.text,
                html: &message.html,
                link: message.link.as_deref(),
                code: message.code.as_deref(),
            },
        };
        let body = serde_json::to_vec(&body).map_err(Error::internal)?;
        // Full stops part what is signed.
        let id = format!("msg_{}", letter.message_id()).replace('.', "_");
        let now = letter.sent_at;
        // While the secret is being changed, the receiver may still have the one before.
        let signatures: Result<Vec<_>> = self
            .keyring
            .verifying(now)
            .map(|secret| sign::signature(&key(secret), &id, now, &body))
            .collect();
        let headers = Headers {
            id,
            timestamp: sign::seconds(now),
            signature: signatures?.join(" "),
        };
        Ok((headers, body))
    }
}

/// What an answer means for the mail, which was begun at `now`.
fn judge(answer: std::result::Result<Reply, &'static str>, now: Timestamp) -> Outcome {
    let reply = match answer {
        Ok(reply) => reply,
        Err(error) => return Outcome::Unreachable(error.to_owned()),
    };
    let status = reply.status;
    let text = format!("the mail webhook answered {status}");
    match status {
        200..=299 => Outcome::Sent,
        422 => Outcome::Refused(text),
        401 | 403 | 404 | 405 | 410 => Outcome::Barred(text),
        429 | 502 | 503 | 504 => match retry::rest_ms(&reply, now) {
            Some(rest_ms) => Outcome::Resting(text, rest_ms.min(MOST_REST_MS)),
            None => Outcome::Unreachable(text),
        },
        _ => Outcome::Deferred(text),
    }
}

//! The server's side: registers a webhook, and removes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};
use url::Url;

use crate::base::failure::Failure;
use crate::base::organization_id::OrganizationId;
use crate::base::unanswered::why;
use crate::key::token::PlainKey;

/// How long the server may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const MAX_ANSWER: u64 = 64 * 1024;

/// What is asked of the server.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// Whose events; none: those of every organization that the key may see.
    pub organization: Option<OrganizationId>,
    /// Only these types; empty: all.
    pub types: Vec<String>,
}

/// The body of a registration.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewWebhook<'a> {
    /// Where deliveries go.
    url: &'a str,
    /// Whose events.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<&'a str>,
    /// Which of them.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    types: &'a [String],
    /// For whoever finds it in the list.
    description: &'static str,
}

/// A webhook that was registered.
#[derive(Debug, Deserialize)]
pub(crate) struct Registered {
    /// What the server calls it.
    pub id: String,
    /// What its deliveries are signed with. The server shows it this once.
    pub secret: String,
}

/// A server, as a client sees it.
pub(crate) struct Server {
    /// Where it is, without a slash at its end.
    url: String,
    /// The key of the requests; none: a server for development needs none.
    key: Option<PlainKey>,
    /// Keeps a connection.
    agent: Agent,
}

impl Server {
    /// The server at `url`.
    pub(crate) fn new(url: &Url, key: Option<PlainKey>) -> Self {
        // The key goes to the server that was named, and to nobody that it or the environment
        // points to.
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .proxy(None);
        let agent = config.http_status_as_error(false).build().into();
        Self {
            url: url.as_str().trim_end_matches('/').to_owned(),
            key,
            agent,
        }
    }

    /// Registers `url` as a webhook. Blocks.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub(crate) fn register(
        &self,
        registration: &Registration,
        url: &str,
    ) -> Result<Registered, Failure> {
        let organization_id = registration
            .organization
            .as_ref()
            .map(OrganizationId::as_str);
        let types = &registration.types;
        let webhook = NewWebhook {
            url,
            organization_id,
            types,
            description: "invited webhook listen",
        };
        let body = serde_json::to_vec(&webhook).unwrap_or_default();
        let answer = self.send("POST", "/v1/webhooks", body);
        let (status, body) = answer.map_err(|error| {
            Failure::runtime(
                format!("cannot reach {} ({})", self.url, why(&error)),
                "start a server with `invited dev`, or name another one with --url",
            )
        })?;
        if status != 201 {
            return Err(refused(status, &body));
        }
        serde_json::from_slice(&body).map_err(|error| {
            Failure::runtime(
                format!("{} answered what is no webhook ({error})", self.url),
                "see whether --url names a server of this program's version",
            )
        })
    }

    /// Removes the webhook `id`. One that is gone already is as good. Blocks.
    ///
    /// # Errors
    /// When it may still be there.
    pub(crate) fn remove(&self, id: &str) -> Result<(), Failure> {
        match self.send("DELETE", &format!("/v1/webhooks/{id}"), Vec::new()) {
            Ok((200..=299 | 404, _)) => Ok(()),
            Ok((status, body)) => Err(self.not_removed(id, &told(status, &body))),
            Err(error) => Err(self.not_removed(id, why(&error))),
        }
    }

    /// The webhook `id` may still be there.
    pub(crate) fn not_removed(&self, id: &str, why: &str) -> Failure {
        Failure::runtime(
            format!("the webhook {id} could not be removed ({why})"),
            format!("remove it yourself: DELETE {}/v1/webhooks/{id}", self.url),
        )
    }

    /// Sends a request; answers status and body.
    fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Result<(u16, Vec<u8>), ureq::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {}", key.reveal()));
        }
        let mut answer: Response<Body> = if body.is_empty() {
            self.agent.run(request.body(())?)?
        } else {
            self.agent.run(
                request
                    .header("Content-Type", "application/json")
                    .body(body)?,
            )?
        };
        let status = answer.status().as_u16();
        Ok((
            status,
            answer
                .body_mut()
                .with_config()
                .limit(MAX_ANSWER)
                .read_to_vec()?,
        ))
    }
}

/// The server does not want the webhook.
fn refused(status: u16, body: &[u8]) -> Failure {
    let told = told(status, body);
    let hint = match status {
        401 => "give an API key with --key or INVITED_KEY; `invited dev` needs none",
        403 => "the key needs more rights: see `invited key create --help`",
        404 => {
            "see whether --url names a server with webhooks, and the key may see the organization"
        }
        422 if told.contains("/url") => {
            "the server must be `invited dev`, or be started with --webhook-allow 127.0.0.1"
        }
        _ => "see the log of the server",
    };
    Failure::runtime(format!("the server refused the webhook: {told}"), hint)
}

/// What an answer says went wrong: of a problem document all of it, else the status.
fn told(status: u16, body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(detail) = problem["detail"].as_str() else {
        return format!("status {status}");
    };
    let code = problem["code"].as_str().unwrap_or_default();
    let fields = problem["errors"].as_array().into_iter().flatten();
    let field = |field: &Value| {
        format!(
            "\n  {}: {}",
            field["pointer"].as_str().unwrap_or_default(),
            field["detail"].as_str().unwrap_or_default()
        )
    };
    format!(
        "{status} {code}: {detail}{}",
        fields.map(field).collect::<String>()
    )
}

//! One keep-alive connection to the server. No answer is an answer here: the server may be dead.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Longer than any answer may take; a request that hangs counts as not answered.
const TIMEOUT: Duration = Duration::from_secs(30);

/// More than the longest list of a trial.
const BODY_LIMIT: u64 = 1 << 30;

/// A client with one connection and one key.
pub struct Client {
    /// Holds the connection.
    agent: Agent,
    /// `http://127.0.0.1:PORT`
    base: String,
    /// The value of the Authorization header.
    authorization: String,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, or null where there is none.
    pub body: Value,
}

impl Answer {
    /// The error code of a problem document, or nothing.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The id of the invitation in the body, or nothing.
    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_default()
    }
}

impl Client {
    /// A client that connects on first use.
    pub fn new(base: &str, key: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .max_idle_connections_per_host(1)
            .proxy(None)
            .build()
            .new_agent();
        Self { agent, base: base.to_owned(), authorization: format!("Bearer {key}") }
    }

    /// Creates an invitation from a body such as `{"email":..,"role":..}`.
    pub fn create(&self, organization: &str, body: &Value) -> Option<Answer> {
        let url = format!("{}/v1/organizations/{organization}/invitations", self.base);
        let request = self.agent.post(url).header("Authorization", &self.authorization);
        answer(request.send_json(body))
    }

    /// Deletes an invitation.
    pub fn delete(&self, organization: &str, id: &str) -> Option<Answer> {
        let url = format!("{}/v1/organizations/{organization}/invitations/{id}", self.base);
        let request = self.agent.delete(url);
        answer(request.header("Authorization", &self.authorization).call())
    }

    /// Lists all invitations of an organization.
    pub fn list(&self, organization: &str) -> Option<Answer> {
        self.get(&format!("/v1/organizations/{organization}/invitations"))
    }

    /// Reads any path.
    pub fn get(&self, path: &str) -> Option<Answer> {
        let request = self.agent.get(format!("{}{path}", self.base));
        answer(request.header("Authorization", &self.authorization).call())
    }

    /// The status alone of any path.
    pub fn status(&self, path: &str) -> Option<u16> {
        self.get(path).map(|answer| answer.status)
    }
}

/// The answer once its whole body has arrived; a body that breaks off is no answer.
fn answer(response: Result<Response<Body>, ureq::Error>) -> Option<Answer> {
    let mut response = response.ok()?;
    let status = response.status().as_u16();
    let bytes = response.body_mut().with_config().limit(BODY_LIMIT).read_to_vec().ok()?;
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).ok()? };
    Some(Answer { status, body })
}

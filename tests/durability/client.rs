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
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, or null where there is none, or another one than JSON.
    pub body: Value,
}

impl Answer {
    /// The error code of a problem document, or nothing.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// What was made: a whole API key, else the id of the invitation in the body, or nothing.
    pub fn made(&self) -> &str {
        self.body["key"]
            .as_str()
            .or(self.body["id"].as_str())
            .unwrap_or_default()
    }

    /// The answer to one row of a batch, as if it had been a request of its own.
    pub fn row(&self, index: usize) -> Self {
        let result = &self.body["results"][index];
        let Some(status) = result["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
        else {
            return self.clone();
        };
        let body = result
            .get("invitation")
            .or(result.get("error"))
            .cloned()
            .unwrap_or_default();
        Self { status, body }
    }

    /// The status and the error code, or the body where there is no code.
    pub fn brief(&self) -> String {
        match self.code() {
            "" => format!("{} {}", self.status, self.body),
            code => format!("{} {code}", self.status),
        }
    }
}

/// The path of an organization's invitations.
pub fn invitations(organization: &str) -> String {
    format!("/v1/organizations/{organization}/invitations")
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
        Self {
            agent,
            base: base.to_owned(),
            authorization: format!("Bearer {key}"),
        }
    }

    /// The same connection with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            agent: self.agent.clone(),
            base: self.base.clone(),
            authorization: format!("Bearer {key}"),
        }
    }

    /// Creates an invitation from a body such as `{"email":..,"role":..}`.
    pub fn create(&self, organization: &str, body: &Value) -> Option<Answer> {
        self.post(&invitations(organization), body)
    }

    /// Posts to any path.
    pub fn post(&self, path: &str, body: &Value) -> Option<Answer> {
        let request = self.agent.post(format!("{}{path}", self.base));
        answer(
            request
                .header("Authorization", &self.authorization)
                .send_json(body),
        )
    }

    /// Puts at any path.
    pub fn put(&self, path: &str, body: &Value) -> Option<Answer> {
        let request = self.agent.put(format!("{}{path}", self.base));
        answer(
            request
                .header("Authorization", &self.authorization)
                .send_json(body),
        )
    }

    /// Changes what is at any path.
    pub fn patch(&self, path: &str, body: &Value) -> Option<Answer> {
        let request = self.agent.patch(format!("{}{path}", self.base));
        answer(
            request
                .header("Authorization", &self.authorization)
                .send_json(body),
        )
    }

    /// Deletes what is at any path.
    pub fn delete(&self, path: &str) -> Option<Answer> {
        let request = self.agent.delete(format!("{}{path}", self.base));
        answer(request.header("Authorization", &self.authorization).call())
    }

    /// Lists all invitations of an organization.
    pub fn list(&self, organization: &str) -> Option<Answer> {
        self.get(&invitations(organization))
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
    let is_json = response
        .body()
        .mime_type()
        .is_some_and(|kind| kind.ends_with("json"));
    let bytes = response
        .body_mut()
        .with_config()
        .limit(BODY_LIMIT)
        .read_to_vec()
        .ok()?;
    let body = if is_json {
        serde_json::from_slice(&bytes).ok()?
    } else {
        Value::Null
    };
    Some(Answer { status, body })
}

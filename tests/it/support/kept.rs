//! A client that keeps its connection: where thousands of requests follow each other.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use super::TestApp;

/// A kept connection, and the key of its requests.
pub struct Kept {
    /// Holds the connection.
    agent: Agent,
    /// Where the server listens.
    address: SocketAddr,
    /// The admin key.
    key: String,
}

/// A request to the server.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    method: &'static str,
    /// The path with its query.
    path: String,
    /// The body; null: none.
    body: Value,
    /// Whether it bears the key.
    has_key: bool,
}

/// An answer of the server.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<i64>,
    /// The body; null where there is none.
    pub body: Value,
}

impl Call {
    /// A request with the admin key.
    pub fn new(method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self {
            method,
            path: path.into(),
            body,
            has_key: true,
        }
    }

    /// The same request without a key.
    pub fn without_key(self) -> Self {
        Self {
            has_key: false,
            ..self
        }
    }
}

impl Reply {
    /// The `code` of a problem document; empty where it is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Kept {
    /// A client of `app` that connects when it is first used.
    pub fn new(app: &TestApp) -> Self {
        Self {
            agent: agent(),
            address: app.address,
            key: app.key.clone(),
        }
    }

    /// Closes the connection: a server that stops waits for those it has.
    pub fn close(&mut self) {
        self.agent = agent();
    }

    /// Sends a request.
    pub fn send(&self, call: &Call) -> Result<Reply, String> {
        let failed = |error: &dyn Display| format!("{} {}: {error}", call.method, call.path);
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("http://{}{}", self.address, call.path));
        if call.has_key {
            request = request.header("Authorization", format!("Bearer {}", self.key));
        }
        let answer = if matches!(call.method, "GET" | "DELETE") {
            request
                .body(())
                .map_err(|error| failed(&error))
                .map(|request| self.agent.run(request))?
        } else {
            let body = if call.body.is_null() {
                String::new()
            } else {
                call.body.to_string()
            };
            let request = request
                .header("Content-Type", "application/json")
                .body(body);
            request
                .map_err(|error| failed(&error))
                .map(|request| self.agent.run(request))?
        };
        let mut answer = answer.map_err(|error| failed(&error))?;
        let bytes = answer
            .body_mut()
            .read_to_vec()
            .map_err(|error| failed(&error))?;
        let retry_after = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Reply {
            status: answer.status().as_u16(),
            retry_after,
            body,
        })
    }
}

/// A client with at most one connection.
fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)));
    config
        .max_idle_connections_per_host(1)
        .proxy(None)
        .build()
        .new_agent()
}

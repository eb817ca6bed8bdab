//! The application that is being developed: each delivery is handed on to it as it came.

use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::Request;
use url::Url;

use crate::base::unanswered::why;

/// How long the application may take: less than the ten seconds that a server waits, so that the
/// answer is still heard.
const TIMEOUT: Duration = Duration::from_secs(9);
/// The most bytes of an answer that are handed back.
const MAX_ANSWER: u64 = 64 * 1024;

/// A delivery as it came.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The headers that are handed on: names in lowercase, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, to the byte: its signature is over that.
    pub body: Vec<u8>,
}

impl Delivery {
    /// The headers of a delivery that the application has to see: what the signature is over, and
    /// what the body is.
    pub(crate) fn is_handed_on(name: &str) -> bool {
        name.starts_with("webhook-") || name == "content-type"
    }

    /// What it is called; the same for each of its tries. Empty where it has no name.
    pub(crate) fn id(&self) -> String {
        let id = self.headers.iter().find(|(name, _)| name == "webhook-id");
        id.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .unwrap_or_default()
    }

    /// The type of the event that it tells of; empty where it tells of none.
    pub(crate) fn kind(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The status that the application answered, or 502.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
    /// Why there is no answer of the application.
    pub error: Option<String>,
    /// The `Content-Type` of its answer.
    pub content_type: Option<Vec<u8>>,
    /// The body of its answer.
    pub body: Vec<u8>,
}

/// The application.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where it takes webhooks.
    url: Url,
    /// Keeps connections to it.
    agent: Agent,
}

impl Target {
    /// The application at `url`.
    pub(crate) fn new(url: Url) -> Self {
        // What the application answers goes back as it is; and no proxy of the environment leads
        // elsewhere.
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .proxy(None);
        let agent = config.http_status_as_error(false).build().into();
        Self { url, agent }
    }

    /// Hands a delivery on. Blocks, for ten seconds at most.
    pub(crate) fn deliver(&self, delivery: &Delivery) -> Outcome {
        let start = Instant::now();
        match self.send(delivery) {
            Ok(outcome) => Outcome {
                took: start.elapsed(),
                ..outcome
            },
            Err(error) => Outcome {
                status: 502,
                took: start.elapsed(),
                error: Some(format!("cannot reach {} ({})", self.url, why(&error))),
                content_type: None,
                body: Vec::new(),
            },
        }
    }

    /// Sends it, and reads the answer.
    fn send(&self, delivery: &Delivery) -> Result<Outcome, ureq::Error> {
        let mut request = Request::builder().method("POST").uri(self.url.as_str());
        for (name, value) in &delivery.headers {
            request = request.header(name, value.as_slice());
        }
        let mut answer = self.agent.run(request.body(delivery.body.as_slice())?)?;
        let content_type = answer
            .headers()
            .get("content-type")
            .map(|value| value.as_bytes().to_vec());
        let status = answer.status().as_u16();
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()?;
        Ok(Outcome {
            status,
            took: Duration::ZERO,
            error: None,
            content_type,
            body,
        })
    }
}

//! The server, its tenants, and what it sends to.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::Response;

use crate::Outcome;
use crate::peers::{Endpoint, Mailer};

/// The organization of the tenant who asks for little.
pub const LIGHT: &str = "light";
/// The organization of the tenant who asks for much.
pub const HEAVY: &str = "heavy";
/// Longer than any answer may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A server with two tenants.
pub struct World {
    /// The process.
    server: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The operator's key.
    pub admin: String,
    /// The key of the light tenant.
    pub light: String,
    /// The key of the heavy tenant.
    pub heavy: String,
    /// Where mail goes.
    pub mailer: Mailer,
    /// Where webhooks go.
    pub endpoint: Endpoint,
    /// Its data.
    _folder: TempDir,
}

impl World {
    /// Starts a server with default settings, but for the mail server and the webhooks on this
    /// machine.
    pub fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let (mailer, endpoint) = (Mailer::start()?, Endpoint::start()?);
        let binary = std::env::var("INVITED_NEIGHBOURS_BINARY")
            .unwrap_or(env!("CARGO_BIN_EXE_invited").to_owned());
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INVITED_")) {
            command.env_remove(name);
        }
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--public-url",
                "http://127.0.0.1:1",
                "--log",
                "warn",
            ])
            .args([
                "--webhook-allow",
                "127.0.0.0/8",
                "--mail-from",
                "invited@b.co",
                "--limit-recipient",
                "0",
            ])
            .args([
                "--limit-proofs",
                "0",
                "--smtp-url",
                &mailer.url(),
                "--database",
            ])
            .arg(folder.path().join("invited.db"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut server = command.spawn()?;
        let mut lines = BufReader::new(server.stderr.take().ok_or("no stderr")?).lines();
        let (mut address, mut admin) = (None, None);
        for line in lines.by_ref().map_while(Result::ok) {
            let line = line.trim();
            address = address.or(line
                .strip_prefix("listening")
                .map(|url| url.trim().replace("http://", "")));
            admin = admin.or(line
                .strip_prefix("admin key")
                .and_then(|file| std::fs::read_to_string(file.trim()).ok())
                .map(|key| key.trim().to_owned()));
            if line.starts_with("curl ") {
                break;
            }
        }
        // Whatever it says later is read, so that it never waits for that.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let (address, admin) = (
            address.ok_or("no address")?.parse()?,
            admin.ok_or("no key")?,
        );
        let empty = String::new;
        let mut world = Self {
            server,
            address,
            admin,
            light: empty(),
            heavy: empty(),
            mailer,
            endpoint,
            _folder: folder,
        };
        world.light = world.key(LIGHT)?;
        world.heavy = world.key(HEAVY)?;
        Ok(world)
    }

    /// A key that may do everything in one organization.
    fn key(&self, organization: &str) -> Outcome<String> {
        let body =
            json!({ "name": organization, "organizations": [organization], "scopes": ["admin"] });
        let made = Client::new(self, &self.admin).post("/v1/keys", &body)?;
        Ok(made["key"].as_str().ok_or("no key")?.to_owned())
    }

    /// The memory of the server that is in use, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id()))
            .unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or_default()
            * 1024
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A kept connection with a key.
pub struct Client {
    /// Holds the connection.
    agent: Agent,
    /// The server.
    base: String,
    /// The `Authorization` header.
    authorization: String,
}

/// An answer that is a refusal: 429 or 503.
#[derive(Debug)]
pub struct Refused(pub u16);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with {}", self.0)
    }
}

impl std::error::Error for Refused {}

impl Client {
    /// A client with this key.
    pub fn new(world: &World, key: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .proxy(None);
        let base = format!("http://{}", world.address);
        Self {
            agent: config.build().new_agent(),
            base,
            authorization: format!("Bearer {key}"),
        }
    }

    /// GETs a path.
    pub fn get(&self, path: &str) -> Outcome<Value> {
        let request = self.agent.get(format!("{}{path}", self.base));
        read(
            request
                .header("Authorization", &self.authorization)
                .call()?,
        )
    }

    /// POSTs JSON to a path.
    pub fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let request = self.agent.post(format!("{}{path}", self.base));
        read(
            request
                .header("Authorization", &self.authorization)
                .send_json(body)?,
        )
    }

    /// DELETEs a path.
    pub fn delete(&self, path: &str) -> Outcome<Value> {
        let request = self.agent.delete(format!("{}{path}", self.base));
        read(
            request
                .header("Authorization", &self.authorization)
                .call()?,
        )
    }

    /// Invites an address.
    pub fn invite(&self, organization: &str, email: &str, notify: bool) -> Outcome<Value> {
        let body = json!({ "email": email, "role": "viewer", "notify": notify });
        self.post(&invitations(organization), &body)
    }
}

/// The path of an organization's invitations.
pub fn invitations(organization: &str) -> String {
    format!("/v1/organizations/{organization}/invitations")
}

/// The body of an answer of success.
fn read(mut response: Response<ureq::Body>) -> Outcome<Value> {
    let status = response.status().as_u16();
    let bytes = response
        .body_mut()
        .with_config()
        .limit(1 << 30)
        .read_to_vec()?;
    match status {
        200..=299 if bytes.is_empty() => Ok(Value::Null),
        200..=299 => Ok(serde_json::from_slice(&bytes)?),
        429 | 503 => Err(Refused(status).into()),
        _ => Err(format!("{status}: {}", String::from_utf8_lossy(&bytes)).into()),
    }
}

//! The binary at its most talkative: whatever it would ever say is in its log.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::client::{Answer, Request};
use crate::support::process::invited;

/// The binary at its most talkative, with its log in a file.
pub struct Talkative {
    /// The process.
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its admin key.
    pub key: String,
}

impl Talkative {
    /// Starts it in `folder`, with these settings besides.
    pub fn start(folder: &Path, settings: &[&str]) -> Self {
        let log = folder.join("log.txt");
        let words = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log",
            "trace",
            "--resend-cooldown",
            "0s",
        ];
        let limits = [
            "--limit-recipient",
            "0",
            "--limit-address",
            "0",
            "--limit-proofs",
            "0",
        ];
        let mut command = invited();
        command
            .args(words)
            .args(limits)
            .args(settings)
            .arg("--database")
            .arg(folder.join("invited.db"))
            .stdin(Stdio::null());
        let child = command
            .stderr(File::create(&log).expect("a log"))
            .spawn()
            .expect("it starts");
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            key: String::new(),
        };
        let start = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let key = std::fs::read_to_string(folder.join("invited.db.admin-key"));
            if let (Some(address), Ok(key), true) =
                (value(&text, "listening"), key, text.contains("\n  curl "))
            {
                server.address = address
                    .trim_start_matches("http://")
                    .parse()
                    .expect("an address");
                server.key = key.trim().to_owned();
                return server;
            }
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "it does not start: {text}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// POSTs with the admin key.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::new(self.address, "POST", path).bearer(&self.key);
        request
            .header("Idempotency-Key", "planted")
            .json(body.to_string())
            .send()
    }

    /// POSTs without a key.
    pub fn person(&self, what: &str, body: &Value) -> Answer {
        let request = Request::new(self.address, "POST", &format!("/v1/invitations/{what}"));
        request
            .header("Idempotency-Key", "planted")
            .json(body.to_string())
            .send()
    }

    /// GETs with the admin key.
    pub fn get(&self, path: &str) -> Answer {
        Request::new(self.address, "GET", path)
            .bearer(&self.key)
            .send()
    }
}

impl Drop for Talkative {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value behind `name` in the banner.
fn value(text: &str, name: &str) -> Option<String> {
    text.lines()
        .find_map(|line| line.trim_start().strip_prefix(name))
        .map(|value| value.trim().to_owned())
}

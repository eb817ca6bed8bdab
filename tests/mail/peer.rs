//! The mail server as a child process, and the mails that it keeps.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use crate::Outcome;

/// Says how the mail server is started: a program and its first arguments.
const VARIABLE: &str = "INVITED_MAIL_PEER";

/// Characters of a link's token: its prefix, the invitation's id, the MAC.
const TOKEN_LEN: usize = 4 + 32 + 1 + 64;

/// Why there can be no mail server here, if so.
pub fn obstacle() -> Option<String> {
    let named = std::env::var(VARIABLE).is_ok_and(|words| !words.trim().is_empty());
    (!named).then(|| {
        format!("{VARIABLE} does not say how to start the mail server (see tests/mail/main.rs)")
    })
}

/// A running mail server; dropping it kills it.
pub struct Peer(Child);

impl Peer {
    /// Starts it and waits until it listens.
    pub fn start(port: u16, mails: &Path, control: &Path) -> Outcome<Self> {
        let words = std::env::var(VARIABLE)?;
        let mut words = words.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .arg(port.to_string())
            .arg(mails)
            .arg(control);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut said)?;
        let peer = Self(child);
        if said.starts_with("listening") {
            Ok(peer)
        } else {
            Err("the mail server did not listen".into())
        }
    }

    /// Kills it at once, as `kill -9` does, while others still talk to it.
    pub fn kill(mut self) -> Outcome {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A mail that the mail server has taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// Its Message-ID.
    pub message_id: String,
    /// Whom the envelope names.
    pub recipient: String,
    /// Its plain text.
    pub text: String,
}

impl Mail {
    /// The token of the link that it brings, or nothing.
    pub fn token(&self) -> &str {
        let start = self.text.find("ivm_").unwrap_or(self.text.len());
        self.text.get(start..start + TOKEN_LEN).unwrap_or_default()
    }

    /// The invitation that it is about, as 32 hex digits, or nothing.
    pub fn invitation(&self) -> &str {
        self.token().split('_').nth(1).unwrap_or_default()
    }
}

/// All mails in a file of the mail server. Its last line may still be in the making.
pub fn read(path: &Path) -> Outcome<Vec<Mail>> {
    let Ok(bytes) = std::fs::read(path) else {
        return Ok(Vec::new());
    };
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let lines = bytes[..whole]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| Ok(serde_json::from_slice(line)?))
        .collect()
}

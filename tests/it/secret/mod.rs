//! The server's secret: which one belongs to a data file, and how it is changed.
//!
//! [`belongs`]: a missing or another secret is told, never replaced in silence.
//! [`text`]: what can be one.
//! [`rotation`]: a new one signs, the one before verifies. [`webhooks`]: what is signed for them.
//! [`command`]: `invited secret rotate`. [`bond`]: what binds a file to its secret meanwhile.

mod belongs;
mod bond;
mod command;
mod rotation;
mod text;
mod webhooks;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process::{Server, invited};
use crate::support::{Request, invitation, invitations};

/// A good secret.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Another one.
const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// A data file in a folder of its own.
struct Place {
    /// The data file.
    database: PathBuf,
    /// Goes with the test.
    _folder: tempfile::TempDir,
}

/// A server that has an admin key and one pending invitation.
struct Served {
    /// The process.
    server: Server,
    /// The admin key.
    key: String,
    /// The invitation.
    invitation: Value,
}

impl Place {
    /// Where nothing is yet.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            database: folder.path().join("invited.db"),
            _folder: folder,
        }
    }

    /// The default file of the secret.
    fn secret_file(&self) -> PathBuf {
        self.database.with_added_extension("secret")
    }

    /// A command to serve the file.
    fn command(&self) -> Command {
        let mut command = invited();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(&self.database);
        command
    }

    /// Serves the file.
    fn serve(&self) -> Server {
        Server::spawn(&mut self.command())
    }

    /// Serves a new file by `command`, and invites a@b.co.
    fn begin_by(&self, command: &mut Command) -> Served {
        let server = Server::spawn(command);
        let key = server.admin_key().expect("an admin key");
        let invitation = invite(&server, &key, "a@b.co");
        Served {
            server,
            key,
            invitation,
        }
    }

    /// Serves a new file, and invites a@b.co.
    fn begin(&self) -> Served {
        self.begin_by(&mut self.command())
    }

    /// Runs `invited secret rotate` with more words.
    fn rotate(&self, words: &[&str]) -> (Option<i32>, String) {
        ended(
            invited()
                .args(["secret", "rotate", "--database"])
                .arg(&self.database)
                .args(words),
        )
    }
}

impl Served {
    /// Stops the server. Returns the key and the invitation.
    fn stop(self) -> (String, Value) {
        stop(self.server);
        (self.key, self.invitation)
    }
}

/// Stops a server.
fn stop(server: Server) {
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Invites a person to acme.
fn invite(server: &Server, key: &str, email: &str) -> Value {
    let body = json!({ "email": email, "role": "developer" }).to_string();
    let answer = server
        .request("POST", &invitations("acme"))
        .bearer(key)
        .json(body)
        .send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// The token of an invitation's link.
fn token(server: &Server, key: &str, shown: &Value) -> String {
    let path = format!("{}/link", invitation("acme", &shown["id"]));
    let answer = server.request("POST", &path).bearer(key).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["token"].as_str().expect("a token").to_owned()
}

/// The status of a look-up by a link.
fn lookup(server: &Server, token: &str) -> u16 {
    let request: Request = server.request("POST", "/v1/invitations/lookup");
    request
        .json(json!({ "token": token }).to_string())
        .send()
        .status
}

/// Runs a command that must end by itself. Returns its exit code and what it printed.
fn ended(command: &mut Command) -> (Option<i32>, String) {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it goes on instead of ending");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut printed = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut printed)
        .expect("text");
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut printed)
        .expect("text");
    (status.code(), printed)
}

/// Starts a command that must be refused with exit code `code` and with all of `words`.
fn refused(command: &mut Command, code: i32, words: &[&str]) {
    let (status, printed) = ended(command);
    assert_eq!(status, Some(code), "{printed}");
    for word in words.iter().chain(&["hint: "]) {
        assert!(printed.contains(word), "{word:?} is missing in: {printed}");
    }
}

/// The notes of a banner.
fn notes(server: &Server) -> Vec<&str> {
    server
        .banner
        .iter()
        .filter_map(|line| line.trim_start().strip_prefix("note "))
        .map(str::trim)
        .collect()
}

/// Writes a file for its owner alone.
fn write(path: &Path, text: impl AsRef<[u8]>) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).expect("it is written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .expect("its rights are set");
}

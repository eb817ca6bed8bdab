//! The real binary without limits, and one connection to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use invited::invitation::link::{self, TokenKind};
use invited::secret::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// The address that is invited.
pub const INVITED: &str = "somebody.here@example.com";

/// The server, with one invitation.
pub struct Server {
    /// The process.
    child: Child,
    /// Where it listens.
    address: String,
    /// Its admin key.
    key: String,
    /// The folder of its file.
    folder: TempDir,
}

impl Server {
    /// Starts it on a file in memory where there is one, so that no disk hides what the program
    /// does.
    pub fn start() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .expect("a temporary folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_invited"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INVITED_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "error"]);
        command.args([
            "--limit-address",
            "0",
            "--limit-proofs",
            "0",
            "--limit-codes",
            "0",
            "--limit-recipient",
            "0",
        ]);
        command
            .arg("--database")
            .arg(folder.path().join("invited.db"));
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut banner = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (mut address, mut key) = (None, None);
        while address.is_none() || key.is_none() {
            let line = banner.next().expect("it goes on").expect("text");
            address = address.or(line
                .trim()
                .strip_prefix("listening")
                .map(|url| url.trim().replace("http://", "")));
            key = key.or(line
                .trim()
                .strip_prefix("admin key")
                .map(|file| std::fs::read_to_string(file.trim()).expect("the file of the key"))
                .map(|key| key.trim().to_owned()));
        }
        // What it still has to say must find a reader.
        std::thread::spawn(move || banner.for_each(drop));
        let (address, key) = (address.expect("seen"), key.expect("seen"));
        Self {
            child,
            address,
            key,
            folder,
        }
    }

    /// Makes the invitation. Returns the token that an application gets, and the one that is mailed.
    pub fn tokens(&self) -> [String; 2] {
        let mut connection = self.connect();
        connection.authorization = format!("Authorization: Bearer {}\r\n", self.key);
        let path = "/v1/organizations/acme/invitations";
        let made = connection
            .ask(path, &json!({ "email": INVITED, "role": "developer" }))
            .1;
        let link = connection
            .ask(
                &format!("{path}/{}/link", made["id"].as_str().expect("an id")),
                &json!({}),
            )
            .1;
        let given = link["token"].as_str().expect("a token").to_owned();
        let id = Uuid::try_parse(made["id"].as_str().expect("an id")).expect("an id");
        [given, link::token(&self.secret(), TokenKind::Mailed, id, 0)]
    }

    /// The secret that it has made.
    fn secret(&self) -> Secret {
        let file = self.folder.path().join("invited.db.secret");
        let text = std::fs::read_to_string(file).expect("the secret");
        Secret::new(text.trim()).expect("a good secret")
    }

    /// A connection that stays open.
    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).expect("the server accepts");
        stream.set_nodelay(true).expect("it can be set");
        Connection {
            stream: BufReader::new(stream),
            authorization: String::new(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that stays open.
pub struct Connection {
    /// The connection.
    stream: BufReader<TcpStream>,
    /// The line that carries a key, if any.
    authorization: String,
}

impl Connection {
    /// POSTs; answers the status, and the nanoseconds from the first byte sent to the last byte
    /// received.
    #[allow(clippy::cast_precision_loss, reason = "no request takes days")]
    pub fn post(&mut self, path: &str, body: &Value) -> (u16, f64) {
        let request = self.request(path, body);
        let start = Instant::now();
        let (status, _) = self.send(&request);
        (status, start.elapsed().as_nanos() as f64)
    }

    /// POSTs; answers the status and the body.
    fn ask(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.request(path, body);
        let (status, body) = self.send(&request);
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    /// The bytes of a request.
    fn request(&self, path: &str, body: &Value) -> Vec<u8> {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\n{}Content-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n",
            self.authorization,
            body.len()
        );
        (head + &body).into_bytes()
    }

    /// Sends a request and reads its answer.
    fn send(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        self.stream
            .get_mut()
            .write_all(request)
            .expect("it is sent");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("the answer reads");
            match line.trim_end().split_once([' ', ':']) {
                None => break,
                Some(("HTTP/1.1", rest)) => status = rest[..3].parse().expect("a status"),
                Some(("content-length", value)) => length = value.trim().parse().expect("a length"),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("the body reads");
        (status, body)
    }
}

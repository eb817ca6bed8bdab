//! What the server sends to: a mail server and an endpoint of webhooks. Whatever is addressed to
//! `stall` hears nothing for as long as the sender likes to wait.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::Outcome;

/// How long a stall lasts: longer than anybody waits.
const STALL: Duration = Duration::from_secs(60);
/// How long a mail takes that does not stall.
const MAIL: Duration = Duration::from_millis(20);

/// What came, by a word that names it.
#[derive(Clone, Default)]
struct Arrived(Arc<Mutex<HashSet<String>>>);

impl Arrived {
    /// Notes that something came.
    fn note(&self, word: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(word.to_owned());
    }

    /// Whether it came.
    fn has(&self, word: &str) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(word)
    }
}

/// Serves each connection on a thread of its own.
fn serve(each: impl Fn(TcpStream) + Clone + Send + 'static) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    Ok(address)
}

/// A mail server.
pub struct Mailer {
    /// Where it listens.
    address: SocketAddr,
    /// The recipients and kinds of mail that came.
    arrived: Arrived,
}

impl Mailer {
    /// Starts it.
    pub fn start() -> Outcome<Self> {
        let arrived = Arrived::default();
        let of_threads = arrived.clone();
        let address = serve(move |stream| drop(talk(&stream, &of_threads)))?;
        Ok(Self { address, arrived })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// Whether a mail to this address came; with `code` in front of it, a mail with a code.
    pub fn has(&self, word: &str) -> bool {
        self.arrived.has(word)
    }
}

/// One connection of SMTP.
fn talk(stream: &TcpStream, arrived: &Arrived) -> std::io::Result<()> {
    let (mut out, mut lines) = (stream, BufReader::new(stream).lines());
    out.write_all(b"220 peer\r\n")?;
    let mut recipient = String::new();
    while let Some(line) = lines.next().transpose()? {
        let verb = line.get(..4).unwrap_or_default().to_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                if recipient.starts_with("stall") {
                    thread::sleep(STALL);
                    return Ok(());
                }
                b"250 OK\r\n"
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let text: Vec<_> = lines
                    .by_ref()
                    .map_while(Result::ok)
                    .take_while(|line| line != ".")
                    .collect();
                let has_code = text
                    .iter()
                    .any(|line| line.starts_with("Subject:") && line.contains("code"));
                arrived.note(&recipient);
                if has_code {
                    arrived.note(&format!("code {recipient}"));
                }
                thread::sleep(MAIL);
                b"250 OK\r\n"
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => b"250 OK\r\n",
        };
        out.write_all(answer)?;
    }
    Ok(())
}

/// An endpoint of webhooks.
pub struct Endpoint {
    /// Where it listens.
    address: SocketAddr,
    /// The invitations that it was told of.
    arrived: Arrived,
}

impl Endpoint {
    /// Starts it.
    pub fn start() -> Outcome<Self> {
        let arrived = Arrived::default();
        let of_threads = arrived.clone();
        let address = serve(move |stream| drop(answer(stream, &of_threads)))?;
        Ok(Self { address, arrived })
    }

    /// The URL of a good endpoint, or of one that stalls.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Whether it was told of this invitation.
    pub fn has(&self, id: &str) -> bool {
        self.arrived.has(id)
    }
}

/// One request.
fn answer(mut stream: TcpStream, arrived: &Arrived) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
        head += &line;
    }
    if head.starts_with("POST /stall") {
        thread::sleep(STALL);
        return Ok(());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    arrived.note(body["data"]["invitationId"].as_str().unwrap_or_default());
    stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
}

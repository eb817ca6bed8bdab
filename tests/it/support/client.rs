//! A client that sends exactly the bytes it is told: tests need methods, headers and paths that a
//! good client refuses.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use super::log_gate;
use socket2::{Domain, Socket, Type};

/// A request in the making.
#[derive(Clone)]
pub struct Request {
    /// Where it goes.
    address: SocketAddr,
    /// The request line and the headers so far.
    head: String,
    /// The body.
    body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status; 0 where the connection was closed without an answer.
    pub status: u16,
    /// Names in lowercase, and values.
    pub headers: Vec<(String, String)>,
    /// The body, whatever carried it.
    pub body: Vec<u8>,
}

impl Request {
    /// A request for `method` and `path`, both sent as they are.
    pub fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        Self {
            address,
            head,
            body: Vec::new(),
        }
    }

    /// A request after which its connection is kept.
    pub fn kept(address: SocketAddr, method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
        Self {
            address,
            head,
            body: Vec::new(),
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if ["Authorization", "Cookie"].contains(&name) {
            log_gate::remember(value);
        }
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    /// Adds a key.
    pub fn bearer(self, key: &str) -> Self {
        self.header("Authorization", &format!("Bearer {key}"))
    }

    /// Adds a JSON body.
    pub fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    /// Adds a body with its length.
    pub fn body(self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        Self {
            body: body.to_vec(),
            ..self.header("Content-Length", &body.len().to_string())
        }
    }

    /// Sends it and reads the whole answer.
    pub fn send(self) -> Answer {
        raw(self.address, &self.bytes())
    }

    /// The request as it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

/// A connection from one of the addresses of this machine to a server.
pub fn connect_from(from: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::new(IpAddr::from(from), 0).into())
        .expect("an address of this machine");
    socket.connect(&address.into()).expect("the server accepts");
    socket.into()
}

/// Sends `bytes` and reads the answer until the server closes the connection; of a stream of
/// events, which never ends, its first part.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    answer_on(
        TcpStream::connect(address).expect("the server accepts"),
        bytes,
    )
}

/// [`raw`], on a connection that is there already.
pub fn answer_on(mut stream: TcpStream, bytes: &[u8]) -> Answer {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout can be set");
    // A server that refuses early closes while we write: its answer counts, not our error.
    let _ = stream.write_all(bytes);
    let (mut answer, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    while let Ok(count @ 1..) = read_some(&mut stream, &mut buffer) {
        answer.extend_from_slice(&buffer[..count]);
        if answer.ends_with(b"\n\n\r\n")
            && String::from_utf8_lossy(&answer).contains("content-type: text/event-stream")
        {
            break;
        }
    }
    Answer::parse(&answer)
}

/// Reads what has come. A read with a timeout ends when the process is stopped for a moment,
/// whatever the signal.
fn read_some(stream: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Sends `bytes` and reads one answer, which has a length; the connection is kept.
pub fn answer_kept(stream: &mut TcpStream, bytes: &[u8]) -> Answer {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout can be set");
    answer_kept_over(stream, bytes)
}

/// [`answer_kept`], over whatever carries it.
pub fn answer_kept_over(stream: &mut (impl Read + Write), bytes: &[u8]) -> Answer {
    stream.write_all(bytes).expect("the request goes");
    let (mut read, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = read_some(stream, &mut buffer).expect("an answer");
        read.extend_from_slice(&buffer[..count]);
        let answer = Answer::parse(&read);
        let length = answer
            .header("content-length")
            .and_then(|length| length.parse().ok());
        if count == 0 || length.is_some_and(|length: usize| answer.body.len() >= length) {
            return answer;
        }
    }
}

impl Answer {
    /// Takes an answer apart.
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .unwrap_or(0);
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let (name, value) = (name.to_lowercase(), value.trim().to_owned());
            if name == "set-cookie" {
                log_gate::remember(value.split(';').next().unwrap_or_default());
            }
            Some((name, value))
        };
        let headers: Vec<_> = lines.filter_map(header).collect();
        let body = bytes.get(end + 4..).unwrap_or_default();
        let is_chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if is_chunked {
            dechunk(body)
        } else {
            body.to_vec()
        };
        Self {
            status,
            headers,
            body,
        }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The `code` of a problem document.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body without its request id: what must be the same for two requests.
    pub fn without_request_id(&self) -> String {
        let id = self.header("x-request-id").unwrap_or_default();
        self.text().replace(id, "<request id>")
    }
}

/// Joins the chunks of a body.
fn dechunk(mut body: &[u8]) -> Vec<u8> {
    let mut joined = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&body[..end])
            .ok()
            .and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|&size| size > 0) else {
            break;
        };
        joined.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
    joined
}

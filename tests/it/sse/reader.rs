//! A client that reads a stream of events as its bytes come.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, TestApp};

/// What a stream says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An event: its id, its type, and its data.
    Event(String, String, Value),
    /// A comment.
    Beat,
    /// After how many milliseconds to come back.
    Retry(u64),
    /// It ended as it should.
    End,
    /// It was cut off.
    Cut,
}

/// An open stream.
pub struct Reader {
    /// The connection.
    socket: TcpStream,
    /// What came and is not taken apart yet: chunks.
    chunks: Vec<u8>,
    /// What was in the chunks and is no whole block yet.
    text: String,
    /// The head of the answer.
    pub head: Answer,
}

/// A request for the stream of acme, with `more` behind its path and the header `Last-Event-ID`, if
/// one is given.
pub fn ask(app: &TestApp, key: &str, more: &str, last: Option<&str>) -> TcpStream {
    let mut head = format!(
        "GET /v1/organizations/acme/events/stream{more} HTTP/1.1\r\nHost: {}\r\n",
        app.address
    );
    if !key.is_empty() {
        head += &format!("Authorization: Bearer {key}\r\n");
    }
    if let Some(last) = last {
        head += &format!("Last-Event-ID: {last}\r\n");
    }
    let mut socket = TcpStream::connect(app.address).expect("it accepts");
    socket
        .write_all(format!("{head}\r\n").as_bytes())
        .expect("the request goes");
    socket
}

impl Reader {
    /// Opens the stream of acme, which must work, and reads its beginning.
    pub fn open(app: &TestApp, key: &str, more: &str, last: Option<&str>) -> Self {
        Self::of_socket(ask(app, key, more, last))
    }

    /// Reads the beginning of the stream that was asked for on `socket`; it must work.
    pub fn of_socket(mut socket: TcpStream) -> Self {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            assert_eq!(
                socket.read(&mut byte).expect("it answers"),
                1,
                "{}",
                String::from_utf8_lossy(&head)
            );
            head.push(byte[0]);
        }
        let head = Answer::parse(&head);
        assert_eq!(head.status, 200, "{head:?}");
        let mut reader = Self {
            socket,
            chunks: Vec::new(),
            text: String::new(),
            head,
        };
        assert_eq!(reader.next(), Said::Retry(2000));
        reader
    }

    /// Opens the stream of acme with the admin key.
    pub fn of(app: &TestApp) -> Self {
        Self::open(app, &app.key, "", None)
    }

    /// What it says next; it must say something within ten seconds.
    pub fn next(&mut self) -> Said {
        self.within(Duration::from_secs(10))
            .expect("it says something")
    }

    /// The id and the data of its next event; heartbeats are passed over.
    pub fn event(&mut self) -> (String, Value) {
        loop {
            match self.next() {
                Said::Event(id, _, data) => return (id, data),
                Said::Beat => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The ids of its next `count` events.
    pub fn ids(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.event().0).collect()
    }

    /// What it says within `time`.
    pub fn within(&mut self, time: Duration) -> Option<Said> {
        let deadline = Instant::now() + time;
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let said = parse(block);
                self.text = rest.to_owned();
                return Some(said);
            }
            if let Some(chunk) = self.take_chunk() {
                if chunk.is_empty() {
                    return Some(Said::End);
                }
                self.text += &String::from_utf8(chunk).expect("whole characters");
                continue;
            }
            let left = deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())?;
            self.socket
                .set_read_timeout(Some(left))
                .expect("a timeout can be set");
            let mut buffer = [0; 4096];
            match self.socket.read(&mut buffer) {
                Ok(0) => return Some(Said::Cut),
                Ok(count) => self.chunks.extend_from_slice(&buffer[..count]),
                Err(_) if Instant::now() >= deadline => return None,
                Err(_) => return Some(Said::Cut),
            }
        }
    }

    /// Takes one whole chunk; the last one is empty.
    fn take_chunk(&mut self) -> Option<Vec<u8>> {
        let end = self
            .chunks
            .windows(2)
            .position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&self.chunks[..end]).ok()?;
        let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
        let chunk = self.chunks.get(end + 2..end + 2 + size + 2)?[..size].to_vec();
        self.chunks.drain(..end + 2 + size + 2);
        Some(chunk)
    }
}

/// Takes a block apart.
fn parse(block: &str) -> Said {
    if block == ":" {
        return Said::Beat;
    }
    let lines: Vec<_> = block.lines().collect();
    match lines[..] {
        [retry] => Said::Retry(
            retry
                .strip_prefix("retry: ")
                .and_then(|millis| millis.parse().ok())
                .expect(block),
        ),
        [id, kind, data] => Said::Event(
            id.strip_prefix("id: ").expect(block).to_owned(),
            kind.strip_prefix("event: ").expect(block).to_owned(),
            serde_json::from_str(data.strip_prefix("data: ").expect(block))
                .expect("JSON in one line"),
        ),
        _ => panic!("{block}"),
    }
}

//! A server that answers what it is told to, and remembers what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::support::Answer;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method and the path.
    pub line: String,
    /// Its headers and its body: the parts of a message are the same in both directions.
    pub message: Answer,
}

/// A server that answers what it is told to.
pub struct Scripted {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it was asked, in order.
    asked: Receiver<Asked>,
}

impl Scripted {
    /// A server that answers each request with what `answer` makes of it: status and body.
    pub fn start(answer: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("it connects");
                let request = read(&mut stream);
                let (status, body) = answer(&request);
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nLocation: \
                     http://127.0.0.1:1/\r\n\
                     Connection: close\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                // The test may be over by now.
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
                if tell.send(request).is_err() {
                    return;
                }
            }
        });
        Self { address, asked }
    }

    /// What it was asked next; it must be asked within ten seconds.
    pub fn next(&self) -> Asked {
        self.asked
            .recv_timeout(Duration::from_secs(10))
            .expect("it is asked")
    }

    /// Whether it was asked nothing more.
    pub fn is_silent(&self) -> bool {
        self.asked.recv_timeout(Duration::from_millis(200)).is_err()
    }
}

/// Reads a request with a body of a known length.
fn read(stream: &mut impl Read) -> Asked {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let message = Answer::parse(&bytes);
        let length = message
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let has_head = bytes.windows(4).any(|window| window == b"\r\n\r\n");
        if has_head && message.body.len() >= length {
            let line = String::from_utf8_lossy(&bytes)
                .lines()
                .next()
                .unwrap_or_default()
                .replace(" HTTP/1.1", "");
            return Asked { line, message };
        }
        let count = stream.read(&mut buffer).expect("a request");
        assert_ne!(
            count,
            0,
            "a request ended early: {}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&buffer[..count]);
    }
}

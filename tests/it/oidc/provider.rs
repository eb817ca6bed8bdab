//! An identity provider's web server, as far as keys go: it answers what it is told, and counts.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

/// A server on a port of its own.
pub struct Provider {
    /// Where it listens.
    address: SocketAddr,
    /// What it knows and does.
    shared: Arc<Shared>,
    /// The thread that answers.
    thread: Option<JoinHandle<()>>,
}

/// What the server's thread shares with the test.
#[derive(Default)]
struct Shared {
    /// The bytes of its answer.
    answer: Mutex<Vec<u8>>,
    /// Milliseconds between two bytes of the answer; 0: at once.
    pause_millis: AtomicUsize,
    /// How many requests it had.
    requests: AtomicUsize,
    /// Whether it is to end.
    is_over: AtomicBool,
}

/// An answer with a status line, headers and a body.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

impl Provider {
    /// A server that publishes `jwks`.
    pub fn publishing(jwks: &Value) -> Self {
        let provider = Self::answering(&answer("200 OK", "", &jwks.to_string()));
        assert_eq!(provider.requests(), 0);
        provider
    }

    /// A server that answers `bytes`, whatever they are.
    pub fn answering(bytes: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if for_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                for_thread.serve(stream);
            }
        });
        let provider = Self {
            address,
            shared,
            thread: Some(thread),
        };
        provider.answer_from_now_on(bytes);
        provider
    }

    /// Publishes `jwks` from now on.
    pub fn publish(&self, jwks: &Value) {
        self.answer_from_now_on(&answer("200 OK", "", &jwks.to_string()));
    }

    /// Answers `bytes` from now on.
    pub fn answer_from_now_on(&self, bytes: &str) {
        *self.shared.answer.lock().expect("no panic") = bytes.as_bytes().to_vec();
    }

    /// Waits so long before each byte from now on.
    pub fn dribble(&self, pause_millis: usize) {
        self.shared
            .pause_millis
            .store(pause_millis, Ordering::SeqCst);
    }

    /// The URL of its keys.
    pub fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    /// How many requests it had.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// Answers one request.
    fn serve(&self, mut stream: TcpStream) {
        let lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
        let head: Vec<_> = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        if head.is_empty() {
            return;
        }
        self.requests.fetch_add(1, Ordering::SeqCst);
        let bytes = self.answer.lock().expect("no panic").clone();
        let pause = self.pause_millis.load(Ordering::SeqCst);
        let chunk = if pause == 0 { bytes.len().max(1) } else { 1 };
        for part in bytes.chunks(chunk) {
            std::thread::sleep(Duration::from_millis(
                u64::try_from(pause).unwrap_or_default(),
            ));
            // A client that has had enough goes away.
            if self.is_over.load(Ordering::SeqCst) || stream.write_all(part).is_err() {
                return;
            }
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

//! An endpoint of webhooks, scripted request by request.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Answer;

/// What the endpoint does with one request, once it has read it.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers this status without a body.
    Status(u16),
    /// Answers this status, and asks to be left alone for so long.
    Later(u16, &'static str),
    /// Answers 204 after so many milliseconds.
    Slow(u64),
    /// Answers 307 to another endpoint.
    Redirect(SocketAddr),
    /// Answers 200 with a page for people.
    Html,
    /// Answers 200 with a body of a gigabyte.
    Gigabyte,
    /// Closes the connection without an answer.
    Drop,
    /// Closes the connection within the first line of its answer.
    Cut,
    /// Says nothing until it is released or goes, and closes the connection then.
    Stall,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The first line, without the version of HTTP.
    pub line: String,
    /// Its headers and its body: the parts of a message are the same in both directions.
    pub message: Answer,
}

impl Received {
    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.message.header(name).unwrap_or_default()
    }
}

/// What its connections share.
#[derive(Debug)]
struct Shared {
    /// What is done with the next requests.
    script: Mutex<VecDeque<Act>>,
    /// What is done with those after them.
    default: Mutex<Act>,
    /// What came.
    received: Mutex<Vec<Received>>,
    /// How many connections were made.
    connections: AtomicUsize,
    /// How many of them are open.
    open: AtomicUsize,
    /// The most of them that were open at the same time.
    most_open: AtomicUsize,
    /// How many bytes of large bodies were written.
    written: AtomicU64,
    /// Whether nobody is made to wait any more.
    is_released: AtomicBool,
    /// Whether it is over.
    is_over: AtomicBool,
}

/// An endpoint. Without a script it answers 204.
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its connections share.
    shared: Arc<Shared>,
}

impl Endpoint {
    /// An endpoint on a free port.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"))
    }

    /// An endpoint at this address.
    pub fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the port is free");
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            default: Mutex::new(Act::Status(204)),
            received: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            is_released: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        });
        let (address, for_thread) = (
            listener.local_addr().expect("an address"),
            Arc::clone(&shared),
        );
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if for_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                for_thread.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&for_thread);
                std::thread::spawn(move || {
                    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
                    shared.most_open.fetch_max(open, Ordering::SeqCst);
                    // The client may close whenever it likes.
                    drop(serve(stream, &shared));
                });
            }
        });
        Self { address, shared }
    }

    /// An endpoint that does this with every request.
    pub fn that_does(act: Act) -> Self {
        let endpoint = Self::start();
        endpoint.always(act);
        endpoint
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Does this with the next requests, in this order.
    pub fn script(&self, acts: &[Act]) {
        lock(&self.shared.script).extend(acts.iter().cloned());
    }

    /// Does this with all requests that no script is for.
    pub fn always(&self, act: Act) {
        *lock(&self.shared.default) = act;
    }

    /// Lets go of those who wait.
    pub fn release(&self) {
        self.shared.is_released.store(true, Ordering::SeqCst);
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// Waits until so many requests came; answers them.
    pub fn wait(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} requests came",
                received.len()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The most connections that were open at the same time.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// How many bytes of large bodies it could write.
    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::SeqCst)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.release();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

/// Takes a lock, whatever became of its last holder.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one connection, which has one request.
fn serve(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let request = read(&mut stream);
    let Some(request) = request.inspect_err(|_| close(shared))? else {
        close(shared);
        return Ok(());
    };
    let act = lock(&shared.script)
        .pop_front()
        .unwrap_or_else(|| lock(&shared.default).clone());
    lock(&shared.received).push(request);
    if matches!(act, Act::Stall) {
        while !shared.is_released.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    if let Act::Slow(ms) = act {
        std::thread::sleep(Duration::from_millis(ms));
    }
    // The client sees the end of the answer, and opens its next connection, after this.
    close(shared);
    let head =
        |status: &str, more: &str| format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n");
    match act {
        Act::Status(status) => {
            stream.write_all(head(&format!("{status} X"), "Content-Length: 0\r\n").as_bytes())
        }
        Act::Later(status, until) => {
            let more = format!("Content-Length: 0\r\nRetry-After: {until}\r\n");
            stream.write_all(head(&format!("{status} X"), &more).as_bytes())
        }
        Act::Slow(_) => stream.write_all(head("204 X", "Content-Length: 0\r\n").as_bytes()),
        Act::Redirect(to) => {
            let location = format!("Location: http://{to}/\r\nContent-Length: 0\r\n");
            stream.write_all(head("307 X", &location).as_bytes())
        }
        Act::Html => {
            let body = "<!doctype html><title>Hello</title>";
            let more = format!(
                "Content-Type: text/html\r\nContent-Length: {}\r\n",
                body.len()
            );
            stream.write_all(format!("{}{body}", head("200 OK", &more)).as_bytes())
        }
        Act::Gigabyte => {
            stream.write_all(head("200 OK", "Content-Length: 1073741824\r\n").as_bytes())?;
            for _ in 0..1024 * 16 {
                stream.write_all(&[b'x'; 64 * 1024])?;
                shared.written.fetch_add(64 * 1024, Ordering::SeqCst);
            }
            Ok(())
        }
        Act::Cut => stream.write_all(b"HTTP/1.1 20"),
        Act::Drop | Act::Stall => Ok(()),
    }
}

/// Counts a connection as closed.
fn close(shared: &Shared) {
    shared.open.fetch_sub(1, Ordering::SeqCst);
}

/// Reads a request with a body of a known length; none: the client closed before its end.
fn read(stream: &mut TcpStream) -> std::io::Result<Option<Received>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let message = Answer::parse(&bytes);
        let length = message
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        if bytes.windows(4).any(|window| window == b"\r\n\r\n") && message.body.len() >= length {
            let line = String::from_utf8_lossy(&bytes)
                .lines()
                .next()
                .unwrap_or_default()
                .replace(" HTTP/1.1", "");
            return Ok(Some(Received { line, message }));
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

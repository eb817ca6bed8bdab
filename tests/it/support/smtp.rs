//! A mail server for tests, scripted mail by mail.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the server does with one mail. Without a script it takes it.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Takes it.
    Take,
    /// Answers this to the recipient.
    Answer(&'static str),
    /// Answers this to the sender.
    Sender(&'static str),
    /// Takes it, and closes the connection without saying so.
    Drop,
    /// Says nothing any more.
    Stall,
}

/// A mail that came to its end.
#[derive(Clone, Debug)]
pub struct Received {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The mail with its headers; lines end with CRLF.
    pub raw: String,
}

impl Received {
    /// Every value of a header, unfolded.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let head = self
            .raw
            .split("\r\n\r\n")
            .next()
            .unwrap_or_default()
            .replace("\r\n ", " ");
        let value = |line: &str| {
            let (given, value) = line.split_once(':')?;
            given
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        };
        head.split("\r\n").filter_map(value).collect()
    }

    /// The mail without quoted-printable: enough to look for texts.
    pub fn decoded(&self) -> String {
        let raw = self.raw.replace("=\r\n", "");
        let (mut bytes, mut rest) = (Vec::new(), raw.as_bytes());
        while let Some((&first, tail)) = rest.split_first() {
            let code = tail
                .get(..2)
                .filter(|_| first == b'=')
                .and_then(|code| std::str::from_utf8(code).ok());
            match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                Some(byte) => (bytes.push(byte), rest = &tail[2..]).1,
                None => (bytes.push(first), rest = tail).1,
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// What its connections share.
#[derive(Debug, Default)]
struct Shared {
    /// What is done with the next mails.
    script: Mutex<VecDeque<Act>>,
    /// What is done with the next mail to a recipient, whenever it comes.
    script_by_recipient: Mutex<HashMap<String, Act>>,
    /// What came.
    received: Mutex<Vec<Received>>,
    /// How it answers a login; none: it offers none.
    login: Mutex<Option<&'static str>>,
    /// How long it thinks about each mail.
    pause: Mutex<Duration>,
    /// Connections so far.
    connections: AtomicUsize,
    /// Logins that were tried so far, as they were said.
    logins: Mutex<Vec<String>>,
    /// The mechanisms of login that it offers; none: the usual ones.
    logins_offered: Mutex<Option<&'static str>>,
    /// Whether it is over.
    is_over: AtomicBool,
}

/// A mail server.
pub struct Smtp {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its connections share.
    shared: Arc<Shared>,
}

impl Smtp {
    /// A server on a free port.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"))
    }

    /// A server at this address.
    pub fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the port is free");
        let (address, shared) = (
            listener.local_addr().expect("an address"),
            Arc::new(Shared::default()),
        );
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if for_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                for_thread.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&for_thread);
                // The client may close whenever it likes.
                std::thread::spawn(move || drop(serve(&stream, &shared)));
            }
        });
        Self { address, shared }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("smtp://{}?tls=none", self.address)
    }

    /// Does this with the next mails, in this order.
    pub fn script(&self, acts: &[Act]) {
        self.shared
            .script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(acts);
    }

    /// Does this with the next mail to `recipient`, whatever comes before it.
    pub fn script_for(&self, recipient: &str, act: Act) {
        self.shared
            .script_by_recipient
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(recipient.to_owned(), act);
    }

    /// Answers this to every login from now on.
    pub fn answer_logins(&self, answer: &'static str) {
        *self
            .shared
            .login
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    /// Thinks so long about each mail from now on.
    pub fn pause(&self, pause: Duration) {
        *self
            .shared
            .pause
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = pause;
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The logins that were tried, as they were said.
    pub fn logins(&self) -> Vec<String> {
        let logins = self.shared.logins.lock();
        logins.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Offers only these mechanisms of login from now on.
    pub fn offer_logins(&self, names: &'static str) {
        let offered = self.shared.logins_offered.lock();
        *offered.unwrap_or_else(PoisonError::into_inner) = Some(names);
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared
            .received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until so many mails came; answers them.
    pub fn wait(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + Duration::from_secs(20 + count as u64 / 10);
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} mails came",
                received.len()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

/// Serves one connection to its end.
fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let say = |text: &str| (&*stream).write_all(format!("{text}\r\n").as_bytes());
    let login = || *shared.login.lock().unwrap_or_else(PoisonError::into_inner);
    say("220 test ESMTP")?;
    let (mut from, mut to, mut act) = (String::new(), Vec::new(), Act::Take);
    while let Some(line) = lines.next().transpose()? {
        let path = line
            .split_once(":<")
            .map(|(_, path)| path.split('>').next().unwrap_or_default().to_owned());
        match (
            line.get(..4)
                .unwrap_or_default()
                .to_ascii_uppercase()
                .as_str(),
            path,
        ) {
            ("EHLO", _) => match login() {
                Some(_) => {
                    let names = *shared
                        .logins_offered
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    let names = names.unwrap_or("PLAIN LOGIN");
                    say(&format!("250-test\r\n250-AUTH {names}\r\n250 SIZE 1000000"))?;
                }
                None => say("250-test\r\n250-8BITMIME\r\n250 SIZE 1000000")?,
            },
            ("AUTH", _) => {
                shared
                    .logins
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line.clone());
                say(login().unwrap_or("500 what"))?;
            }
            ("MAIL", Some(path)) => {
                (from, to) = (path, Vec::new());
                act = shared
                    .script
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .pop_front()
                    .unwrap_or(Act::Take);
                say(if let Act::Sender(answer) = act {
                    answer
                } else {
                    "250 ok"
                })?;
            }
            ("RCPT", Some(path)) => {
                let own = shared
                    .script_by_recipient
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&path);
                act = own.unwrap_or(act);
                match act {
                    Act::Answer(answer) => say(answer)?,
                    Act::Stall => std::thread::sleep(Duration::from_secs(60)),
                    Act::Take | Act::Drop | Act::Sender(_) => {
                        to.push(path);
                        say("250 ok")?;
                    }
                }
            }
            ("DATA", _) => {
                say("354 go on")?;
                let mut raw = String::new();
                while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                    raw += &format!("{}\r\n", line.strip_prefix('.').unwrap_or(&line));
                }
                std::thread::sleep(*shared.pause.lock().unwrap_or_else(PoisonError::into_inner));
                let mail = Received {
                    from: from.clone(),
                    to: to.clone(),
                    raw,
                };
                shared
                    .received
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(mail);
                if matches!(act, Act::Drop) {
                    return Ok(());
                }
                say("250 taken")?;
            }
            ("QUIT", _) => return say("221 bye"),
            ("NOOP" | "RSET", _) => say("250 ok")?,
            _ => say("500 what")?,
        }
    }
    Ok(())
}

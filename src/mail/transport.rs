//! How mail leaves: to a mail server, or in development into the mailbox.
//!
//! # Connections
//! At most as many as there are deliveries at the same time. One that worked is kept for the next mail, and forgotten when it has
//! rested for longer than mail servers wait. The client is the library's; its pool is not used, because it closes connections politely
//! one by one: with a server that stands still that takes longer than a delivery may.

use std::fmt;
use std::net::ToSocketAddrs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::channel::Outcome;
use super::message::Message;
use super::server::{Security, Server};
use crate::email::Email;
use crate::failure::Failure;

/// How long one answer of the server may take.
const STEP: Duration = Duration::from_secs(10);
/// How long an answer of a server may take that was there a moment ago.
const PROBE: Duration = Duration::from_secs(2);
/// How long all may take that comes before the mail itself. That takes five more steps at most, so that all of a delivery is shorter than
/// a lease.
const BEGIN: Duration = Duration::from_secs(60);
/// How long a connection may rest and still be used: less than the minute after which some servers close it.
const REST: Duration = Duration::from_secs(30);
/// The most characters of an error that is kept.
const MAX_ERROR: usize = 200;
/// Answers to a mail that speak about the login: they are no reason to give it up.
const LOGIN_CODES: [u16; 4] = [530, 534, 535, 538];

/// How mail leaves.
pub enum Transport {
    /// By a mail server.
    Smtp(Box<Smtp>),
    /// In development: it is kept in the file.
    Mailbox,
}

/// A mail server, with the connections to it that are at rest.
pub struct Smtp {
    /// The server.
    server: Server,
    /// How a connection is secured, where it is.
    tls: Option<TlsParameters>,
    /// Who says hello.
    client: ClientId,
    /// The address that mail comes from, and to which it goes back.
    from: Address,
    /// Connections that worked, each with the time since when it rests.
    resting: Mutex<Vec<(SmtpConnection, Instant)>>,
    /// Whether the last try found the server missing: only changes are logged.
    is_down: AtomicBool,
}

/// For people.
impl fmt::Display for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "smtp {}", self.server)
    }
}

impl Smtp {
    /// A way to `server` for mail that comes from `from`. Connects only when there is mail.
    ///
    /// # Errors
    /// When the host cannot be in a certificate.
    pub fn new(server: Server, from: Address) -> Result<Self, Failure> {
        let tls = (server.security != Security::None).then(|| TlsParameters::new(server.host.clone())).transpose();
        let tls = tls.map_err(|error| {
            Failure::usage(format!("TLS cannot be used with {server} ({error})"), "correct --smtp-url")
        })?;
        let client = ClientId::Domain(from.domain().to_owned());
        Ok(Self { server, tls, client, from, resting: Mutex::default(), is_down: AtomicBool::new(false) })
    }

    /// Hands a mail over. Blocks for less than two minutes.
    pub fn send(&self, message: &Message) -> Outcome {
        let outcome = self.attempt(message);
        if let Outcome::Unreachable(error) = &outcome {
            if !self.is_down.swap(true, Ordering::Relaxed) {
                log::warn!("the mail server {} cannot be used; mail waits: {error}", self.server);
            }
        } else if self.is_down.swap(false, Ordering::Relaxed) {
            log::info!("the mail server {} is back", self.server);
        }
        outcome
    }

    /// Hands a mail over, by a connection that rests or by a new one.
    fn attempt(&self, message: &Message) -> Outcome {
        let explain = |error: &dyn std::error::Error| self.explain(error, &message.to);
        let envelope = match Envelope::new(Some(self.from.clone()), vec![address(&message.to)]) {
            Ok(envelope) => envelope,
            Err(error) => return Outcome::Refused(explain(&error)),
        };
        let mut connection = match self.resting().map_or_else(|| self.connect(), Ok) {
            Ok(connection) => connection,
            // Whatever the server says before it has seen the mail, it does not say of the mail.
            Err(error) => return Outcome::Unreachable(explain(error.as_ref())),
        };
        match connection.send(&envelope, message.raw.as_bytes()) {
            Ok(_) => {
                self.rest(connection);
                Outcome::Sent
            }
            Err(error) => judge(&error, explain(&error)),
        }
    }

    /// A connection that rests and still works. If the one that rested last does not, none does.
    fn resting(&self) -> Option<SmtpConnection> {
        let (mut connection, since) = self.resting.lock().ok()?.pop()?;
        let works = |connection: &mut SmtpConnection| {
            connection.set_timeout(Some(PROBE)).is_ok()
                && connection.test_connected()
                && connection.set_timeout(Some(STEP)).is_ok()
        };
        if since.elapsed() < REST && works(&mut connection) {
            return Some(connection);
        }
        self.resting.lock().ok()?.clear();
        None
    }

    /// Keeps a connection for the next mail.
    fn rest(&self, connection: SmtpConnection) {
        if let Ok(mut resting) = self.resting.lock() {
            resting.retain(|(_, since)| since.elapsed() < REST);
            resting.push((connection, Instant::now()));
        }
    }

    /// A new connection, ready for a mail.
    fn connect(&self) -> Result<SmtpConnection, Box<dyn std::error::Error>> {
        let started = Instant::now();
        // The next address only where the first did not connect: not where a server is there and stands still.
        let mut reached: Result<_, Box<dyn std::error::Error>> = Err("the host has no address".into());
        for address in (self.server.host.as_str(), self.server.port).to_socket_addrs()?.take(2) {
            let tls = self.tls.as_ref().filter(|_| self.server.security == Security::Tls);
            reached = SmtpConnection::connect(address, Some(STEP), &self.client, tls, None).map_err(Box::from);
            if reached.is_ok() || started.elapsed() > STEP + PROBE {
                break;
            }
        }
        let mut connection = reached?;
        if let Some(tls) = self.tls.as_ref().filter(|_| self.server.security == Security::StartTls) {
            connection.starttls(tls, &self.client)?;
        }
        if let Some(login) = &self.server.login {
            let credentials = (login.user.clone(), login.password.clone()).into();
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)?;
        }
        if started.elapsed() > BEGIN {
            return Err("the mail server takes too long to begin".into());
        }
        Ok(connection)
    }

    /// An error in one short line that holds neither the recipient nor the password.
    fn explain(&self, error: &dyn std::error::Error, to: &Email) -> String {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text += &format!(": {more}");
            }
            cause = error.source();
        }
        let password = self.server.login.as_ref().map(|login| login.password.as_str());
        one_line(&text, &[to.as_str(), password.unwrap_or_default()])
    }
}

/// What an answer to the mail itself means for it.
fn judge(error: &Error, text: String) -> Outcome {
    match error.status().map(u16::from) {
        Some(421) | None => Outcome::Unreachable(text),
        Some(code) if LOGIN_CODES.contains(&code) => Outcome::Unreachable(text),
        Some(_) if error.is_permanent() => Outcome::Refused(text),
        Some(_) => Outcome::Deferred(text),
    }
}

/// The address as the library has it. It need not check it: our own rules are narrower.
pub fn address(email: &Email) -> Address {
    let (name, domain) = email.as_str().split_once('@').unwrap_or_default();
    Address::new_dangerous(name, domain)
}

/// `text` in one line of at most [`MAX_ERROR`] characters, without control and invisible characters, and with `hidden` texts left out.
fn one_line(text: &str, hidden: &[&str]) -> String {
    let mut line: String = text.chars().map(|c| if crate::text::is_invisible(c) { ' ' } else { c }).collect();
    for hidden in hidden.iter().filter(|hidden| !hidden.is_empty()) {
        line = without(&line, hidden);
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_ERROR).collect()
}

/// `line` with dots in place of every `hidden`, in any case: servers repeat an address as they like.
fn without(line: &str, hidden: &str) -> String {
    // ASCII letters keep their places when their case changes.
    let (searched, hidden) = (line.to_ascii_lowercase(), hidden.to_ascii_lowercase());
    let (mut rest, mut shown) = (0, String::with_capacity(line.len()));
    for (start, found) in searched.match_indices(&hidden) {
        shown += &line[rest..start];
        shown += "...";
        rest = start + found.len();
    }
    shown + &line[rest..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_short_line_without_recipient_and_password() {
        let text = "550 5.1.1 <Ada@Example.COM>:\r\n no\u{202e} such\tuser ada@example.com, s3cret";
        assert_eq!(one_line(text, &["ada@example.com", "s3cret"]), "550 5.1.1 <...>: no such user ..., ...");
        assert_eq!(one_line(&"\u{e9}".repeat(300), &["", "x"]).chars().count(), MAX_ERROR);
        assert_eq!(one_line("a.b", &["."]), "a...b", "what is left out is not found again");
    }
}

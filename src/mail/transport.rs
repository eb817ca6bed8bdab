//! How mail leaves: to a mail server, to a URL of the operator, or in development into the mailbox.
//!
//! # Connections
//! At most as many as there are deliveries at the same time. One that worked is kept for the next
//! mail, and forgotten when it has rested for longer than mail servers wait. The client is the
//! library's; its pool is not used, because it closes connections politely one by one: with a
//! server that stands still that takes longer than a delivery may.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters, TlsVersion};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

use super::login::Logins;
use super::message::Message;
use super::sender::Outcome;
use super::server::{Login, Security, Server};
use super::shape::ShapeLog;
use super::smtp_error::{NoConnection, Part, Step, is_timeout, judge, one_line};
use super::webhook::MailWebhook;
use crate::base::email::Email;
use crate::base::failure::Failure;
use crate::base::roots::Roots;

/// How long one answer of the server may take.
const STEP: Duration = Duration::from_secs(10);
/// How long the addresses of a host may take together to connect and to greet, and one of them at
/// least.
const ADDRESSES: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3));
/// How long an answer of a server may take that was there a moment ago.
const PROBE: Duration = Duration::from_secs(2);
/// How long all may take that comes before the mail itself. That takes five more steps at most, so
/// that all of a delivery is shorter than a lease.
const BEGIN: Duration = Duration::from_secs(60);
/// How long a connection may rest and still be used: less than the minute after which some servers
/// close it.
const REST: Duration = Duration::from_secs(30);
/// How mail leaves.
pub enum Transport {
    /// By a mail server.
    Smtp(Box<Smtp>),
    /// By a URL of the operator.
    Webhook(Box<MailWebhook>),
    /// In development: it is kept in the file.
    Mailbox,
}

/// A mail server, with the connections to it that are at rest.
pub struct Smtp {
    /// The server.
    pub(super) server: Server,
    /// How a connection is secured, where it is.
    tls: Option<TlsParameters>,
    /// Who says hello.
    client: ClientId,
    /// The address that mail comes from, and to which it goes back.
    pub(super) from: Address,
    /// What came of logins.
    logins: Logins,
    /// Connections that worked, each with the time since when it rests.
    resting: Mutex<Vec<(SmtpConnection, Instant)>>,
    /// The address that greeted us last: the first to be tried.
    pub(super) greeted: Mutex<Option<SocketAddr>>,
    /// How the last try found the server: only changes are logged.
    shape: ShapeLog,
}

/// For people.
impl fmt::Display for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "smtp {}", self.server)
    }
}

impl Smtp {
    /// A way to `server` for mail that comes from `from`, which trusts `roots`. Connects only when
    /// there is mail.
    ///
    /// # Errors
    /// When the host cannot be in a certificate.
    pub(crate) fn new(server: Server, from: Address, roots: &Roots) -> Result<Self, Failure> {
        Self::at_least(TlsVersion::Tlsv12, server, from, roots)
    }

    /// The same by this version of TLS, or a later one.
    ///
    /// # Errors
    /// As above.
    pub(super) fn at_least(
        version: TlsVersion,
        server: Server,
        from: Address,
        roots: &Roots,
    ) -> Result<Self, Failure> {
        let tls = (server.security != Security::None)
            .then(|| trusting(server.host.clone(), roots, version))
            .transpose();
        let tls = tls.map_err(|error| {
            Failure::usage(
                format!("TLS cannot be used with {server} ({error})"),
                "correct --smtp-url",
            )
        })?;
        let client = ClientId::Domain(from.domain().to_owned());
        let (greeted, shape) = (Mutex::default(), ShapeLog::default());
        Ok(Self {
            logins: Logins::new(&server, roots),
            server,
            tls,
            client,
            from,
            resting: Mutex::default(),
            greeted,
            shape,
        })
    }

    /// Hands a mail over. Blocks for less than two minutes.
    pub(crate) fn send(&self, message: &Message) -> Outcome {
        let outcome = self.attempt(message);
        let server = format!("server {}", self.server);
        let flags = match self.server.tokens {
            Some(_) => {
                "--smtp-url, --smtp-token-url, --smtp-client-id, --smtp-scope or --mail-from"
            }
            None => "--smtp-url or --mail-from",
        };
        self.shape.note(&outcome, &server, flags);
        outcome
    }

    /// Hands a mail over, by a connection that rests or by a new one.
    fn attempt(&self, message: &Message) -> Outcome {
        let mut connection = match self.resting().map_or_else(|| self.connect(), Ok) {
            Ok(connection) => connection,
            // Whatever the server says before it has seen the mail, it does not say of the mail.
            Err(failed) => {
                let advice = failed.advice(self.server.security);
                let text = self.explain(advice, failed.error.as_ref(), &message.to);
                return if failed.is_barred {
                    Outcome::Barred(text)
                } else {
                    Outcome::Unreachable(text)
                };
            }
        };
        match self.exchange(&mut connection, message, &mut |_, _| ()) {
            Ok(()) => {
                self.rest(connection);
                Outcome::Sent
            }
            Err((step, error)) => {
                // Politeness would wait once more for a server that stands still.
                if error.status().is_some() {
                    connection.abort();
                }
                judge(step, &error, self.explain(None, &error, &message.to))
            }
        }
    }

    /// Tells the server sender, recipient and text; `tell` is told what it answers. An error says
    /// at which of them.
    pub(super) fn exchange(
        &self,
        connection: &mut SmtpConnection,
        message: &Message,
        tell: &mut dyn FnMut(&str, &Response),
    ) -> Result<(), (Step, Error)> {
        let sender = |error| (Step::Sender, error);
        let mail = |error| (Step::Mail, error);
        // The text is ASCII, and so are the addresses: no parameter is needed.
        let from = Mail::new(Some(self.from.clone()), Vec::new());
        tell("sender", &connection.command(from).map_err(sender)?);
        let to = Rcpt::new(address(&message.to), Vec::new());
        tell("recipient", &connection.command(to).map_err(mail)?);
        connection.command(Data).map_err(mail)?;
        let taken = connection.message(message.raw.as_bytes());
        tell("mail", &taken.map_err(mail)?);
        Ok(())
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
    fn connect(&self) -> Result<SmtpConnection, NoConnection> {
        let started = Instant::now();
        let mut connection = self.greet(self.addresses()?, started)?;
        self.secure(&mut connection)?;
        self.log_in(&mut connection)?;
        if started.elapsed() > BEGIN {
            let error = "the mail server takes too long to begin";
            return Err(NoConnection::at(Part::Login, error));
        }
        Ok(connection)
    }

    /// Secures a connection by STARTTLS, where that is wanted.
    pub(super) fn secure(&self, connection: &mut SmtpConnection) -> Result<(), NoConnection> {
        match &self.tls {
            Some(tls) if self.server.security == Security::StartTls => connection
                .starttls(tls, &self.client)
                .map_err(|error| NoConnection::at(Part::StartTls, error)),
            _ => Ok(()),
        }
    }

    /// Says who we are, where there is a login.
    pub(super) fn log_in(&self, connection: &mut SmtpConnection) -> Result<(), NoConnection> {
        match &self.server.login {
            Some(login) => self.logins.attempt(connection, login),
            None => Ok(()),
        }
    }

    /// The addresses of the host.
    pub(super) fn addresses(&self) -> Result<Vec<SocketAddr>, NoConnection> {
        let addresses = (self.server.host.as_str(), self.server.port).to_socket_addrs();
        Ok(addresses
            .map_err(|error| NoConnection::at(Part::Name, error))?
            .collect())
    }

    /// A connection to the first of `addresses` that greets: that of last time, then all others.
    pub(super) fn greet(
        &self,
        mut addresses: Vec<SocketAddr>,
        started: Instant,
    ) -> Result<SmtpConnection, NoConnection> {
        let last = self.greeted.lock().ok().and_then(|greeted| *greeted);
        addresses.sort_by_key(|address| Some(*address) != last);
        let tls = self
            .tls
            .as_ref()
            .filter(|_| self.server.security == Security::Tls);
        let share = ADDRESSES.0 / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let patience = share.clamp(ADDRESSES.1, STEP);
        let mut failed = NoConnection::at(Part::Name, "the host has no address");
        for address in addresses {
            match SmtpConnection::connect(address, Some(patience), &self.client, tls, None) {
                Ok(mut connection) => {
                    connection
                        .set_timeout(Some(STEP))
                        .map_err(|error| NoConnection::at(Part::Greeting, error))?;
                    if let Ok(mut greeted) = self.greeted.lock() {
                        *greeted = Some(address);
                    }
                    return Ok(connection);
                }
                Err(error) => failed = NoConnection::at(Part::Greeting, error),
            }
            if started.elapsed() > ADDRESSES.0 {
                break;
            }
        }
        Err(failed)
    }

    /// An error in one short line that holds neither the recipient nor the password, with what may
    /// be done about it.
    pub(super) fn explain(
        &self,
        advice: Option<&str>,
        error: &(dyn std::error::Error + 'static),
        to: &Email,
    ) -> String {
        if is_timeout(error) {
            let more = advice.map_or_else(String::new, |advice| format!(": {advice}"));
            return format!("there was no answer in time (10 seconds at most){more}");
        }
        let before = advice.map_or_else(String::new, |advice| format!("{advice}: "));
        let mut text = before + &error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text += &format!(": {more}");
            }
            cause = error.source();
        }
        let secrets = self.server.login.as_ref().map(Login::secrets);
        let secrets = secrets.unwrap_or_default();
        let hidden = secrets.iter().map(String::as_str).chain([to.as_str()]);
        one_line(&text, &hidden.collect::<Vec<_>>())
    }
}

/// TLS of this version or a later one with `host`, whose certificate may also be of an authority in
/// `roots`.
fn trusting(host: String, roots: &Roots, version: TlsVersion) -> Result<TlsParameters, Error> {
    let mut tls = TlsParameters::builder(host).set_min_tls_version(version);
    for certificate in roots.own() {
        tls = tls.add_root_certificate(Certificate::from_der(certificate.to_vec())?);
    }
    tls.build()
}

/// The address as the library has it. It need not check it: our own rules are narrower.
pub(crate) fn address(email: &Email) -> Address {
    let (name, domain) = email.as_str().split_once('@').unwrap_or_default();
    Address::new_dangerous(name, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mail server that greets once; where it is.
    fn greeting() -> std::io::Result<SocketAddr> {
        use std::io::{BufRead, BufReader, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || -> std::io::Result<()> {
            for stream in listener.incoming() {
                let mut stream = stream?;
                stream.write_all(b"220 here\r\n")?;
                BufReader::new(stream.try_clone()?).read_line(&mut String::new())?;
                stream.write_all(b"250 here\r\n")?;
            }
            Ok(())
        });
        Ok(address)
    }

    #[test]
    fn every_address_of_a_host_is_tried_and_the_one_that_greeted_comes_first_from_then_on()
    -> std::io::Result<()> {
        let server = Server::parse("smtp://mail.example.com?tls=none")
            .map_err(|_| std::io::ErrorKind::Other)?;
        let from = Address::new_dangerous("invitations", "example.com");
        let smtp =
            Smtp::new(server, from, &Roots::default()).map_err(|_| std::io::ErrorKind::Other)?;
        let mut addresses = Vec::new();
        for _ in 0..4 {
            // A port that nobody listens at any more.
            addresses.push(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?);
        }
        assert!(smtp.greet(addresses.clone(), Instant::now()).is_err());
        addresses.push(greeting()?);
        assert!(smtp.greet(addresses.clone(), Instant::now()).is_ok());
        // One that stands still is not even asked before it.
        let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
        let (asked, began) = (vec![silent.local_addr()?, addresses[4]], Instant::now());
        assert!(smtp.greet(asked, began).is_ok() && began.elapsed() < Duration::from_secs(2));
        Ok(())
    }
}

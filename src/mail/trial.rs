//! A mail that is sent to try how mail leaves: each step is told as soon as it is done.

use std::time::{Duration, Instant};

use lettre::message::Mailbox;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::{SmtpConnection, TlsVersion};
use lettre::transport::smtp::extension::Extension;
use lettre::transport::smtp::response::Response;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};
use uuid::Uuid;

use super::message::{Message, Sender};
use super::server::Security;
use super::smtp_error::{NoConnection, Step, one_line};
use super::transport::{Smtp, address};
use crate::base::clock::{Clock, Timestamp};
use crate::base::email::Email;
use crate::base::failure::Failure;
use crate::base::roots::Roots;

/// What a mail server may offer that matters here.
const OFFERS: [(Extension, &str); 6] = [
    (Extension::StartTls, "STARTTLS"),
    (Extension::Authentication(Mechanism::Plain), "AUTH PLAIN"),
    (Extension::Authentication(Mechanism::Login), "AUTH LOGIN"),
    (
        Extension::Authentication(Mechanism::Xoauth2),
        "AUTH XOAUTH2",
    ),
    (Extension::EightBitMime, "8BITMIME"),
    (Extension::SmtpUtfEight, "SMTPUTF8"),
];
/// A second before the year 10000: after the end of every certificate that has one.
const LAST_SECOND: u64 = 253_402_300_799;
/// The words of the mail.
const TEXT: &str = "This mail tries how invitations leave.\n\nWhoever runs `invited` sent it by \
    `invited mail test`. Nothing has to be done about it.\n";

/// Hears of a step that was done: its name, and what came of it.
type Tell<'a> = &'a mut dyn FnMut(&str, &str);

/// Sends a mail to `to`, and tells of each step.
///
/// # Errors
/// The step that fails, in the words that a delivery would have.
pub(crate) fn run(
    smtp: &Smtp,
    sender: &Sender,
    to: &Email,
    roots: &Roots,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    let message = write(sender, to).map_err(|error| {
        Failure::usage(
            format!("the mail cannot be written: {error}"),
            "correct --mail-from",
        )
    })?;
    let mut connection = connect_for(smtp, to, roots, tell)?;
    let mut answered = |step: &str, response: &Response| tell(step, &text_of(response));
    let sent = smtp.exchange(&mut connection, &message, &mut answered);
    sent.map_err(|(step, error)| {
        let why = smtp.explain(None, &error, to);
        let (step, hint) = match step {
            Step::Sender => ("sender", "correct --mail-from, or the rights of the login"),
            Step::Mail => (
                "mail",
                "ask whoever runs the mail server why it takes no such mail",
            ),
        };
        Failure::runtime(format!("{step}: {why}"), hint)
    })?;
    connection.abort();
    tell_records(sender.domain(), tell);
    Ok(())
}

/// Connects and logs in, and sends nothing.
///
/// # Errors
/// The step that fails, in the words that a delivery would have.
pub(crate) fn greet(smtp: &Smtp, sender: &Sender, roots: &Roots) -> Result<(), Failure> {
    let mut connection = connect_for(smtp, &sender.address, roots, &mut |_, _| {})?;
    connection.abort();
    Ok(())
}

/// Connects for a mail to `to`.
///
/// # Errors
/// The step that fails.
fn connect_for(
    smtp: &Smtp,
    to: &Email,
    roots: &Roots,
    tell: Tell<'_>,
) -> Result<SmtpConnection, Failure> {
    connect(smtp, roots, tell).map_err(|(step, error)| {
        let advice = error.advice(smtp.server.security);
        let why = smtp.explain(advice, error.error.as_ref(), to);
        let hint = "correct --smtp-url or --ca-file, and try again";
        Failure::runtime(format!("{step}: {why}"), hint)
    })
}

/// Connects, step by step. An error says at which one.
fn connect(
    smtp: &Smtp,
    roots: &Roots,
    tell: Tell<'_>,
) -> Result<SmtpConnection, (&'static str, NoConnection)> {
    let (server, started) = (&smtp.server, Instant::now());
    let addresses = smtp.addresses().map_err(|error| ("name", error))?;
    let shown: Vec<_> = addresses
        .iter()
        .map(|found| found.ip().to_string())
        .collect();
    tell("name", &format!("{} is {}", server.host, shown.join(", ")));
    let connected = smtp.greet(addresses, started);
    let mut connection = connected.map_err(|error| ("connection", error))?;
    let greeted = smtp.greeted.lock().ok().and_then(|greeted| *greeted);
    let greeted = greeted.map_or_else(String::new, |greeted| greeted.to_string());
    let took = started.elapsed().as_millis();
    tell("connection", &format!("{greeted} greets after {took} ms"));
    tell("ehlo", &offers(&connection));
    if server.security != Security::None {
        smtp.secure(&mut connection)
            .map_err(|error| ("tls", error))?;
        tell("tls", &secured(smtp, &connection, roots));
    }
    if server.security == Security::StartTls {
        tell("ehlo", &offers(&connection));
    }
    if let Some(login) = &server.login {
        smtp.log_in(&mut connection)
            .map_err(|error| ("login", error))?;
        tell("login", &format!("{} is let in", login.user));
    }
    Ok(connection)
}

/// What the server calls itself, and what it offers.
fn offers(connection: &SmtpConnection) -> String {
    let info = connection.server_info();
    let offered = OFFERS
        .into_iter()
        .filter(|(extension, _)| info.supports_feature(*extension));
    let offered: Vec<_> = offered.map(|(_, name)| name).collect();
    let offered = if offered.is_empty() {
        "nothing besides".to_owned()
    } else {
        offered.join(", ")
    };
    one_line(&format!("{} offers {offered}", info.name()), &[])
}

/// By which version of TLS the connection is secured, and until when its certificate holds.
fn secured(smtp: &Smtp, connection: &SmtpConnection, roots: &Roots) -> String {
    let version = if speaks_tls_1_3(smtp, roots) {
        "TLS 1.3"
    } else {
        "TLS 1.2"
    };
    let Some(end) = certificate_end(connection) else {
        return version.to_owned();
    };
    let days = (end.as_millis() - Clock::System.now().as_millis()) / 86_400_000;
    format!("{version}, its certificate ends {end} (in {days} days)")
}

/// Whether the server takes a connection by TLS 1.3: the library does not say which of the two
/// versions a connection has, and takes the later one where it can.
fn speaks_tls_1_3(smtp: &Smtp, roots: &Roots) -> bool {
    let from = smtp.from.clone();
    let Ok(strict) = Smtp::at_least(TlsVersion::Tlsv13, smtp.server.clone(), from, roots) else {
        return false;
    };
    let connected = strict
        .addresses()
        .and_then(|addresses| strict.greet(addresses, Instant::now()))
        .and_then(|mut connection| strict.secure(&mut connection).map(|()| connection));
    connected.map(|mut connection| connection.abort()).is_ok()
}

/// When the certificate of a connection ends: what a check at the end of all days says of it.
fn certificate_end(connection: &SmtpConnection) -> Option<Timestamp> {
    let certificate = CertificateDer::from(connection.peer_certificate().ok()?);
    let mut roots = RootCertStore::empty();
    let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
    roots.add_parsable_certificates(known);
    let provider = rustls::crypto::ring::default_provider();
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.into());
    let name = ServerName::try_from("localhost").ok()?;
    let last = UnixTime::since_unix_epoch(Duration::from_secs(LAST_SECOND));
    let verifier = verifier.build().ok()?;
    let checked = rustls::client::danger::ServerCertVerifier::verify_server_cert(
        &*verifier,
        &certificate,
        &[],
        &name,
        &[],
        last,
    );
    match checked {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            not_after,
            ..
        })) => {
            let seconds = i64::try_from(not_after.as_secs()).ok()?;
            Some(Timestamp::from_millis(0).plus_seconds(seconds))
        }
        _ => None,
    }
}

/// What a mail server answered, in one line.
fn text_of(response: &Response) -> String {
    let lines: Vec<_> = response.message().collect();
    one_line(&format!("{} {}", response.code(), lines.join(" ")), &[])
}

/// Writes the mail.
fn write(sender: &Sender, to: &Email) -> Result<Message, String> {
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let subject = "A trial of mail by invited";
    let id = format!("<test.{}@{}>", Uuid::new_v4(), sender.domain());
    let mail = lettre::Message::builder()
        .from(sender.mailbox())
        .to(Mailbox::new(None, address(to)))
        .subject(subject)
        .message_id(Some(id.clone()))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .body(TEXT.to_owned())
        .map_err(|error| error.to_string())?;
    Ok(Message {
        id,
        to: to.clone(),
        subject: subject.to_owned(),
        raw: String::from_utf8(mail.formatted()).map_err(|error| error.to_string())?,
        text: TEXT.to_owned(),
        html: String::new(),
        link: None,
        code: None,
    })
}

/// Tells which records decide whether the mail of `domain` is believed. They are not looked up:
/// that would take a resolver of its own for texts.
fn tell_records(domain: &str, tell: Tell<'_>) {
    tell(
        "dns",
        &format!("{domain} TXT: SPF, which must name the mail server"),
    );
    let dkim = "DKIM, the key that it signs with";
    tell(
        "dns",
        &format!("<selector>._domainkey.{domain} TXT: {dkim}"),
    );
    let dmarc = "DMARC, what becomes of mail that fits neither";
    tell("dns", &format!("_dmarc.{domain} TXT: {dmarc}"));
}

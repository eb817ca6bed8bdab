//! A mail as it is sent: its headers and its two bodies (RFC 5322, RFC 2046).

use std::fmt;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};
use sha2::{Digest, Sha256};

use super::context::MailContext;
use super::template::Templates;
use super::text::subject;
use super::transport::address;
use crate::base::email::{Email, Hosts};
use crate::base::hex::hex;
use crate::base::text::{hides_something, is_visible};

/// The most characters of a sender's name.
const MAX_NAME: usize = 100;

/// A mail as it is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its `Message-ID`.
    pub id: String,
    /// Whom it goes to.
    pub to: Email,
    /// Its subject.
    pub subject: String,
    /// What a mail server gets (RFC 5322): ASCII, lines end with CRLF.
    pub raw: String,
    /// Its body as plain text.
    pub text: String,
    /// Its body as HTML.
    pub html: String,
    /// The link that it brings.
    pub link: Option<String>,
    /// The code that it brings.
    pub code: Option<String>,
}

/// Whom mail comes from.
#[derive(Clone)]
pub struct Sender {
    /// What people see.
    name: Option<String>,
    /// The address.
    pub address: Email,
}

impl Sender {
    /// Reads an address, or `Name <address>`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, address) = match text
            .strip_suffix('>')
            .and_then(|text| text.rsplit_once('<'))
        {
            Some((name, address)) => (name.trim(), address),
            None => ("", text),
        };
        let name = name
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'))
            .unwrap_or(name);
        let address = Email::parse(address, Hosts::SingleLabelToo)
            .map_err(|(_, detail)| detail.to_owned())?;
        let is_fine = is_visible(name)
            && !hides_something(name)
            && !name.contains("=?")
            && name.chars().count() <= MAX_NAME;
        if !name.is_empty() && !is_fine {
            return Err(format!(
                "a name has 1 to {MAX_NAME} characters, none of them invisible"
            ));
        }
        Ok(Self {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            address,
        })
    }

    /// Whom mail in the mailbox of development comes from, where nobody says.
    pub fn of_development() -> Self {
        Self {
            name: Some("invited".to_owned()),
            address: Email::from_stored("invitations@invited.localhost"),
        }
    }

    /// What a mail says of it.
    pub(super) fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.name.clone(), address(&self.address))
    }

    /// The part behind the `@`.
    pub(super) fn domain(&self) -> &str {
        self.address
            .as_str()
            .split_once('@')
            .map_or("", |(_, domain)| domain)
    }
}

/// Addresses are personal data.
impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender(hidden)")
    }
}

/// Writes letters as mails.
#[derive(Debug)]
pub struct Composer {
    /// Whom they come from.
    pub sender: Sender,
    /// The words.
    pub templates: Templates,
}

impl Composer {
    /// Whom a letter comes from: the name may be the organization's, the address never is.
    pub(super) fn from(&self, letter: &MailContext) -> Mailbox {
        let own_name = letter.sender_name.as_deref().map(subject);
        Mailbox::new(
            own_name.or_else(|| self.sender.name.clone()),
            address(&self.sender.address),
        )
    }

    /// Writes a letter as a mail. The same letter has the same Message-ID each time, so that
    /// whoever gets it twice can tell.
    ///
    /// # Errors
    /// What a template or the library has against it.
    pub fn compose(&self, letter: &MailContext) -> Result<Message, String> {
        let words = self.templates.render(letter)?;
        let id = format!("<{}@{}>", letter.message_id(), self.sender.domain());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut head = lettre::Message::builder();
        if let Some(inviter) = &letter.reply_to {
            head = head.reply_to(Mailbox::new(None, address(inviter)));
        }
        let from = self.from(letter);
        let quoted = with_quoted_dots(&from);
        let mut mail = head
            .from(from)
            .to(Mailbox::new(None, address(&letter.to)))
            .subject(words.subject.clone())
            .message_id(Some(id.clone()))
            .date(letter.sent_at.to_system_time())
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(
                MultiPart::builder()
                    .kind(MultiPartKind::Alternative)
                    .boundary(boundary(&id))
                    .singlepart(SinglePart::plain(words.text.clone()))
                    .singlepart(SinglePart::html(words.html.clone())),
            )
            .map_err(|error| error.to_string())?;
        if let Some(from) = quoted {
            mail.headers_mut().insert_raw(from);
        }
        Ok(Message {
            id,
            to: letter.to.clone(),
            subject: words.subject,
            raw: String::from_utf8(mail.formatted()).map_err(|error| error.to_string())?,
            text: words.text,
            html: words.html,
            link: letter.link.clone(),
            code: letter.code.clone(),
        })
    }
}

/// What parts the two texts of the mail with this id: a letter that is written again is the same to
/// the byte. Nothing that is encoded begins a line so (RFC 2045, 6.7).
fn boundary(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    format!("=_{}", hex(&digest[..16]))
}

/// `From` with a name in quotes that is one word with a dot in it, as `Acme.com`. The library
/// writes it bare, which only the obsolete syntax allows (RFC 5322, 4.1).
fn with_quoted_dots(from: &Mailbox) -> Option<HeaderValue> {
    let name = from.name.as_ref()?;
    let is_word =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
    if !name.contains('.') || !name.bytes().all(is_word) {
        return None;
    }
    let value = format!("\"{name}\" <{}>", from.email);
    let folded = format!("\"{name}\"\r\n <{}>", from.email);
    let encoded = if value.len() < 70 {
        value.clone()
    } else {
        folded
    };
    let header = HeaderName::new_from_ascii_str("From");
    Some(HeaderValue::dangerous_new_pre_encoded(
        header, value, encoded,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("invitations@example.com", None, "invitations@example.com"),
            ("<Invitations@Example.com>", None, "invitations@example.com"),
            ("Acme, Ltd. <a@b.co>", Some("Acme, Ltd."), "a@b.co"),
            (" \"Acme <x>\" <a@b.co> ", Some("Acme <x>"), "a@b.co"),
        ] {
            let sender =
                Sender::parse(text).map(|sender| (sender.name, sender.address.as_str().to_owned()));
            assert_eq!(
                sender,
                Ok((name.map(str::to_owned), address.to_owned())),
                "{text}"
            );
        }
        for text in [
            "",
            "Acme",
            "Acme <>",
            "Acme <a@b.co",
            "a@b.co, c@d.co",
            "A\r\nBcc: x <a@b.co>",
            "\u{202e}A <a@b.co>",
            "=?utf-8?Q?A?= <a@b.co>",
        ] {
            assert!(Sender::parse(text).is_err(), "{text:?}");
        }
    }
}

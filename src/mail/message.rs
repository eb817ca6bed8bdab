//! A mail as it is sent.

use super::Kind;
use super::letter::Letter;
use crate::email::Email;

/// A mail as it is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// Whom it goes to.
    pub to: Email,
    /// Its subject.
    pub subject: String,
    /// What a mail server gets (RFC 5322).
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

/// Writes a letter as a mail.
pub fn render(letter: &Letter) -> Message {
    let name = letter.organization_name.as_deref().unwrap_or(letter.organization.as_str());
    let subject = match letter.kind {
        Kind::Invitation => format!("You are invited to {name}"),
        Kind::Code => format!("Your code for {name}"),
        Kind::Reminder => format!("Your invitation to {name} ends soon"),
        Kind::Notice => format!("Your invitation to {name} was answered"),
    };
    let text = letter.link.clone().or_else(|| letter.code.clone()).unwrap_or_default();
    Message {
        to: letter.to.clone(),
        subject,
        raw: text.clone(),
        html: text.clone(),
        text,
        link: letter.link.clone(),
        code: letter.code.clone(),
    }
}

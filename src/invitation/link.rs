//! The secret links of an invitation.
//!
//! A token is `ivt_<id>_<mac>` or `ivm_<id>_<mac>`: 32 hex digits of the invitation's id, then 64
//! of an HMAC over the kind, the id, and the number of times that the invitation was sent. So
//! nothing needs to be stored, and sending it again makes every earlier link worthless in that
//! moment.
//!
//! # Two kinds
//! Both kinds open the same invitation. An `ivt_` is given to an application, so it proves nothing.
//! An `ivm_` leaves the server in mail to the invited address only: whoever has it reads that mail.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use uuid::Uuid;

use super::transition::CurrentInvitation;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error};
use crate::base::hex::{hex, is_hex};
use crate::secret::{Keyring, Secret};

/// Hex digits of the id.
const ID_LEN: usize = 32;
/// Hex digits of the MAC.
const MAC_LEN: usize = 64;

/// By which way a token reaches people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An application got it from the API, and gives it to whom it likes.
    Given,
    /// It was mailed to the invited address, and no response has it.
    Mailed,
}

impl TokenKind {
    /// Every kind.
    const ALL: [Self; 2] = [Self::Given, Self::Mailed];

    /// What every token of this kind starts with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Given => "ivt_",
            Self::Mailed => "ivm_",
        }
    }

    /// What its MAC is made for.
    fn purpose(self) -> &'static str {
        match self {
            Self::Given => "invitation link",
            Self::Mailed => "mailed invitation link",
        }
    }

    /// The kind of which `text` is a token, or the beginning of one, and what follows the prefix.
    fn split(text: &str) -> Option<(Self, &str)> {
        let of_kind = |kind: Self| Some((kind, text.strip_prefix(kind.prefix())?));
        Self::ALL.into_iter().find_map(of_kind)
    }
}

/// A token as somebody sent it: well formed, not yet known to be right.
pub struct LinkToken {
    /// The invitation that it claims to be of.
    pub id: Uuid,
    /// By which way it reached the person, if it is right.
    pub kind: TokenKind,
    /// The MAC, in hex.
    mac: String,
}

impl LinkToken {
    /// Reads a token in its one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = TokenKind::split(text)?;
        let (id, mac) = rest.split_once('_')?;
        if !is_hex(id, ID_LEN) || !is_hex(mac, MAC_LEN) {
            return None;
        }
        Some(Self {
            id: Uuid::try_parse(id).ok()?,
            kind,
            mac: mac.to_owned(),
        })
    }

    /// Whether this is the token of its kind and invitation after `send_count` further sendings, by
    /// any secret that verifies at `now`. The time that it takes does not depend on where the token
    /// differs.
    pub fn matches(&self, keyring: &Keyring, now: Timestamp, send_count: u32) -> bool {
        let is_by = |secret| {
            self.mac
                .as_bytes()
                .ct_eq(mac(secret, self.kind, self.id, send_count).as_bytes())
        };
        keyring
            .verifying(now)
            .fold(Choice::from(0), |matches, secret| matches | is_by(secret))
            .into()
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkToken({}, hidden)", self.id)
    }
}

/// Whether `text` means to be a token that was mailed. It may be cut or altered.
pub(crate) fn is_mailed(text: &str) -> bool {
    matches!(TokenKind::split(text), Some((TokenKind::Mailed, _)))
}

/// What is wrong with `text`, which is no token, as a sentence. It tells of the form alone.
pub(crate) fn fault_of(text: &str) -> &'static str {
    if text.contains('#') || text.contains("://") {
        "This is no token: send what follows the # in the link, and nothing else."
    } else if text.starts_with("ivk_") {
        "This is an API key, and no token of a link: a token begins with ivt_ or ivm_."
    } else if TokenKind::split(text).is_none() {
        "This is no token: a token is what follows the # in the link, and begins with ivt_ or ivm_."
    } else {
        "This token is cut off or mistyped: it ends with 32 hex digits, a _ and 64 hex digits."
    }
}

/// The error for a token that opens nothing, with the same bytes whether it is unknown, altered or
/// superseded, or of an invitation that the caller may not see.
pub(crate) fn opens_nothing() -> Error {
    Error::new(
        Code::NotFound,
        "This token opens nothing here: it is altered, a later link has replaced it, or the \
         invitation is gone.",
    )
}

/// The token of the invitation `id` after `send_count` further sendings.
pub fn token(secret: &Secret, kind: TokenKind, id: Uuid, send_count: u32) -> String {
    let mac = mac(secret, kind, id, send_count);
    format!("{}{}_{mac}", kind.prefix(), id.simple())
}

/// The link of an invitation as it stands: the page `accept_url` with the token in the fragment, so
/// that no server and no Referer sees it.
pub(crate) fn url(
    secret: &Secret,
    kind: TokenKind,
    accept_url: &str,
    present: &CurrentInvitation,
) -> String {
    let token = token(secret, kind, present.id, present.send_count);
    format!("{accept_url}#{token}")
}

/// The MAC of a token, in hex.
fn mac(secret: &Secret, kind: TokenKind, id: Uuid, send_count: u32) -> String {
    let parts: [&[u8]; 2] = [id.as_bytes(), &send_count.to_be_bytes()];
    hex(&secret.mac(kind.purpose(), &parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_matches_only_its_own_kind_invitation_and_sending_and_no_altered_one_matches()
    -> Result<(), crate::secret::Weak> {
        let secret = Secret::new("0123456789abcdef0123456789abcdef")?;
        let (keyring, now) = (Keyring::single(secret.clone()), Timestamp::from_millis(0));
        let id = Uuid::from_u128(0x019a_0c5e_7b1c_7cc3_98c4_dc0c_0c07_398f);
        let matches = |text: &str, count| {
            LinkToken::parse(text).is_some_and(|token| token.matches(&keyring, now, count))
        };
        for (kind, other) in [("ivt_", "ivm_"), ("ivm_", "ivt_")] {
            let text = TokenKind::split(kind)
                .map(|(kind, _)| token(&secret, kind, id, 1))
                .unwrap_or_default();
            assert!(text.starts_with(kind) && matches(&text, 1), "{text}");
            assert!(!matches(&text, 0) && !matches(&text, 2));
            assert!(!matches(&text.replace(kind, other), 1), "as the other kind");
            for position in 0..text.len() {
                let mut altered = text.clone().into_bytes();
                altered[position] = if altered[position] == b'0' {
                    b'1'
                } else {
                    b'0'
                };
                assert!(
                    !matches(&String::from_utf8_lossy(&altered), 1),
                    "{position}"
                );
            }
            for altered in [
                text.to_uppercase(),
                format!("{text}0"),
                text[1..].to_owned(),
                format!(" {text}"),
            ] {
                assert!(LinkToken::parse(&altered).is_none(), "{altered}");
            }
            assert_eq!(
                format!("{:?}", LinkToken::parse(&text)),
                format!("Some(LinkToken({id}, hidden))")
            );
        }
        Ok(())
    }
}

//! The secret link of an invitation.
//!
//! Its token is `ivt_<id>_<mac>`: 32 hex digits of the invitation's id, then 64 of an HMAC over the
//! id and the number of times that it was sent. So nothing needs to be stored, and sending it again
//! makes every earlier link worthless in that moment.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use uuid::Uuid;

use super::transition::CurrentInvitation;
use crate::base::clock::Timestamp;
use crate::base::hex::{hex, is_hex};
use crate::secret::{Keyring, Secret};

/// What every token starts with.
const PREFIX: &str = "ivt_";
/// What the MAC is made for.
const PURPOSE: &str = "invitation link";
/// Hex digits of the id.
const ID_LEN: usize = 32;
/// Hex digits of the MAC.
const MAC_LEN: usize = 64;

/// A token as somebody sent it: well formed, not yet known to be right.
pub struct LinkToken {
    /// The invitation that it claims to be of.
    pub id: Uuid,
    /// The MAC, in hex.
    mac: String,
}

impl LinkToken {
    /// Reads a token in its one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, mac) = text.strip_prefix(PREFIX)?.split_once('_')?;
        if !is_hex(id, ID_LEN) || !is_hex(mac, MAC_LEN) {
            return None;
        }
        Some(Self {
            id: Uuid::try_parse(id).ok()?,
            mac: mac.to_owned(),
        })
    }

    /// Whether this is the token of its invitation after `send_count` further sendings, by any
    /// secret that verifies at `now`. The time that it takes does not depend on where the token
    /// differs.
    pub fn matches(&self, keyring: &Keyring, now: Timestamp, send_count: u32) -> bool {
        let is_by = |secret| {
            self.mac
                .as_bytes()
                .ct_eq(mac(secret, self.id, send_count).as_bytes())
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

/// The token of the invitation `id` after `send_count` further sendings.
pub fn token(secret: &Secret, id: Uuid, send_count: u32) -> String {
    format!("{PREFIX}{}_{}", id.simple(), mac(secret, id, send_count))
}

/// The link of an invitation as it stands: the page `accept_url` with the token in the fragment, so
/// that no server and no Referer sees it.
pub(crate) fn url(secret: &Secret, accept_url: &str, present: &CurrentInvitation) -> String {
    format!(
        "{accept_url}#{}",
        token(secret, present.id, present.send_count)
    )
}

/// The MAC of a token, in hex.
fn mac(secret: &Secret, id: Uuid, send_count: u32) -> String {
    hex(&secret.mac(PURPOSE, &[id.as_bytes(), &send_count.to_be_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_matches_only_its_own_invitation_and_sending_and_no_altered_one_matches()
    -> Result<(), crate::secret::Weak> {
        let secret = Secret::new("0123456789abcdef0123456789abcdef")?;
        let (keyring, now) = (Keyring::single(secret.clone()), Timestamp::from_millis(0));
        let id = Uuid::from_u128(0x019a_0c5e_7b1c_7cc3_98c4_dc0c_0c07_398f);
        let text = token(&secret, id, 1);
        let matches = |text: &str, count| {
            LinkToken::parse(text).is_some_and(|token| token.matches(&keyring, now, count))
        };
        assert!(matches(&text, 1));
        assert!(!matches(&text, 0) && !matches(&text, 2));
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
        Ok(())
    }
}

//! The server's secrets, from which links, codes and the signing secrets of webhooks are derived.
//!
//! No secret lies in the data file: whoever has only that file, or a backup of it, has nothing that
//! opens an invitation. The data file holds a check value of each secret instead, so that a server
//! notices when the two do not belong together.
//!
//! * [`source`] reads the secrets of a file or a variable. [`keyring`] holds those of a server.
//! * [`start`] compares them with the data file. [`rotate`] puts a new secret in front.
//! * [`store`] is the SQL.
//!
//! # Rotation
//! The first secret of the file signs. A secret behind it verifies links and codes until the date
//! that the data file has for it. The signing secret of a webhook goes on being derived from the
//! secret with which it was made, so a secret stays in its file until no webhook needs it.

pub(crate) mod keyring;
pub mod rotate;
pub(crate) mod source;
pub(crate) mod start;
pub(crate) mod store;

use std::collections::BTreeSet;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use keyring::Keyring;
pub use source::Source;

/// The fewest bytes of a secret that somebody chose: as many as the MAC has.
const MIN_LEN: usize = 32;
/// The fewest different bytes of a secret. 64 random hex digits have fewer once in 10^15 times.
const MIN_DIFFERENT: usize = 8;

/// What the data file holds of a secret: 16 bytes of a MAC that is used for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretId([u8; 16]);

/// The key of the MACs that a server makes.
#[derive(Clone)]
pub struct Secret {
    /// The MAC before its first byte.
    key: Hmac<Sha256>,
    /// Its check value.
    id: SecretId,
}

/// Why a text cannot be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// It is too short.
    #[error("has {0} bytes, fewer than {MIN_LEN}")]
    Short(usize),
    /// It repeats itself.
    #[error("has {0} different characters, fewer than {MIN_DIFFERENT}")]
    Simple(usize),
}

impl SecretId {
    /// The id that the data file holds.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The id as the data file holds it.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Secret {
    /// Takes a text as a secret.
    ///
    /// # Errors
    /// When it is too short or too simple.
    pub fn new(text: &str) -> Result<Self, Weak> {
        let different = text.bytes().collect::<BTreeSet<_>>().len();
        let key = Hmac::new_from_slice(text.as_bytes()).map_err(|_| Weak::Short(text.len()))?;
        match (text.len(), different) {
            (..MIN_LEN, _) => Err(Weak::Short(text.len())),
            (_, ..MIN_DIFFERENT) => Err(Weak::Simple(different)),
            _ => Ok(Self {
                id: check_value(&key),
                key,
            }),
        }
    }

    /// The check value by which the data file knows this secret.
    pub fn id(&self) -> SecretId {
        self.id
    }

    /// The MAC (HMAC-SHA-256) of `parts`, for one `purpose`: what was made for one is worth nothing
    /// for another. Lengths go in front of the parts, so that none can run into the next.
    pub(crate) fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.key, purpose, parts)
    }
}

/// The check value of a key.
fn check_value(key: &Hmac<Sha256>) -> SecretId {
    let mut id = [0; 16];
    id.copy_from_slice(&mac(key, "secret id", &[])[..16]);
    SecretId(id)
}

/// The MAC of `parts` by `key`.
fn mac(key: &Hmac<Sha256>, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in [purpose.as_bytes()].iter().chain(parts) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_depends_on_secret_purpose_and_where_the_parts_end() -> Result<(), Weak> {
        let one = Secret::new("0123456789abcdef0123456789abcdef")?;
        let other = Secret::new("0123456789abcdef0123456789abcdeF")?;
        let mac = one.mac("link", &[b"ab", b"c"]);
        assert_eq!(mac, one.mac("link", &[b"ab", b"c"]));
        assert_ne!(mac, one.mac("link", &[b"a", b"bc"]));
        assert_ne!(mac, one.mac("code", &[b"ab", b"c"]));
        assert_ne!(mac, other.mac("link", &[b"ab", b"c"]));
        assert_ne!(one.id(), other.id());
        Ok(())
    }

    #[test]
    fn a_short_or_simple_secret_is_refused_and_none_is_shown() {
        let refused = |text: &str| Secret::new(text).err();
        assert_eq!(
            refused("0123456789abcdef0123456789abcde"),
            Some(Weak::Short(31))
        );
        assert_eq!(refused(&"x".repeat(64)), Some(Weak::Simple(1)));
        assert_eq!(refused(&"0123456".repeat(9)), Some(Weak::Simple(7)));
        assert_eq!(refused(&"01234567".repeat(4)), None);
        assert_eq!(
            format!("{:?}", Secret::new(&"01234567".repeat(4))),
            "Ok(Secret(hidden))"
        );
    }
}

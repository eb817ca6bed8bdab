//! The admin key that a server for development has, where a program asks for one.
//!
//! Development needs no key, but an application that is tested may send one, as it will to a server
//! that does. The key is derived from the secret: it is the same after a restart, and a reset puts it
//! back.

use crate::audit::By;
use crate::base::error::Result;
use crate::db::WriteTx;
use crate::key::token::{PlainKey, RANDOM_LEN};
use crate::key::{NewKey, Rights, manage, store};
use crate::secret::Keyring;

/// What the key is called in lists.
const NAME: &str = "dev";

/// The key of a server with this secret.
pub(crate) fn derive(keyring: &Keyring) -> PlainKey {
    let part = |purpose| keyring.signing().mac(purpose, &[]);
    let mut bytes = [0; RANDOM_LEN];
    let (id, secret) = bytes.split_at_mut(RANDOM_LEN - 32);
    id.copy_from_slice(&part("dev key id")[..id.len()]);
    secret.copy_from_slice(&part("dev key secret"));
    PlainKey::from_random(&bytes)
}

/// Puts `key` into the file, unless it is there.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn put(tx: &WriteTx<'_>, key: &PlainKey) -> Result<()> {
    if store::find(tx, &key.id)?.is_some() {
        return Ok(());
    }
    let new = NewKey {
        name: NAME.to_owned(),
        rights: Rights::ALL,
        expires_at: None,
    };
    manage::insert_as(tx, key, &new, By::SERVER)
}

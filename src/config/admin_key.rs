//! The first API key, where the operator chooses it.

use std::path::Path;

use super::Settings;
use super::sources::{read_secret, readable};
use crate::base::failure::Failure;
use crate::key::token::PlainKey;

/// What names the file in messages.
const FLAG: &str = "--admin-key-file";

/// A key that the operator chose.
#[derive(Clone, Debug)]
pub(crate) struct GivenKey {
    /// The key.
    pub key: PlainKey,
    /// What is told of the file, if anything.
    pub note: Option<String>,
}

impl Settings {
    /// The first key that the operator chose; none: there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no key.
    pub(crate) fn admin_key(&self) -> Result<Option<GivenKey>, Failure> {
        self.admin_key_file.as_deref().map(read).transpose()
    }

    /// Checks that key where the first start is still to come.
    pub(super) fn check_admin_key(&self, database: &Path) -> Result<(), Failure> {
        if database.exists() {
            return Ok(());
        }
        self.admin_key().map(drop)
    }
}

/// Reads the key in the file at `path`.
fn read(path: &Path) -> Result<GivenKey, Failure> {
    let (text, mode) = read_secret(path, FLAG)?;
    let Some(key) = PlainKey::parse(text.trim_ascii()) else {
        return Err(Failure::usage(
            format!(
                "the file {} that {FLAG} names holds no API key",
                path.display()
            ),
            "a key is ivk_, 16 hex digits, _, and 72 hex digits that end with a checksum: make one \
             with `invited key generate`",
        ));
    };
    Ok(GivenKey {
        key,
        note: (mode & 0o004 != 0).then(|| readable(path)),
    })
}

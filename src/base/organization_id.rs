//! How callers name an organization.

use std::fmt;

use serde::{Serialize, Serializer};

use super::error::{Error, Result};

/// Longest id in bytes.
const MAX_LEN: usize = 128;

/// The caller's own id of an organization (a UUID, a slug, `org_123`):
/// 1 to 128 characters, `[A-Za-z0-9][A-Za-z0-9._~-]*`. Case matters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrganizationId(String);

impl OrganizationId {
    /// Reads an id.
    pub fn parse(text: &str) -> Option<Self> {
        let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        (starts_well && text.len() <= MAX_LEN && text.bytes().all(allowed))
            .then(|| Self(text.to_owned()))
    }

    /// An id that is in the file.
    ///
    /// # Errors
    /// [`Code::StorageCorrupt`] where the text is no id.
    ///
    /// [`Code::StorageCorrupt`]: super::error::Code::StorageCorrupt
    pub(crate) fn from_stored(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::corrupt("an organization without a good id"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for OrganizationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

//! What a person is in an organization, by the words of its application.

use std::str::FromStr;

use super::error::{Checked, FieldCode, FieldError};

/// Longest role in bytes.
const MAX_ROLE: usize = 64;

/// The role a person gets on joining: 1 to 64 characters, `[A-Za-z][A-Za-z0-9_.:-]*`. Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role(String);

impl Role {
    /// Reads a role.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    /// Whether `text` is a role.
    pub fn is_valid(text: &str) -> bool {
        let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        starts_well && text.len() <= MAX_ROLE && text.bytes().all(allowed)
    }

    /// The role as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = &'static str;

    /// Reads a role. The error says what one looks like.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "1 to 64 characters: a letter, then letters, digits, _ . : -";
        if Self::is_valid(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(form)
        }
    }
}

/// Checks the role against its form and the catalogue.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_role(text: Option<&str>, catalogue: &[Role]) -> Checked<Role> {
    let text = text.ok_or_else(|| {
        FieldError::new(
            "/role",
            FieldCode::Required,
            "the role that the person gets, as developer",
        )
    })?;
    let role: Role = text
        .parse()
        .map_err(|form| FieldError::new("/role", FieldCode::InvalidFormat, form))?;
    if !catalogue.is_empty() && !catalogue.contains(&role) {
        let names: Vec<_> = catalogue.iter().map(Role::as_str).collect();
        return Err(FieldError::new(
            "/role",
            FieldCode::UnknownValue,
            format!("one of: {}", names.join(", ")),
        ));
    }
    Ok(role)
}

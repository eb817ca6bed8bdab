//! What the queries of several operations have in common: how their values are read.

use super::email::{Email, Hosts};
use super::error::{Checked, FieldCode, FieldError};

/// Reads the value of `key`, which is an address. A plus sign in a query is a space: one at an end
/// is not dropped, as it is elsewhere, since without its first sign `+a@b.co` is somebody else.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_email(key: &'static str, value: &str, hosts: Hosts) -> Checked<Email> {
    if value.contains(' ') {
        let detail = "it has a space in it; write the + of an address as %2B";
        return Err(FieldError::new(key, FieldCode::InvalidEmail, detail));
    }
    Email::parse(value, hosts).map_err(|(code, detail)| FieldError::new(key, code, detail))
}

/// Reads the value of `key`, a comma list of names of `table`: no more of them than there are.
/// Returns what they name in the order of the table, each once.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_names<T: Copy>(
    key: &'static str,
    value: &str,
    table: &[(T, &'static str)],
) -> Checked<Vec<T>> {
    let given: Vec<_> = value.split(',').take(table.len() + 1).collect();
    let is_known = |name: &&str| table.iter().any(|(_, known)| known == name);
    if given.len() > table.len() || !given.iter().all(is_known) {
        let known: Vec<_> = table.iter().map(|(_, name)| *name).collect();
        let detail = format!("a comma list of: {}", known.join(", "));
        return Err(FieldError::new(key, FieldCode::UnknownValue, detail));
    }
    Ok(table
        .iter()
        .filter(|(_, name)| given.contains(name))
        .map(|(item, _)| *item)
        .collect())
}

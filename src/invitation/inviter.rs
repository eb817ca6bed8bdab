//! Who invites, and their own words: what only mail and pages show.

use serde::Deserialize;
use utoipa::ToSchema;

use super::Inviter;
use crate::base::email::{Email, Hosts};
use crate::base::error::{Checked, Errors, FieldError};
use crate::base::text::{check_id, check_name};

/// The most characters of an inviter's id or name.
const MAX_INVITER: usize = 100;
/// The most characters of a personal note.
const MAX_NOTE: usize = 500;

/// Who invites. Id and name have at most 100 characters, and no control, direction or invisible
/// ones; the name may have those that languages need.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = InviterInput)]
pub struct InviterBody {
    /// The application's id of the person.
    #[schema(max_length = 100)]
    pub id: Option<String>,
    /// The person's name.
    #[schema(max_length = 100)]
    pub name: Option<String>,
    /// The person's address: replies to the mail go there, and a notice of the answer where the
    /// server sends those.
    #[schema(max_length = 254)]
    pub email: Option<String>,
}

impl InviterBody {
    /// Checks it, and brings the address to its normal form; what is wrong goes to `errors`.
    pub(crate) fn parse(self, hosts: Hosts, errors: &mut Errors) -> Self {
        errors.extend(check_id("/inviter/id", self.id.as_deref(), MAX_INVITER));
        errors.extend(check_name(
            "/inviter/name",
            self.name.as_deref(),
            MAX_INVITER,
        ));
        let email = errors.take(parse_inviter_email(self.email.as_deref(), hosts));
        Self {
            email: email.flatten(),
            ..self
        }
    }

    /// Who invites as the API shows it, if anything is said of them.
    pub(crate) fn show(&self) -> Option<Inviter<'_>> {
        Inviter::of(
            self.id.as_deref(),
            self.name.as_deref(),
            self.email.as_deref(),
        )
    }
}

/// Checks the address of who invites, and brings it to its normal form.
fn parse_inviter_email(text: Option<&str>, hosts: Hosts) -> Checked<Option<String>> {
    let email = text.map(|text| Email::parse(text, hosts)).transpose();
    let email = email.map_err(|(code, detail)| FieldError::new("/inviter/email", code, detail))?;
    Ok(email.map(|email| email.as_str().to_owned()))
}

/// Checks a personal note, as a name is checked but for what comes along when a text is pasted.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_note(text: Option<&str>) -> Checked<Option<String>> {
    let Some(text) = text.map(pasted) else {
        return Ok(None);
    };
    match check_name("/note", Some(&text.replace('\n', " ")), MAX_NOTE) {
        Some(error) => Err(error),
        None => Ok(Some(text)),
    }
}

/// A text as it was meant that was pasted from a page or a word processor: line breaks are
/// newlines, tabs and separators of lines are spaces, and what only says where a word may break is
/// nothing.
fn pasted(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace(['\t', '\u{2028}', '\u{2029}'], " ")
        .replace(['\u{ad}', '\u{200b}', '\u{2060}', '\u{feff}'], "")
}

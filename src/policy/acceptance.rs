//! What the invited person has to show besides a mailed link.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::error::{Checked, FieldCode, FieldError};

/// What proves the address to whoever follows the link of a mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acceptance {
    /// The link itself does: only the invited mailbox got it.
    #[default]
    MailedLink,
    /// A code, which is mailed when it is asked for: a forwarded or archived mail joins nobody.
    Code,
}

/// A text that names no [`Acceptance`].
#[derive(Debug, thiserror::Error)]
#[error("{}", UNKNOWN)]
pub struct UnknownAcceptance;

/// What is told of such a text.
const UNKNOWN: &str = "one of: mailed-link, code";

impl Acceptance {
    /// Checks an organization's setting.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: Option<&str>) -> Checked<Option<Self>> {
        text.map(str::parse)
            .transpose()
            .map_err(|_| FieldError::new("/acceptance", FieldCode::UnknownValue, UNKNOWN))
    }

    /// How settings name it.
    fn name(self) -> &'static str {
        match self {
            Self::MailedLink => "mailed-link",
            Self::Code => "code",
        }
    }
}

impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Acceptance {
    type Err = UnknownAcceptance;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::MailedLink, Self::Code];
        let named = all.into_iter().find(|acceptance| acceptance.name() == text);
        named.ok_or(UnknownAcceptance)
    }
}

//! What happens to one invitation after its making, by those who hold a key: change, send again,
//! revoke, accept, link.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::clock::Timestamp;

/// How an invitation is sent again. `null` counts as absent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationResend)]
pub(crate) struct ResendBody {
    /// How long it lives from now on, in seconds: a minute to 365 days. Without it the default, as
    /// for a new one.
    #[schema(minimum = 60, maximum = 31_536_000)]
    #[serde(default, deserialize_with = "crate::base::json::whole::seconds")]
    pub expires_in: Option<i64>,
    /// When it ends, instead of `expiresIn`: RFC 3339, a minute to 365 days from now.
    #[schema(format = DateTime)]
    #[serde(default, deserialize_with = "crate::base::json::time::optional")]
    pub expires_at: Option<String>,
    /// Whether to send the person a mail, where the server sends any. Without it: yes.
    pub notify: Option<bool>,
}

/// An acceptance that the application vouches for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = VouchedAcceptance)]
pub(crate) struct AcceptBody {
    /// The verified address of the user who accepts.
    #[schema(value_type = String, required = true, max_length = 254,
        example = "new.user@example.com")]
    pub email: Option<String>,
    /// The application's id of that user; shown as `acceptedBy`.
    #[schema(min_length = 1, max_length = 255)]
    pub subject: Option<String>,
}

/// The secret link of an invitation, for the invited person only: whoever has it can ask for a
/// code.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationLink)]
pub(crate) struct SecretLink {
    /// The token alone: `ivt_<id>_<mac>`.
    #[schema(pattern = "^ivt_[0-9a-f]{32}_[0-9a-f]{64}$")]
    pub token: String,
    /// The page that takes it, with the token in the fragment, so that no server and no Referer
    /// sees it.
    #[schema(format = "uri")]
    pub url: String,
    /// When the invitation ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

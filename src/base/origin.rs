//! Who does something, and by which request.

/// Where a change comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who: an API key's id, `dev`, `person`, `retention`, or `mail`.
    pub actor: String,
    /// The `X-Request-Id` of the request.
    pub request_id: String,
}

//! Whom a server is for.

/// Whom the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody with a key.
    Serve,
    /// The developer at this machine, without a key.
    Dev,
}

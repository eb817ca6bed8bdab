//! The keys of a query.

/// Says which keys a query may have.
pub trait Keys {
    /// The keys.
    const KEYS: &[&str];
}

impl Keys for () {
    const KEYS: &[&str] = &[];
}

//! What everything stands on: plain values that know nothing of a file, of HTTP, or of a feature.

pub mod clock;
pub mod email;
pub mod error;
pub mod failure;
pub mod json;
pub mod page;
pub mod text;

//! JSON that people write: read with the place of every mistake.

pub mod object;

//! What must hold for any input whatever: one module a kind of input, each with one `check`.
//!
//! The fuzz targets hand them what libFuzzer makes up. `cargo test` hands them the corpus, so that
//! what was found once is looked at in every run.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a property that does not hold is a panic"
)]

pub mod addresses;
pub mod bodies;
pub mod cursors;
pub mod idempotency_keys;
pub mod imports;
pub mod queries;
pub mod settings;
pub mod tokens;

//! What is promised of security, over all operations at once.
//!
//! [`tenants`]: every operation for every kind of caller. [`fields`]: what no body may set and no
//! answer shows. Both go through the OpenAPI document by [`operations`], so that a new operation is
//! in them or fails them. [`roles`]: nobody grants above themselves. [`guesses`]: wrong proofs are
//! bounded. [`ends`]: what ends a link ends it at once. [`planted`]: where secrets never are.

mod ends;
mod fields;
mod guesses;
pub mod operations;
mod planted;
mod roles;
mod tenants;

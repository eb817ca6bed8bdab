//! What is promised of security, over all operations at once.
//!
//! * [`operations`]: the operations of the OpenAPI document. A new operation is in the tables of
//!   [`tenants`] and [`fields`], or their tests fail.
//! * [`tenants`]: every operation for every kind of caller. [`callers`]: these kinds.
//! * [`fields`]: what no body may set and no answer shows.
//! * [`roles`]: nobody grants more than they have. [`guesses`]: wrong proofs are bounded.
//! * [`ends`]: what ends a link ends it at once.
//! * [`planted`]: where secrets never are. [`planted_mails`]: those that were mailed. [`search`]:
//!   how they are looked for. [`talkative`]: where.

mod callers;
mod ends;
mod fields;
mod guesses;
pub mod operations;
mod planted;
mod planted_mails;
mod roles;
mod search;
mod talkative;
mod tenants;

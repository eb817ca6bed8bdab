//! Behaviour, seen from outside: each test has a server or a process of its own, with its own file and port.
//!
//! * [`base`]: the seed's four operations, to the byte. [`create`], [`list`]: their options and boundaries.
//! * [`keys`]: who may do what; foreign organizations. [`idempotency`]: repeated requests. [`races`]: parallel ones.
//! * [`bad_inputs`]: the table of what must be refused, and how.
//! * [`dialect`]: the ClickHouse Cloud facade. [`openapi`]: the documents against the code.
//! * [`cli`]: the binary: banner, exit codes, signals, commands. [`cost`]: what a request may cost.
//! * [`dev`]: what only development has: the clock, resets, seeds.
//! * [`layout`]: the rules that the sources keep. [`readme`]: the README's commands and answers.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bad_inputs;
mod base;
mod cli;
mod cost;
mod create;
mod dev;
mod dialect;
mod idempotency;
mod keys;
mod layout;
mod list;
mod openapi;
mod races;
mod readme;
mod support;

//! Organization invitations as one binary with one SQLite file.
//!
//! # Where everything is
//! * [`cli`]: one file a subcommand. [`config`]: every setting, once. [`app`]: builds the server and runs it.
//! * [`http`]: the whole route table in one function; one file for each thing that all routes share.
//! * [`invitation`], [`answer`], [`organization`], [`key`], [`event`], [`idempotency`]: the features. In each, `mod.rs` has the types
//!   and rules, `routes.rs` the HTTP, `store.rs` the SQL. [`clickhouse`] is another dialect over [`invitation`].
//! * [`audit`]: the history of the server, beside those of organizations.
//! * [`retention`]: deletes what has been closed for long enough. [`erasure`]: takes all text of one address out of the file.
//!   [`deletion`] does what goes on behind requests, and [`purge`] keeps how far that has come.
//! * [`mail`]: what is told to people. [`webhook`]: endpoints that are told of events. [`outbox`]: what works off the queues of both.
//! * [`limits`]: how much one caller may do, and how much may be done to one recipient.
//! * [`db`]: the file, its readers, and the one thread that writes.
//! * [`oidc`]: id tokens of the operator's identity provider.
//! * [`listen`]: hands webhooks on to an application on this machine, while it is being developed.
//! * [`dev`]: what only `invited dev` has: a clock to set, seeds, and what it starts with; a mailbox, and faults of deliveries.
//! * [`mod@web`]: pages for people: the one that links lead to, and those of the mailbox.
//! * [`base`]: what everything stands on: the clock, addresses, texts, pages, errors. [`token`] and [`secret`] are secrets.
//!
//! # One request
//! The route table names a handler. Its arguments are extractors: who calls and may they, which invitation, which query,
//! which body; each that fails is a [`base::error::Error`] with a code. The handler calls [`db::Db::read`] or [`db::Db::write`] once
//! and turns the outcome into an answer. [`mod@http::envelope`] turns every error into a problem document.

#![forbid(unsafe_code)]

pub mod answer;
pub mod app;
pub mod audit;
pub mod base;
pub mod cli;
pub mod clickhouse;
pub mod config;
pub mod db;
pub mod deletion;
pub mod dev;
pub mod erasure;
pub mod event;
pub mod http;
pub mod idempotency;
pub mod invitation;
pub mod key;
pub mod limits;
pub mod listen;
pub mod mail;
pub mod oidc;
pub mod organization;
pub mod outbox;
pub mod purge;
pub mod retention;
pub mod secret;
pub mod token;
pub mod web;
pub mod webhook;

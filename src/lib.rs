//! Organization invitations as one binary with one SQLite file.
//!
//! # Where everything is
//! The modules stand in one order: each names only those before its own, and a test holds that.
//!
//! 1. [`base`] is what everything stands on: the clock, ids, addresses, texts, pages, errors.
//!    [`oidc`] checks id tokens of the operator's identity provider.
//! 2. [`db`] is the file: its readers, and the one thread that writes. [`audit`] is the history of
//!    the server, [`secret`] what links and codes are derived from, [`purge`] how far a deletion
//!    has come, [`idempotency`] the responses that are stored with their cause.
//! 3. [`outbox`] has the two queues of what is told to the outside, and what works them off.
//! 4. [`key`] is who may do what, [`session`] who is signed in to the console, [`policy`] what this
//!    server allows, [`event`] the history.
//! 5. [`organization`] and [`invitation`] are what it is all about. [`webhook`] and [`mail`] tell
//!    of it, [`redemption`] is what the invited person does with the link.
//! 6. [`retention`], [`erasure`] and [`deletion`] take out of the file what has to leave it.
//!    [`transfer`] moves organizations to another file as text.
//!    [`dev`] is what only `invited dev` has, [`doctor`] says what is wrong with a server, [`backup`]
//!    makes copies of the file and puts them back, [`upgrade`] brings that of an earlier version up
//!    to date.
//! 7. [`mod@http`] is the toolkit of the endpoints, [`metrics`] what Prometheus is told, [`api`]
//!    every endpoint.
//! 8. [`config`] has every setting once, [`server`] builds the parts and runs them, [`cli`] has one
//!    file a subcommand.
//!
//! In a feature `mod.rs` has the types and rules, and `store.rs` the SQL.
//!
//! # One request
//! An operation of [`api`] names a handler. Its arguments are extractors: who calls and may they,
//! which invitation, which query, which body; each that fails is a [`base::error::Error`] with a
//! code. The handler calls [`db::Db::read`] or [`db::Db::write`] once and turns the outcome into a
//! response. [`mod@http::envelope`] turns every error into a problem document.

#![forbid(unsafe_code)]

pub mod api;
pub mod audit;
pub mod backup;
pub mod base;
pub mod cli;
pub mod config;
pub mod db;
pub mod deletion;
pub mod dev;
pub mod doctor;
pub mod erasure;
pub mod event;
pub mod http;
pub mod idempotency;
pub mod invitation;
pub mod key;
pub mod mail;
pub mod metrics;
pub mod oidc;
pub mod organization;
pub mod outbox;
pub mod policy;
pub mod purge;
pub mod redemption;
pub mod retention;
pub mod secret;
pub mod server;
pub mod session;
pub mod transfer;
pub mod upgrade;
pub mod webhook;

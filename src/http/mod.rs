//! The HTTP toolkit: what all endpoints share. It knows who calls and how much they may do, and no
//! feature besides.
//!
//! actix-web leaves some gaps, each closed here: slow routing ([`router`]), wrong methods and HEAD
//! ([`route`]), errors as plain text ([`mod@envelope`], [`problem`]), bodies without a deadline
//! ([`json`]) or an end ([`unread`]), loose queries ([`query`]). [`form`] reads what a page sends.
//! [`metrics`] counts requests. [`cors`] knows which pages of other origins may come.

pub(crate) mod access_log;
pub(crate) mod anonymous;
pub(crate) mod answer_body;
pub(crate) mod asset;
pub(crate) mod auth;
pub mod connection;
pub(crate) mod context;
pub(crate) mod cors;
mod credential;
pub(crate) mod envelope;
pub mod etag;
pub(crate) mod form;
mod headers;
pub(crate) mod host;
pub mod idempotency;
pub(crate) mod json;
pub(crate) mod metrics;
pub(crate) mod nothing;
pub(crate) mod optional_caller;
pub(crate) mod pairs;
pub(crate) mod params;
pub(crate) mod path;
pub(crate) mod problem;
pub mod query;
pub(crate) mod refusal_log;
pub(crate) mod request_id;
pub(crate) mod request_log;
pub mod route;
pub(crate) mod router;
pub(crate) mod stopping;
mod trace_context;
pub(crate) mod unread;

//! The HTTP toolkit: what all endpoints share. It knows who calls and how much they may do, and no
//! feature besides.
//!
//! actix-web leaves some gaps, each closed here: wrong methods and HEAD ([`route`]), errors as
//! plain text ([`mod@envelope`], [`problem`]), bodies without a deadline ([`json`]) or an end
//! ([`unread`]), loose queries ([`query`]).

pub mod anonymous;
pub mod answer_body;
pub mod asset;
pub mod auth;
pub mod connection;
pub mod context;
pub mod envelope;
pub mod etag;
pub mod host;
pub mod idempotency;
pub mod json;
pub mod optional_caller;
pub mod pairs;
pub mod params;
pub mod path;
pub mod problem;
pub mod query;
pub mod refusal_log;
pub mod route;
pub mod stopping;
pub mod unread;
pub mod worker;

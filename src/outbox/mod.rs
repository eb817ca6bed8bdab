//! The outbox: what was committed to be told to the outside is told, at least once, whatever fails
//! in between.
//!
//! A row is written in the transaction of its cause. A [`worker::Worker`] delivers it, and tries
//! again what fails. What a delivery is, is a [`worker::Channel`]'s matter: `mail` and `webhook`
//! have one each.
//!
//! * [`mail`] and [`webhook`] are the two queues.
//! * [`worker`] works one off: [`desk`] decides who is served next, [`places`] who may have how
//!   many places, [`breaker`] whether there is a way to anybody, [`delay`] when a row is tried
//!   again.
//! * [`faults`] makes deliveries fail, in development. [`tries`] counts what they come to.

pub(crate) mod breaker;
pub(crate) mod delay;
pub mod desk;
pub(crate) mod destination;
pub mod faults;
pub mod mail;
pub mod places;
pub(crate) mod tries;
pub mod webhook;
pub mod worker;

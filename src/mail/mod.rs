//! Mail: what is told to people.
//!
//! * [`sender`] works the queue of [`crate::outbox::mail`] off.
//! * [`context`] is what a mail is about, [`message`] how it reads; [`template`] lays it out,
//!   `words` are its sentences by language, `button` its colours, [`text`] keeps what users write
//!   harmless.
//! * [`bounce`] is what is told of mail that came back; it is known by its [`message_id`].
//! * [`transport`] is how it leaves, [`server`] where to. `smtp_error` says what errors mean,
//!   `shape` logs how the server is, `login` keeps wrong passwords
//!   few, [`oauth`] gets tokens in their place, [`trial`] sends one to try all that.
//! * [`webhook`] hands it to a URL of the operator instead of a mail server.
//! * [`mailbox`] keeps it in development.

pub mod bounce;
mod button;
pub mod context;
mod login;
pub mod mailbox;
pub mod message;
pub(crate) mod message_id;
pub(crate) mod oauth;
pub mod sender;
pub(crate) mod server;
mod shape;
mod smtp_error;
pub mod template;
pub(crate) mod text;
pub mod transport;
pub(crate) mod trial;
pub(crate) mod webhook;
pub(crate) mod words;

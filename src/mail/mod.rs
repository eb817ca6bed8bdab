//! Mail: what is told to people.
//!
//! * [`sender`] works the queue of [`crate::outbox::mail`] off.
//! * [`context`] is what a mail is about, [`message`] how it reads; [`template`] lays it out,
//!   `words` are its sentences by language, `button` its colours, [`text`] keeps what users write harmless.
//! * [`transport`] is how it leaves, [`server`] where to. `smtp_error` says what errors mean. [`mailbox`] keeps it in development.

mod button;
pub mod context;
pub mod mailbox;
pub mod message;
pub mod sender;
pub(crate) mod server;
mod smtp_error;
pub mod template;
pub(crate) mod text;
pub mod transport;
pub(crate) mod words;

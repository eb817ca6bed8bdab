//! How the mail server is: told in the log when it changes.

use std::fmt;
use std::sync::Mutex;

use super::sender::Outcome;

/// How a try found the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    /// It takes mail.
    #[default]
    Works,
    /// It cannot be reached.
    Away,
    /// It refuses us.
    Bars,
}

/// How the last try found the server: only changes are logged.
#[derive(Debug, Default)]
pub(crate) struct ShapeLog(Mutex<Shape>);

impl ShapeLog {
    /// Logs what changed of `server` by this outcome, once; `flags` say what to correct.
    pub(crate) fn note(&self, outcome: &Outcome, server: &impl fmt::Display, flags: &str) {
        let shape = match outcome {
            Outcome::Unreachable(_) | Outcome::Resting(..) => Shape::Away,
            Outcome::Barred(_) => Shape::Bars,
            _ => Shape::Works,
        };
        let Ok(mut last) = self.0.lock() else {
            return;
        };
        if *last == shape {
            return;
        }
        match outcome {
            Outcome::Unreachable(error) | Outcome::Resting(error, _) => {
                log::warn!("the mail {server} cannot be used; mail waits: {error}");
            }
            Outcome::Barred(error) => log::error!(
                "the mail {server} refuses this server, so ALL MAIL WAITS: {error} (correct {flags}, \
                 and start again)"
            ),
            _ => log::info!("the mail {server} is back"),
        }
        *last = shape;
    }
}

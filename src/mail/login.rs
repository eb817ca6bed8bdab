//! Logins at a mail server, one after the other until one was taken: some servers lock out for hours
//! whoever tries a wrong password a few times.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::server::Security;
use super::smtp_error::{NoConnection, Part};

/// For how long a login that failed speaks for the connections that were begun together with it:
/// less than the time after which one mail is tried again.
const TOGETHER: Duration = Duration::from_millis(700);

/// What came of the last login.
#[derive(Debug, Default)]
enum Last {
    /// There was none.
    #[default]
    Unknown,
    /// It was taken.
    Taken,
    /// It failed, when, and why; and whether that was a refusal.
    Failed(Instant, String, bool),
}

/// The logins at a server that is secured like this.
#[derive(Debug)]
pub(crate) struct Logins {
    /// What came of the last one. Held for as long as one is tried while none was taken.
    last: Mutex<Last>,
    /// How the server is secured.
    security: Security,
}

impl Logins {
    /// Logins of which none was tried.
    pub(crate) fn new(security: Security) -> Self {
        Self {
            last: Mutex::default(),
            security,
        }
    }

    /// Tries to log in. While no login was taken there is one try at a time, and what it comes to
    /// counts for those that waited for it.
    ///
    /// # Errors
    /// What `log_in` returns, or returned a moment ago.
    pub(crate) fn attempt(
        &self,
        log_in: impl FnOnce() -> Result<(), NoConnection>,
    ) -> Result<(), NoConnection> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Last::Taken => {
                drop(last);
                let tried = log_in();
                if let Err(error) = &tried {
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = self.failed(error);
                }
                return tried;
            }
            Last::Failed(at, why, is_barred) if at.elapsed() < TOGETHER => {
                return Err(NoConnection {
                    is_barred: *is_barred,
                    ..NoConnection::at(Part::Login, why.clone())
                });
            }
            _ => {}
        }
        let tried = log_in();
        *last = match &tried {
            Ok(()) => Last::Taken,
            Err(error) => self.failed(error),
        };
        tried
    }

    /// What is kept of a login that failed.
    fn failed(&self, error: &NoConnection) -> Last {
        let advice = error.advice(self.security);
        let advice = advice.map_or_else(String::new, |advice| format!("{advice}: "));
        let why = format!("{advice}{}", error.error);
        Last::Failed(Instant::now(), why, error.is_barred)
    }
}

//! Logins at a mail server, one after the other until one was taken: some servers lock out for
//! hours whoever tries a wrong password a few times.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::SmtpConnection;

use super::oauth::Tokens;
use super::server::{Login, Security, Server};
use super::smtp_error::{NoConnection, Part, of_login, of_token};
use crate::base::roots::Roots;

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

/// The logins at a server.
pub(crate) struct Logins {
    /// What came of the last one. Held for as long as one is tried while none was taken.
    last: Mutex<Last>,
    /// How the server is secured.
    security: Security,
    /// What takes the place of the password, where that is no login.
    tokens: Option<Tokens>,
}

impl Logins {
    /// Logins at `server`, of which none was tried; what gives tokens is trusted by `roots`.
    pub(crate) fn new(server: &Server, roots: &Roots) -> Self {
        let source = server.tokens.clone();
        Self {
            last: Mutex::default(),
            security: server.security,
            tokens: source.map(|source| Tokens::new(source, roots)),
        }
    }

    /// Tries to log in as `login`. While no login was taken there is one try at a time, and what it
    /// comes to counts for those that waited for it.
    ///
    /// # Errors
    /// What the server says, or said a moment ago.
    pub(crate) fn attempt(
        &self,
        connection: &mut SmtpConnection,
        login: &Login,
    ) -> Result<(), NoConnection> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Last::Taken => {
                drop(last);
                let tried = self.log_in(connection, login);
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
        let tried = self.log_in(connection, login);
        *last = match &tried {
            Ok(()) => Last::Taken,
            Err(error) => self.failed(error),
        };
        tried
    }

    /// Logs in, by the password or by a token.
    fn log_in(&self, connection: &mut SmtpConnection, login: &Login) -> Result<(), NoConnection> {
        let Some(tokens) = &self.tokens else {
            let credentials = (login.user.clone(), login.password.clone()).into();
            let tried = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            return tried.map(drop).map_err(of_login);
        };
        let offers = connection
            .server_info()
            .supports_auth_mechanism(Mechanism::Xoauth2);
        let credentials = (login.user.clone(), tokens.get(&login.password)?).into();
        let tried = connection.auth(&[Mechanism::Xoauth2], &credentials);
        tried.map(drop).map_err(|error| {
            let failed = of_token(error, offers);
            if failed.is_barred {
                tokens.forget();
            }
            failed
        })
    }

    /// What is kept of a login that failed.
    fn failed(&self, error: &NoConnection) -> Last {
        let advice = error.advice(self.security);
        let advice = advice.map_or_else(String::new, |advice| format!("{advice}: "));
        let why = format!("{advice}{}", error.error);
        Last::Failed(Instant::now(), why, error.is_barred)
    }
}

//! The settings of mail, each once.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::{parse_lifetime, whole_seconds};

use crate::base::failure::Failure;
use crate::mail::message::Sender;
use crate::mail::server::Server;
use crate::policy::acceptance::Acceptance;

/// The settings of mail.
#[derive(Args, Clone, Debug)]
pub struct MailSettings {
    /// Mail server, as `smtp://user:password@host:port?tls=starttls`, `tls=tls` or `tls=none`
    /// [default: none, mail is off; dev: a mailbox]
    #[arg(
        long,
        env = "INVITED_SMTP_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub smtp_url: Option<Hidden>,

    /// Whom mail comes from: an address, or `Name <address>`; needed with --smtp-url
    #[arg(long, env = "INVITED_MAIL_FROM", value_name = "ADDRESS", value_parser = Sender::parse)]
    pub mail_from: Option<Sender>,

    /// Folder with templates and words that take the place of our own
    #[arg(long, env = "INVITED_TEMPLATES_DIR", value_name = "FOLDER")]
    pub templates_dir: Option<PathBuf>,

    /// Time before the end of a pending invitation at which its mail is followed by a reminder: 1m
    /// to 365d [default: no reminder]
    #[arg(long, env = "INVITED_REMIND_BEFORE", value_name = "DURATION",
        value_parser = parse_lifetime)]
    pub remind_before: Option<Duration>,

    /// What proves the address to whoever follows a mailed link: `mailed-link`, the link itself, or
    /// `code`, a code that is mailed when it is asked for
    #[arg(
        long,
        env = "INVITED_ACCEPTANCE",
        value_name = "PROOF",
        default_value_t
    )]
    pub acceptance: Acceptance,

    /// Tell inviters by mail of answers, where `inviter.email` is given
    #[arg(long, env = "INVITED_NOTIFY_INVITERS", value_parser = BoolishValueParser::new())]
    pub notify_inviters: bool,
}

impl MailSettings {
    /// The mail server that the settings name. Its URL is read here, where an error need not repeat
    /// it.
    ///
    /// # Errors
    /// When the URL is none, or nobody is named whom mail comes from.
    pub(crate) fn server(&self) -> Result<Option<Server>, Failure> {
        let Some(Hidden(url)) = &self.smtp_url else {
            return Ok(None);
        };
        let server = Server::parse(url)
            .map_err(|(what, hint)| Failure::usage(format!("--smtp-url {what}"), hint))?;
        if self.mail_from.is_none() {
            let hint = "say whom mail comes from: --mail-from 'Acme <invitations@example.com>'";
            return Err(Failure::usage("--smtp-url needs --mail-from", hint));
        }
        Ok(Some(server))
    }

    /// How many seconds before its end a pending invitation is reminded of; none: it is not.
    pub(crate) fn remind_before_seconds(&self) -> Option<i64> {
        self.remind_before.map(whole_seconds)
    }
}

/// A text that may hold a password: it is never shown.
#[derive(Clone)]
pub struct Hidden(String);

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

//! The settings of mail, each once.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use url::Url;

use super::parse::is_loopback;
use super::{parse_lifetime, whole_seconds};

use crate::base::failure::Failure;
use crate::mail::message::Sender;
use crate::mail::oauth::TokenSource;
use crate::mail::server::Server;
use crate::policy::acceptance::Acceptance;

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum Way {
    /// By a mail server.
    Smtp(Server),
    /// By a URL that is told of it.
    Webhook(Url),
}

/// The settings of the mail server.
#[derive(Args, Clone, Debug)]
pub struct SmtpSettings {
    /// Mail server, as `smtp://user:password@host:port?tls=starttls`, `tls=tls` or `tls=none`
    /// [default: none, mail is off; dev: a mailbox]
    #[arg(
        long,
        env = "INVITED_SMTP_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub smtp_url: Option<Hidden>,

    /// Whom mail comes from: an address, or `Name <address>`; needed with --smtp-url and
    /// --mail-webhook
    #[arg(long, env = "INVITED_MAIL_FROM", value_name = "ADDRESS", value_parser = Sender::parse)]
    pub mail_from: Option<Sender>,

    /// URL that gives a token for the login (OAuth 2.0 client credentials, as Microsoft 365 asks);
    /// the password in --smtp-url is the secret of the client then
    #[arg(long, env = "INVITED_SMTP_TOKEN_URL", value_name = "URL")]
    pub smtp_token_url: Option<Url>,

    /// What the identity provider calls this server, with --smtp-token-url
    #[arg(long, env = "INVITED_SMTP_CLIENT_ID", value_name = "ID")]
    pub smtp_client_id: Option<String>,

    /// What the token is for
    #[arg(
        long,
        env = "INVITED_SMTP_SCOPE",
        value_name = "SCOPE",
        default_value = "https://outlook.office365.com/.default"
    )]
    pub smtp_scope: String,
}

/// The settings of mail.
#[derive(Args, Clone, Debug)]
pub struct MailSettings {
    /// By which server it leaves
    #[command(flatten)]
    pub smtp: SmtpSettings,

    /// URL of your own that is told of each mail and sends it, instead of a mail server: https, or
    /// http on this machine; needs --mail-from
    #[arg(
        long,
        env = "INVITED_MAIL_WEBHOOK",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub mail_webhook: Option<Hidden>,

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

impl SmtpSettings {
    /// The mail server that the settings name. Its URL is read here, where an error need not repeat
    /// it.
    ///
    /// # Errors
    /// When the URL is none, or nobody is named whom mail comes from.
    pub(crate) fn server(&self) -> Result<Option<Server>, Failure> {
        let Some(Hidden(url)) = &self.smtp_url else {
            return Ok(None);
        };
        let mut server = Server::parse(url)
            .map_err(|(what, hint)| Failure::usage(format!("--smtp-url {what}"), hint))?;
        if self.mail_from.is_none() {
            let hint = "say whom mail comes from: --mail-from 'Acme <invitations@example.com>'";
            return Err(Failure::usage("--smtp-url needs --mail-from", hint));
        }
        server.tokens = self.tokens(&server)?;
        Ok(Some(server))
    }

    /// Checks that the settings of tokens come together.
    ///
    /// # Errors
    /// When one of them is missing.
    pub(crate) fn check_tokens(&self) -> Result<(), Failure> {
        let given = [
            ("--smtp-token-url", self.smtp_token_url.is_some()),
            ("--smtp-client-id", self.smtp_client_id.is_some()),
            ("--smtp-url", self.smtp_url.is_some()),
        ];
        let is_asked_for = given[0].1 || given[1].1;
        let named = |is_given: bool| -> Vec<_> {
            let named = given.iter().filter(|(_, given)| *given == is_given);
            named.map(|(flag, _)| *flag).collect()
        };
        if !is_asked_for || named(false).is_empty() {
            return Ok(());
        }
        Err(Failure::usage(
            format!(
                "{} needs {}",
                named(true).first().copied().unwrap_or_default(),
                named(false).join(" and ")
            ),
            "a login by tokens takes --smtp-url, --smtp-token-url and --smtp-client-id",
        ))
    }

    /// Where the tokens of a login at `server` come from; none: it takes a password.
    fn tokens(&self, server: &Server) -> Result<Option<TokenSource>, Failure> {
        let (Some(url), Some(client_id)) = (&self.smtp_token_url, &self.smtp_client_id) else {
            return Ok(None);
        };
        if !is_endpoint(url) {
            let hint = "give an https URL without user name, as \
                https://login.microsoftonline.com/TENANT/oauth2/v2.0/token";
            return Err(Failure::usage("--smtp-token-url cannot be used", hint));
        }
        if server.login.is_none() {
            let hint = "name the mailbox and the secret of the client in --smtp-url: \
                smtp://mailbox%40example.com:secret@host?tls=starttls";
            return Err(Failure::usage("--smtp-token-url needs a login", hint));
        }
        Ok(Some(TokenSource {
            url: url.clone(),
            client_id: client_id.clone(),
            scope: self.smtp_scope.clone(),
        }))
    }
}

impl MailSettings {
    /// How mail leaves by these settings; none: they say nothing of it.
    ///
    /// # Errors
    /// When a URL is none that may be, there are two ways, or nobody is named whom mail comes from.
    pub(crate) fn way(&self) -> Result<Option<Way>, Failure> {
        self.smtp.check_tokens()?;
        let Some(Hidden(text)) = &self.mail_webhook else {
            return Ok(self.smtp.server()?.map(Way::Smtp));
        };
        if self.smtp.smtp_url.is_some() {
            let what = "both --smtp-url and --mail-webhook say how mail leaves";
            return Err(Failure::usage(what, "give one of them"));
        }
        let Some(url) = Url::parse(text).ok().filter(is_endpoint) else {
            let hint = "give an https URL without user name, as https://app.example.com/mail";
            return Err(Failure::usage("--mail-webhook cannot be used", hint));
        };
        if self.smtp.mail_from.is_none() {
            let hint = "say whom mail comes from: --mail-from 'Acme <invitations@example.com>'";
            return Err(Failure::usage("--mail-webhook needs --mail-from", hint));
        }
        Ok(Some(Way::Webhook(url)))
    }

    /// How many seconds before its end a pending invitation is reminded of; none: it is not.
    pub(crate) fn remind_before_seconds(&self) -> Option<i64> {
        self.remind_before.map(whole_seconds)
    }
}

/// Whether secrets may be handed to `url`: they must not be read on the way.
fn is_endpoint(url: &Url) -> bool {
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    is_safe && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
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

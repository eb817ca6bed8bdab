//! `invited login` and `invited logout`: who is signed in to the console, beside a running server.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::key::parse_id;
use super::stdout;
use crate::audit::By;
use crate::base::error::{Code, Error};
use crate::base::failure::Failure;
use crate::config::places::or_default;
use crate::config::{Listen, listen, parse_public_url};
use crate::db::write_file;
use crate::key::token::KeyId;
use crate::key::{self, Rights};
use crate::session::{self, Token};

/// Whose sign-in link, and for which server.
#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// Sign in with the rights of this key, and only for as long as it is live: the 16 hex digits
    /// after `ivk_`; else with all rights, by a key of its own that ends with the session
    #[arg(long, value_name = "KEY", value_parser = parse_id)]
    key: Option<KeyId>,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// Where people reach the server [default: http:// and the address of --listen]
    #[arg(long, env = "INVITED_PUBLIC_URL", value_name = "URL", value_parser = parse_public_url)]
    public_url: Option<Url>,
    /// Where the server listens [default: 127.0.0.1:8080]
    #[arg(long, env = "INVITED_LISTEN", value_name = "PLACE,...", value_delimiter = ',',
        value_parser = listen::parse_listen)]
    listen: Vec<Listen>,
    /// The certificate that the server shows, if it speaks TLS: the link begins with https then
    #[arg(long, env = "INVITED_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
}

/// Whose sessions end.
#[derive(Args, Debug)]
pub(crate) struct LogoutArgs {
    /// End every session and every sign-in link
    #[arg(long, required = true)]
    all: bool,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
}

/// Prints a link that signs in to the console once; prints nothing else to stdout.
pub(crate) fn login(args: LoginArgs) -> Result<(), Failure> {
    stdout::check("the link")?;
    let database = super::database(args.database);
    let url = match args.public_url {
        Some(url) => url.to_string(),
        None => listen::local_url(&or_default(&args.listen), args.tls_cert.is_some()),
    };
    let token = write_file(&database, |tx| match &args.key {
        None => session::make_link_with_key(tx, Rights::ALL, By::CLI),
        Some(id) => {
            let key = key::store::find(tx, id)?.filter(|key| key.is_live(tx.now));
            let missing = || Error::new(Code::NotFound, "there is no live key with this id");
            session::make_link(tx, &key.ok_or_else(missing)?.id)
        }
    })?;
    super::deliver(&format!("{}\n", link(&url, &token)))
}

/// Ends every session.
pub(crate) fn logout(args: LogoutArgs) -> Result<(), Failure> {
    debug_assert!(args.all, "the argument is required");
    let database = super::database(args.database);
    let ended = write_file(&database, |tx| session::end_all(tx, By::CLI))?;
    let sessions = if ended == 1 { "session" } else { "sessions" };
    super::print(&format!("ended {ended} {sessions}\n"))
}

/// The sign-in link with this token, of the server that people reach under `url`.
pub(super) fn link(url: &str, token: &Token) -> String {
    format!(
        "{}/console/sign-in#{}{}",
        url.trim_end_matches('/'),
        session::LINK_PREFIX,
        token.reveal()
    )
}

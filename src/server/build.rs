//! The parts that a server is built of.

use std::net::SocketAddr;

use url::Url;

use crate::audit::By;
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::config::Config;
use crate::db::Db;
use crate::key::token::PlainKey;
use crate::key::{self, NewKey, Rights};
use crate::mail::message::{Composer, Sender};
use crate::mail::template::Templates;
use crate::mail::transport::{Smtp, Transport, address};

/// How the mail of a server with this configuration is written, and how it leaves; none where it
/// sends none.
///
/// # Errors
/// When a template cannot be used, or TLS with the mail server.
pub fn prepare_mail(config: &Config) -> Result<Option<(Composer, Transport)>, Failure> {
    let settings = &config.settings.mail;
    let templates = Templates::load(settings.templates_dir.as_deref())?;
    let sender = settings
        .mail_from
        .clone()
        .unwrap_or_else(Sender::of_development);
    let transport = match &config.mail_server {
        Some(server) => Transport::Smtp(Box::new(Smtp::new(
            server.clone(),
            address(&sender.address),
        )?)),
        None if config.mode == Mode::Dev => Transport::Mailbox,
        None => return Ok(None),
    };
    Ok(Some((Composer { sender, templates }, transport)))
}

/// Makes the one admin key of a file that has no keys.
pub async fn first_key(db: &Db) -> Result<Option<PlainKey>, Failure> {
    let failed = |error: Error| Failure::runtime(error.to_string(), "see the log");
    if db.read(key::store::exist).map_err(failed)? {
        return Ok(None);
    }
    let new = NewKey {
        name: "admin".to_owned(),
        rights: Rights::ALL,
        expires_at: None,
    };
    db.write(move |tx| key::manage::create_as(tx, &new, By::SERVER))
        .await
        .map(Some)
        .map_err(failed)
}

/// The URL under which people and programs reach a server that listens on `address`.
///
/// # Errors
/// When none is set, and the address makes none.
pub fn public_url(config: &Config, address: SocketAddr) -> Result<Url, Failure> {
    let made = || Url::parse(&format!("http://{address}"));
    let url = config.settings.public_url.clone().map_or_else(made, Ok);
    url.map_err(|error| Failure::runtime(error.to_string(), "give the URL with --public-url"))
}

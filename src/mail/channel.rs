//! The queue of mail, worked off: which letter a row is, how it leaves, and what becomes of it.

use super::letter::Letter;
use super::message::{Composer, Message, Sender};
use super::store::{self, Claim};
use super::template::Templates;
use super::transport::{Smtp, Transport, address};
use super::{Kind, letter};
use crate::clock::Timestamp;
use crate::config::{Config, Mode};
use crate::db::{Reader, Topic, WriteTx};
use crate::error::Result;
use crate::failure::Failure;
use crate::invitation::Delivery;
use crate::outbox::{self, Delay};
use crate::secret::Secret;

/// How a mail server that cannot be reached is tried again: for as long as the mail has a point, and often enough that all of it
/// is out a minute after the server is back.
const UNREACHABLE: &[Delay] = &[
    Delay { tries: 1, seconds: 1 },
    Delay { tries: 2, seconds: 3 },
    Delay { tries: 3, seconds: 10 },
    Delay { tries: u32::MAX, seconds: 30 },
];
/// How a mail is tried again that the server does not take now (4xx): first as often as above, then less, for about a day.
const DEFERRED: &[Delay] = &[
    Delay { tries: 1, seconds: 5 },
    Delay { tries: 2, seconds: 15 },
    Delay { tries: 20, seconds: 40 },
    Delay { tries: 32, seconds: 300 },
    Delay { tries: 76, seconds: 1800 },
];

/// Mail as a channel of the outbox.
pub struct Mail {
    /// How it leaves.
    pub transport: Transport,
    /// How letters become mails.
    pub composer: Composer,
    /// From what links and codes are derived.
    pub secret: Secret,
    /// The page that takes the token of a link in its fragment.
    pub accept_url: String,
}

/// How the mail of a server with this configuration is written, and how it leaves; none where it sends none.
///
/// # Errors
/// When a template cannot be used, or TLS with the mail server.
pub fn prepare(config: &Config) -> std::result::Result<Option<(Composer, Transport)>, Failure> {
    let settings = &config.settings.mail;
    let templates = Templates::load(settings.templates_dir.as_deref())?;
    let sender = settings.mail_from.clone().unwrap_or_else(Sender::of_development);
    let transport = match &config.mail_server {
        Some(server) => Transport::Smtp(Box::new(Smtp::new(server.clone(), address(&sender.address))?)),
        None if config.mode == Mode::Dev => Transport::Mailbox,
        None => return Ok(None),
    };
    Ok(Some((Composer { sender, templates }, transport)))
}

/// A mail that was claimed.
pub struct Item {
    /// Its row.
    claim: Claim,
    /// What it is about.
    letter: Letter,
}

/// What became of a mail.
#[derive(Debug)]
pub enum Outcome {
    /// The mail server has taken it.
    Sent,
    /// It is to be kept in the mailbox.
    Kept(Box<Message>),
    /// The mail server cannot be reached.
    Unreachable(String),
    /// The mail server does not take it now.
    Deferred(String),
    /// The mail server will never take it.
    Refused(String),
}

impl outbox::Channel for Mail {
    type Item = Item;
    type Outcome = Outcome;
    const TOPIC: Topic = Topic::Mail;
    const ROOM: usize = 8;

    fn next_due(&self, reader: &Reader<'_>) -> Result<Option<Timestamp>> {
        store::next_due(reader)
    }

    fn claim(&self, tx: &WriteTx<'_>, room: usize) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for claim in store::claim(tx, room)? {
            match letter::find(tx, &claim, self)? {
                Some(letter) => items.push(Item { claim, letter }),
                None => {
                    store::remove(tx, &claim)?;
                    if claim.kind == Kind::Invitation {
                        store::note_delivery(tx, claim.invitation, Delivery::None, (0, None))?;
                    }
                }
            }
        }
        Ok(items)
    }

    fn deliver(&self, item: &Item) -> Outcome {
        match (self.composer.compose(&item.letter), &self.transport) {
            (Ok(message), Transport::Smtp(smtp)) => smtp.send(&message),
            (Ok(message), Transport::Mailbox) => Outcome::Kept(Box::new(message)),
            // The operator may correct the template and start again.
            (Err(error), _) => Outcome::Deferred(error),
        }
    }

    fn record(&self, tx: &WriteTx<'_>, item: &Item, outcome: &Outcome) -> Result<()> {
        let claim = &item.claim;
        match outcome {
            Outcome::Sent => end(tx, claim, None),
            Outcome::Kept(message) => {
                store::keep(tx, claim.kind, message)?;
                end(tx, claim, None)
            }
            Outcome::Unreachable(error) => put_off(tx, claim, UNREACHABLE, error),
            Outcome::Deferred(error) => put_off(tx, claim, DEFERRED, error),
            Outcome::Refused(error) => end(tx, claim, Some(error)),
        }
    }

    fn release(&self, tx: &WriteTx<'_>) -> Result<()> {
        store::release(tx)
    }
}

/// Takes a mail out of the queue that was sent, or given up because of `error`.
fn end(tx: &WriteTx<'_>, claim: &Claim, error: Option<&str>) -> Result<()> {
    let delivery = if error.is_some() { Delivery::Failed } else { Delivery::Sent };
    if store::remove(tx, claim)? && claim.kind == Kind::Invitation {
        store::note_delivery(tx, claim.invitation, delivery, (claim.attempts, error))?;
    }
    Ok(())
}

/// Has a mail tried again by `plan`, or gives it up where that ends.
fn put_off(tx: &WriteTx<'_>, claim: &Claim, plan: &[Delay], error: &str) -> Result<()> {
    let Some(delay_ms) = outbox::delay_ms(plan, claim.attempts) else {
        return end(tx, claim, Some(error));
    };
    let due_at = Timestamp::from_millis(tx.now.as_millis().saturating_add(delay_ms));
    if store::put_off(tx, claim, due_at, error)? && claim.kind == Kind::Invitation {
        store::note_delivery(tx, claim.invitation, Delivery::Queued, (claim.attempts, Some(error)))?;
    }
    Ok(())
}

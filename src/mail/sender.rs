//! The queue of mail, worked off: which letter a row is, how it leaves, and what becomes of it.

use std::sync::Arc;

use uuid::Uuid;

use super::context::{self, MailContext, Next};
use super::mailbox;
use super::message::{Composer, Message};
use super::transport::Transport;
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::base::origin::Origin;
use crate::db::{Reader, Topic, WriteTx, unless_damaged};
use crate::event::{self, EventFields, EventType, NewEvent};
use crate::invitation;
use crate::outbox::delay::{self, Delay};
use crate::outbox::desk::{Found, Offer};
use crate::outbox::destination::Answer;
use crate::outbox::faults::{Fault, Faults, Target};
use crate::outbox::mail::store::{self, Claim, Row};
use crate::outbox::mail::turns::Turns;
use crate::outbox::mail::{Delivery, Kind};
use crate::outbox::places::{Place, Room};
use crate::outbox::worker::Channel;
use crate::policy::limits::{DAY, Limits};
use crate::secret::Keyring;

/// How a mail is tried again that met no mail server, or one that refuses us: for as long as it has
/// a point, and often enough that all of them are out a minute after the server is back. Until then
/// the outbox lets one at a time go out.
const UNREACHABLE: &[Delay] = &[
    Delay {
        tries: 1,
        seconds: 1,
    },
    Delay {
        tries: 2,
        seconds: 3,
    },
    Delay {
        tries: 3,
        seconds: 10,
    },
    Delay {
        tries: u32::MAX,
        seconds: 30,
    },
];
/// How a mail is tried again that the server does not take now (4xx): first as often as above, then
/// less, for about a day.
const DEFERRED: &[Delay] = &[
    Delay {
        tries: 1,
        seconds: 5,
    },
    Delay {
        tries: 2,
        seconds: 15,
    },
    Delay {
        tries: 20,
        seconds: 40,
    },
    Delay {
        tries: 32,
        seconds: 300,
    },
    Delay {
        tries: 76,
        seconds: 1800,
    },
];

/// Who gives a mail up, in the history.
const ACTOR: &str = "mail";

/// Mail as a channel of the outbox.
pub struct Mail {
    /// How it leaves.
    pub transport: Transport,
    /// How letters become mails.
    pub composer: Arc<Composer>,
    /// Which mails are to fail.
    pub faults: Faults,
    /// From what links and codes are derived.
    pub keyring: Keyring,
    /// The page that takes the token of a link in its fragment.
    pub accept_url: String,
    /// How many seconds before its end a pending invitation is reminded of; none: it is not.
    pub remind_before_seconds: Option<i64>,
    /// Whether inviters are told of answers.
    pub notifies_inviters: bool,
    /// How much may be sent to one recipient.
    pub limits: Arc<Limits>,
}

impl Mail {
    /// When an invitation that ends at `expires_at` is reminded of, if that is set.
    pub(crate) fn reminder_at(&self, expires_at: Timestamp) -> Option<Timestamp> {
        self.remind_before_seconds
            .map(|seconds| expires_at.plus_seconds(-seconds))
    }

    /// Queues the reminder of an invitation whose mail was sent. One that ends too soon for it gets
    /// none.
    fn queue_reminder(&self, tx: &WriteTx<'_>, letter: &MailContext) -> Result<()> {
        match self.reminder_at(letter.expires_at) {
            Some(due_at)
                if due_at > tx.now
                    && self
                        .limits
                        .count_mail(&letter.organization, &letter.email)
                        .is_ok() =>
            {
                store::queue(tx, letter.invitation, Kind::Reminder, &[], due_at)
            }
            _ => Ok(()),
        }
    }

    /// Takes a mail out of the queue that was sent. Returns whether it was still the claimed one.
    fn end_well(&self, tx: &WriteTx<'_>, Item { claim, letter }: &Item) -> Result<bool> {
        let is_claimed = store::remove(tx, claim)?;
        if is_claimed && claim.kind == Kind::Invitation {
            invitation::store::set_delivery(
                tx,
                claim.invitation,
                Delivery::Sent,
                claim.attempts,
                None,
            )?;
            self.queue_reminder(tx, letter)?;
        }
        Ok(is_claimed)
    }
}

/// A mail that was claimed.
pub struct Item {
    /// Its row.
    claim: Claim,
    /// What it is about.
    letter: MailContext,
}

impl Item {
    /// The invitation that it is about.
    pub fn invitation(&self) -> Uuid {
        self.claim.invitation
    }

    /// The mail domain that it goes to.
    pub fn domain(&self) -> &str {
        &self.claim.place.destination
    }
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
    /// What takes the mail asks to be left alone for so many milliseconds.
    Resting(String, i64),
    /// The mail server refuses us: the login, or the sender. That says nothing of the mail.
    Barred(String),
    /// The mail server does not take it now.
    Deferred(String),
    /// The mail server stood still over it.
    Stalled(String),
    /// The mail server will never take it.
    Refused(String),
}

impl Outcome {
    /// What a mail server would have done.
    fn of_fault(fault: Fault) -> Self {
        match fault {
            Fault::Fail => {
                Self::Unreachable("the mail server cannot be reached (/dev/faults)".to_owned())
            }
            Fault::Stall => Self::Stalled("the mail server stands still (/dev/faults)".to_owned()),
            Fault::Code(code) if code < 500 => {
                Self::Deferred(format!("{code} not now (/dev/faults)"))
            }
            Fault::Code(code) => Self::Refused(format!("{code} refused (/dev/faults)")),
        }
    }
}

impl Channel for Mail {
    type Row = Row;
    type Item = Item;
    type Outcome = Outcome;
    type Turns = Turns;
    const NAME: &'static str = ACTOR;
    const TOPIC: Topic = Topic::Mail;
    const RETRY: Option<Topic> = Some(Topic::MailRetry);
    // One domain that fell silent while it had all of its eight places leaves four to the others.
    const ROOM: Room = Room {
        urgent: 2,
        usual: 12,
        slow: 3,
        unknown: 8,
        again: 9,
        organization: 12,
        first: 2,
    };

    fn find(
        &self,
        reader: &Reader<'_>,
        turns: &mut Turns,
        offer: &mut Offer<'_>,
    ) -> Result<Found<Row>> {
        Ok(Found {
            has_ripe: store::has_ripe(reader)?,
            rows: turns.find(reader, offer)?,
        })
    }

    fn ripen(&self, tx: &WriteTx<'_>) -> Result<()> {
        store::ripen(tx)
    }

    fn place(&self, item: &Item) -> Place {
        item.claim.place.clone()
    }

    fn answer(&self, outcome: &Outcome) -> Answer {
        match outcome {
            Outcome::Sent | Outcome::Kept(_) | Outcome::Refused(_) => Answer::Taken,
            Outcome::Unreachable(_) => Answer::NoWay,
            Outcome::Resting(_, rest_ms) => Answer::Resting(*rest_ms),
            Outcome::Barred(_) => Answer::Barred,
            Outcome::Deferred(_) => Answer::Failed(None),
            Outcome::Stalled(_) => Answer::TimedOut,
        }
    }

    fn claim(&self, tx: &WriteTx<'_>, rows: &[Row]) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for claim in store::claim(tx, rows)? {
            // What is damaged comes again when its lease has ended, and holds up nothing else.
            let Some(next) = unless_damaged("mail", context::find(tx, &claim, self))? else {
                continue;
            };
            match next {
                Next::Send(letter) => items.push(Item {
                    claim,
                    letter: *letter,
                }),
                Next::Wait(due_at) => {
                    store::queue(tx, claim.invitation, claim.kind, &claim.address_mac, due_at)?;
                }
                Next::Drop => {
                    store::remove(tx, &claim)?;
                    if claim.kind == Kind::Invitation {
                        invitation::store::set_delivery(
                            tx,
                            claim.invitation,
                            Delivery::None,
                            0,
                            None,
                        )?;
                    }
                }
            }
        }
        Ok(items)
    }

    fn deliver(&self, item: &Item) -> Outcome {
        if let Some(fault) = self.faults.take(Target::Mail) {
            return Outcome::of_fault(fault);
        }
        match (self.composer.compose(&item.letter), &self.transport) {
            (Ok(message), Transport::Smtp(smtp)) => smtp.send(&message),
            (Ok(message), Transport::Webhook(webhook)) => {
                webhook.send(&item.letter, &message, &self.composer)
            }
            (Ok(message), Transport::Mailbox) => Outcome::Kept(Box::new(message)),
            // The operator may correct the template and start again.
            (Err(error), _) => Outcome::Deferred(error),
        }
    }

    fn record(&self, tx: &WriteTx<'_>, item: &Item, outcome: &Outcome) -> Result<()> {
        let claim = &item.claim;
        match outcome {
            Outcome::Sent => self.end_well(tx, item).map(drop),
            // After a reset nothing of what was there before comes to light.
            Outcome::Kept(message) if self.end_well(tx, item)? => {
                mailbox::store::insert(tx, claim.kind, message)
            }
            Outcome::Kept(_) => Ok(()),
            Outcome::Unreachable(error) | Outcome::Resting(error, _) | Outcome::Barred(error) => {
                put_off(tx, item, UNREACHABLE, error)
            }
            Outcome::Deferred(error) | Outcome::Stalled(error) => {
                put_off(tx, item, DEFERRED, error)
            }
            Outcome::Refused(error) => give_up(tx, item, error),
        }
    }

    fn remove(&self, tx: &WriteTx<'_>, item: &Item) -> Result<()> {
        store::remove(tx, &item.claim).map(drop)
    }

    fn release(&self, tx: &WriteTx<'_>) -> Result<()> {
        store::release(tx)
    }

    fn recall(&self, tx: &WriteTx<'_>) -> Result<()> {
        // At each number of tries it waits the longer of the two, and before the first one for as
        // long as its mailbox has had enough.
        store::recall(tx, DEFERRED, DAY.cast_signed())
    }
}

/// Takes a mail out of the queue that was refused or is given up because of `error`. Of an
/// invitation its history says so.
fn give_up(tx: &WriteTx<'_>, Item { claim, letter }: &Item, error: &str) -> Result<()> {
    log::warn!(
        "a mail is given up ({} of {}): {error}",
        claim.kind.name(),
        claim.invitation
    );
    let is_noted = store::remove(tx, claim)? && claim.kind == Kind::Invitation;
    // An organization that is being deleted has no history any more.
    if !is_noted || invitation::store::find_organization(tx, claim.invitation)?.is_none() {
        return Ok(());
    }
    invitation::store::set_delivery(
        tx,
        claim.invitation,
        Delivery::Failed,
        claim.attempts,
        Some(error),
    )?;
    let facts = |delivery: Delivery| EventFields {
        delivery: Some(delivery.name()),
        ..EventFields::default()
    };
    let (before, after) = (facts(Delivery::Queued), facts(Delivery::Failed));
    let origin = Origin {
        actor: ACTOR.to_owned(),
        request_id: tx.new_task_id().to_string(),
    };
    event::store::append(
        tx,
        &NewEvent {
            organization: &letter.organization,
            kind: EventType::DeliveryFailed,
            invitation: Some(claim.invitation),
            origin: &origin,
            before: Some(&before),
            after: Some(&after),
        },
    )
}

/// Has a mail tried again by `plan`, or gives it up where that ends.
fn put_off(tx: &WriteTx<'_>, item: &Item, plan: &[Delay], error: &str) -> Result<()> {
    let claim = &item.claim;
    let Some(delay_ms) = delay::delay_ms(plan, claim.attempts, tx.spread()) else {
        return give_up(tx, item, error);
    };
    let due_at = Timestamp::from_millis(tx.now.as_millis().saturating_add(delay_ms));
    if store::put_off(tx, claim, due_at, error)? && claim.kind == Kind::Invitation {
        invitation::store::set_delivery(
            tx,
            claim.invitation,
            Delivery::Queued,
            claim.attempts,
            Some(error),
        )?;
    }
    Ok(())
}

//! Invitations, and what is told to the outside. What there is of them is counted as it changes, so
//! a scrape reads a few numbers, however many rows there are.

use super::family::{Family, Sample, Value};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::db::{Count, Db, Reader, list_counts};
use crate::outbox::mail::store::waiting;
use crate::outbox::tries::Tries;
use crate::outbox::webhook::store;

/// What the file says.
#[derive(Default)]
struct Stored {
    /// How many rows of what there are.
    counts: Vec<Count>,
    /// For how many seconds the oldest one of each queue and kind waits.
    oldest: Vec<([&'static str; 2], f64)>,
}

/// All of it. Where the file cannot be read, what it says is left out.
pub(super) fn families(db: &Db, mail: &Tries, webhooks: &Tries) -> Vec<Family> {
    let stored = db.read(read).ok();
    let mut families = stored.map_or_else(no_families, |stored| of_file(&stored));
    families.push(tries(mail, webhooks));
    families
}

/// Reads what the file says.
fn read(reader: &Reader<'_>) -> Result<Stored> {
    let age = |since: Option<Timestamp>| {
        let millis = since.map_or(0, |since| reader.now.as_millis() - since.as_millis());
        super::process::seconds(Timestamp::from_millis(millis.max(0)))
    };
    let mails = waiting::find_oldest(reader)?;
    let mails = mails.map(|(kind, since)| (["mail", kind.name()], age(since)));
    let deliveries = (["webhook", "event"], age(store::find_oldest(reader)?));
    Ok(Stored {
        counts: list_counts(reader)?,
        oldest: mails.into_iter().chain([deliveries]).collect(),
    })
}

/// What the file says.
fn of_file(stored: &Stored) -> Vec<Family> {
    let of = |what: &'static str| stored.counts.iter().filter(move |count| count.what == what);
    let invitations = of("invitation").map(|found| {
        let labels = [("status", &*found.state)];
        Sample::new(labels, Value::Whole(found.count))
    });
    let items = of("mail").chain(of("webhook")).map(|found| {
        let labels = [
            ("queue", &*found.what),
            ("kind", &found.kind),
            ("state", &found.state),
        ];
        Sample::new(labels, Value::Whole(found.count))
    });
    let oldest = stored.oldest.iter().map(|([queue, kind], age)| {
        let labels = [("queue", *queue), ("kind", *kind)];
        Sample::new(labels, Value::Real(*age))
    });
    named(invitations.collect(), items.collect(), oldest.collect())
}

/// The same without values.
fn no_families() -> Vec<Family> {
    named(Vec::new(), Vec::new(), Vec::new())
}

/// The names of what the file says.
fn named(invitations: Vec<Sample>, items: Vec<Sample>, oldest: Vec<Sample>) -> Vec<Family> {
    vec![
        Family::gauges(
            "invited_invitations",
            "Invitations of all organizations.",
            invitations,
        ),
        Family::gauges(
            "invited_outbox_items",
            "Mail and deliveries to webhooks that wait or are under way.",
            items,
        ),
        Family::gauges(
            "invited_outbox_oldest_seconds",
            "How long the oldest of them waits that is not scheduled for later.",
            oldest,
        ),
    ]
}

/// What was tried.
fn tries(mail: &Tries, webhooks: &Tries) -> Family {
    let queues = [("mail", mail.get()), ("webhook", webhooks.get())];
    let samples = queues.into_iter().flat_map(|(queue, results)| {
        results.map(|(result, count)| {
            let labels = [("queue", queue), ("result", result)];
            Sample::new(labels, Value::Whole(count))
        })
    });
    Family::counters(
        "invited_outbox_tries",
        "Tries to send mail and to tell webhooks.",
        samples.collect(),
    )
}

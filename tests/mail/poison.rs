//! A mail that cannot be delivered delays no other.

use std::time::Duration;

use serde_json::Value;

use crate::check::{ensure, no_panic};
use crate::client::Client;
use crate::scale::Scale;
use crate::site::{Site, invite, list};
use crate::{Outcome, report};

/// Mails that the poisoned ones must not delay.
const OTHERS: usize = 100;

/// When they must be out: a few seconds, and some slack for the machine.
const WITHIN: Duration = Duration::from_secs(10);

/// What the mail server does to the poisoned ones, by name; then how they must be shown, and with
/// what in the error.
const POISONED: [(&str, &str, &str); 3] = [
    ("refuse", "failed", "550"),
    ("defer", "queued", "451"),
    ("drop", "queued", ""),
];

/// Invites the poisoned ones first, so that they are the first to be tried.
pub fn a_poisoned_mail_delays_no_other(_: &Scale) -> Outcome {
    let site = Site::new()?;
    let peer = site.start_peer()?;
    let server = site.serve()?;
    let client = Client::new(&server.base, &server.admin_key()?);
    invite(&client, "acme", "stall", 1)?;
    for (name, ..) in POISONED {
        invite(&client, "acme", name, 1)?;
    }
    invite(&client, "acme", "other", OTHERS)?;
    let taken = site.wait_for_recipients(OTHERS, WITHIN)?;
    report(format!(
        "{OTHERS} mails beside 4 poisoned ones: out after {taken:?}"
    ));

    let shown = list(&client, "acme")?;
    for (name, delivery, error) in POISONED {
        let item = find(&shown, name)?;
        let attempts = item["deliveryAttempts"].as_u64().unwrap_or_default();
        let is_told = item["deliveryError"]
            .as_str()
            .is_some_and(|text| !text.is_empty() && text.contains(error));
        ensure(
            item["delivery"] == delivery && attempts >= 1 && is_told,
            || format!("{name} is shown as {item}"),
        )?;
    }
    let stalled = find(&shown, "stall")?;
    ensure(stalled["delivery"] == "queued", || {
        format!("the one that stalls is shown as {stalled}")
    })?;
    let poisoned = site
        .recipients()?
        .into_iter()
        .find(|recipient| !recipient.starts_with("other-"));
    ensure(poisoned.is_none(), || format!("{poisoned:?} has got mail"))?;
    drop(peer);
    no_panic(&server.stop()?)
}

/// The invitation of a name.
fn find<'a>(shown: &'a [Value], name: &str) -> Outcome<&'a Value> {
    let is_it = |item: &&Value| {
        item["email"]
            .as_str()
            .is_some_and(|email| email.starts_with(name))
    };
    Ok(shown.iter().find(is_it).ok_or("an invitation is missing")?)
}

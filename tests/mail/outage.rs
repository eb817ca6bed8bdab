//! What piled up while the mail server was out of order is gone a minute after it is back.

use std::thread;
use std::time::Duration;

use crate::check::{ensure, no_panic};
use crate::client::Client;
use crate::scale::Scale;
use crate::site::{Site, all_are_sent, invite, list};
use crate::{Outcome, report};

/// Invitations that are made meanwhile.
const BACKLOG: usize = 1_000;

/// How long after the return of the mail server the last of them may leave.
const GONE_WITHIN: Duration = Duration::from_mins(1);

/// Has the mail server be away, then silent, then unwilling.
pub fn a_backlog_is_gone_in_time(scale: &Scale) -> Outcome {
    let site = Site::new()?;
    let server = site.serve()?;
    let client = Client::new(&server.base, &server.admin_key()?);
    let third = BACKLOG / 3;
    invite(&client, "acme", "away", third)?;
    thread::sleep(scale.outage);
    site.control("stall")?;
    let peer = site.start_peer()?;
    invite(&client, "acme", "silent", third)?;
    thread::sleep(scale.outage);
    site.control("defer")?;
    invite(&client, "acme", "unwilling", BACKLOG - 2 * third)?;
    thread::sleep(scale.outage);
    ensure(site.mails()?.is_empty(), || {
        "mail was taken during the outage".to_owned()
    })?;
    let is_tried = |item: &&serde_json::Value| {
        item["delivery"] == "queued" && item["deliveryError"].is_string()
    };
    let tried = list(&client, "acme")?.iter().filter(is_tried).count();
    ensure(tried > 0, || "no failed try is shown".to_owned())?;

    site.control("")?;
    let taken = site.wait_for_recipients(BACKLOG, GONE_WITHIN)?;
    site.wait_until_sent(Duration::from_secs(10))?;
    all_are_sent(&client, "acme")?;
    let once_more = site.mails()?.len() - BACKLOG;
    report(format!(
        "{BACKLOG} mails after an outage of {:?}, {tried} of them tried in vain: all out \
         {taken:?} after its end, {once_more} twice",
        scale.outage * 3
    ));
    drop(peer);
    no_panic(&server.stop()?)
}

//! A stop waits for the mails that are under way, but not for ever, and the next start goes on.

use std::thread;
use std::time::{Duration, Instant};

use crate::check::{ensure, no_panic, sound};
use crate::client::Client;
use crate::scale::Scale;
use crate::site::{Site, all_are_sent, invite};
use crate::{Outcome, report};

/// Mails of one stop: more than leave before it.
const MAILS: usize = 100;

/// What the mail server does in turn. It takes its time, so that mails are always under way, and is
/// silent about some, or about all.
const MANNERS: [&str; 3] = ["pause=0.3", "pause=0.3 stall=0.3", "stall"];

/// How long a stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How long what is left may take at the next start.
const REST_LIMIT: Duration = Duration::from_mins(1);

/// Stops the server while the mail server is slow or silent.
pub fn a_stop_loses_nothing(scale: &Scale) -> Outcome {
    let site = Site::new()?;
    let peer = site.start_peer()?;
    let mut key = String::new();
    let mut longest = Duration::ZERO;
    for stop in 0..scale.stops {
        site.control(MANNERS[stop % MANNERS.len()])?;
        let server = site.serve()?;
        if stop == 0 {
            key = server.admin_key()?;
        }
        let before = site.mails()?.len();
        let organization = format!("stop-{stop}");
        invite(
            &Client::new(&server.base, &key),
            &organization,
            &organization,
            MAILS,
        )?;
        thread::sleep(Duration::from_millis(500));
        let begun = Instant::now();
        no_panic(&server.stop()?)?;
        let taken = begun.elapsed();
        longest = longest.max(taken);
        ensure(taken <= STOP_LIMIT, || format!("the stop took {taken:?}"))?;
        let sent = site.mails()?.len() - before;
        ensure(sent < MAILS, || {
            "no mail was under way at the stop".to_owned()
        })?;

        site.control("")?;
        let server = site.serve()?;
        site.wait_until_sent(REST_LIMIT)?;
        all_are_sent(&Client::new(&server.base, &key), &organization)?;
        no_panic(&server.stop()?)?;
        sound(&site.database())?;
        // What was under way was waited for and recorded, so it is not sent again; what stalled was
        // never taken.
        let mails = site.mails()?.len() - before;
        ensure(mails == MAILS, || {
            format!("{mails} mails instead of {MAILS}")
        })?;
    }
    let people = site.recipients()?.len();
    drop(peer);
    report(format!(
        "{} stops while mails were under way, the longest took {longest:?}; {people} mails, 0 lost",
        scale.stops
    ));
    Ok(())
}

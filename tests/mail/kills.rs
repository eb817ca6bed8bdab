//! Every committed invitation gets its mail, whoever dies.

use std::thread;
use std::time::Duration;

use crate::check::{History, no_panic, nothing_failed, sound};
use crate::client::Client;
use crate::judge::judge;
use crate::ledger::Entry;
use crate::load::{Load, entries};
use crate::peer::Peer;
use crate::scale::Scale;
use crate::server::Server;
use crate::site::Site;
use crate::{Outcome, report, truth};

/// Concurrent writers: few, so that the mail server keeps up in about the time that they write.
const WRITERS: usize = 8;

/// Somebody is killed this long after the writers start.
const KILL_AFTER_MS: std::ops::RangeInclusive<u64> = 5..=400;

/// What the mail server does to some mails all the time.
const FAULTS: &str = "defer=0.01 drop=0.02 late=0.03";

/// Longer than it takes to learn that the mail server is down: what was begun before a revocation
/// has failed by then.
const TRY_ENDS: Duration = Duration::from_millis(500);

/// How long what is left at the end may take: after a hundred cycles about ten thousand mails.
const REST_LIMIT: Duration = Duration::from_mins(10);

/// What runs, and all that was asked for.
struct Story<'a> {
    /// Where it happens.
    site: &'a Site,
    /// The server.
    server: Server,
    /// The admin key.
    key: String,
    /// The mail server.
    peer: Peer,
    /// What was told.
    history: History,
    /// The same, for the addresses.
    entries: Vec<Entry>,
    /// Organizations that were written to while the mail server was there, at least in part, and
    /// only while it was not.
    organizations: (Vec<String>, Vec<String>),
}

/// Kills the server and the mail server in turn in the middle of a mixed load, again and again, on
/// one file.
pub fn every_mail_survives_kills_of_both_sides(scale: &Scale) -> Outcome {
    let mut random = fastrand::Rng::with_seed(scale.seed);
    let site = Site::new()?;
    site.control(FAULTS)?;
    let server = site.serve()?;
    let key = server.admin_key()?;
    let (peer, organizations) = (site.start_peer()?, (Vec::new(), Vec::new()));
    let mut story = Story {
        site: &site,
        server,
        key,
        peer,
        history: History::default(),
        entries: Vec::new(),
        organizations,
    };
    for cycle in 0..scale.kill_cycles {
        let mut load = |name: &str| {
            let load = Load {
                name: format!("{name}{cycle}"),
                writers: WRITERS,
                seed: random.u64(..),
                padding: 0,
            };
            (load, Duration::from_millis(random.u64(KILL_AFTER_MS)))
        };
        story = match cycle % 4 {
            1 => story.kill_peer(load("peer"), load("down"), false)?,
            3 => story.kill_peer(load("peer"), load("down"), true)?,
            _ => story.kill_server(load("server"))?,
        };
    }
    story.end(scale.kill_cycles)
}

impl Story<'_> {
    /// Runs a load in the middle of which the server is killed, and starts it again.
    fn kill_server(mut self, (load, delay): (Load, Duration)) -> Outcome<Self> {
        let strike = || {
            thread::sleep(delay);
            self.server.strike()
        };
        let ((), told) = load.run(&self.server, &self.key, strike)?;
        self.organizations.0.extend(load.organizations());
        self.note(&load, entries(told))?;
        no_panic(&self.server.kill()?)?;
        sound(&self.site.database())?;
        self.server = self.site.serve()?;
        Ok(self)
    }

    /// Runs a load in the middle of which the mail server is killed, and another one without it,
    /// which the server may not survive either; then starts what is dead.
    fn kill_peer(
        mut self,
        (load, delay): (Load, Duration),
        down: (Load, Duration),
        both: bool,
    ) -> Outcome<Self> {
        let peer = self.peer;
        let strike = || {
            thread::sleep(delay);
            peer.kill()
        };
        let ((), told) = load.run(&self.server, &self.key, strike)?;
        let (while_down, delay) = down;
        let strike = || {
            thread::sleep(delay);
            if both { self.server.strike() } else { Ok(()) }
        };
        let ((), told_down) = while_down.run(&self.server, &self.key, strike)?;
        if both {
            no_panic(&self.server.kill()?)?;
            self.server = self.site.serve()?;
        }
        thread::sleep(TRY_ENDS);
        self.peer = self.site.start_peer()?;
        self.organizations.0.extend(load.organizations());
        self.organizations.1.extend(while_down.organizations());
        self.note(&load, entries(told))?;
        self.note(&while_down, entries(told_down))?;
        Ok(self)
    }

    /// Keeps what was told.
    fn note(&mut self, load: &Load, entries: Vec<Entry>) -> Outcome {
        nothing_failed(&entries)?;
        self.entries.extend(entries.iter().cloned());
        self.history.add(load, entries);
        Ok(())
    }

    /// Lets everything be sent, and compares.
    fn end(self, kills: u32) -> Outcome {
        self.site.control("")?;
        let rest = self.site.wait_until_sent(REST_LIMIT)?;
        let acknowledged = self.history.holds(&self.server, &self.key)?;
        let client = Client::new(&self.server.base, &self.key);
        let (seen, unseen) = &self.organizations;
        let truth = truth::find(self.site, &client, (seen, unseen), &self.entries)?;
        let mails = self.site.mails()?;
        let findings = judge(&mails, &truth);
        findings.are_fine()?;
        no_panic(&self.server.stop()?)?;
        sound(&self.site.database())?;
        let dead = truth.unseen.len()
            - truth
                .pending
                .keys()
                .filter(|token| is_of(token, &truth.unseen))
                .count();
        report(format!(
            "{kills} kills, {acknowledged}; {} mails, {} of them once more with the same \
             Message-ID; {} pending, 0 without mail; {} refused creates and {dead} invitations \
             that ended unseen, 0 with mail; the rest was out after {rest:?}",
            mails.len(),
            findings.duplicates,
            truth.pending.len(),
            truth.refused.len(),
        ));
        Ok(())
    }
}

/// Whether the token is that of one of these invitations.
fn is_of(token: &str, invitations: &std::collections::BTreeSet<String>) -> bool {
    token
        .split('_')
        .nth(1)
        .is_some_and(|id| invitations.contains(id))
}

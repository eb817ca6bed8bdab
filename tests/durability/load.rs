//! Many writers at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crate::Outcome;
use crate::client::Client;
use crate::ledger::Entry;
use crate::server::Server;
use crate::writer::Writer;

/// Organizations of one load, so that more than one row range of the file is written.
const ORGANIZATIONS: usize = 4;

/// An entry and when its answer had arrived.
#[derive(Debug)]
pub struct Told {
    /// The moment at which the client had the whole answer.
    pub at: Instant,
    /// What was asked for and answered.
    pub entry: Entry,
}

/// Who writes where.
pub struct Load {
    /// Names the organizations and addresses of this load; unique within a file.
    pub name: String,
    /// Concurrent writers, each with a connection of its own.
    pub writers: usize,
    /// Start of the writers' random choices.
    pub seed: u64,
    /// Bytes added to each invitation, to fill a disk sooner.
    pub padding: usize,
}

impl Load {
    /// The organizations that the writers use.
    pub fn organizations(&self) -> Vec<String> {
        (0..ORGANIZATIONS)
            .map(|number| format!("{}-{number}", self.name))
            .collect()
    }

    /// One of the writers, with a connection of its own.
    pub fn writer(&self, server: &Server, key: &str, number: usize) -> Writer {
        let client = Client::new(&server.base, key);
        let organization = format!("{}-{}", self.name, number % ORGANIZATIONS);
        let random = fastrand::Rng::with_seed(self.seed.wrapping_add(number as u64));
        Writer::new(
            client,
            organization,
            number,
            random,
            "x".repeat(self.padding),
        )
    }

    /// Runs the writers until the scenario returns and the writers have seen its end, or no answer.
    /// The scenario begins when each writer has invitations that it can change.
    pub fn run<T>(
        &self,
        server: &Server,
        key: &str,
        scenario: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<(T, Vec<Told>)> {
        let (stop, ready) = (AtomicBool::new(false), Barrier::new(self.writers + 1));
        thread::scope(|scope| {
            let start = |number| {
                let (mut writer, stop, ready) = (self.writer(server, key, number), &stop, &ready);
                scope.spawn(move || {
                    writer.create_batch();
                    ready.wait();
                    while !stop.load(Ordering::Relaxed) && !writer.is_cut_off() {
                        writer.step();
                    }
                    writer.take_told()
                })
            };
            let writers: Vec<_> = (0..self.writers).map(start).collect();
            ready.wait();
            let result = scenario();
            stop.store(true, Ordering::Relaxed);
            let mut told = Vec::new();
            for writer in writers {
                told.extend(writer.join().map_err(|_| "a writer panicked")?);
            }
            Ok((result?, told))
        })
    }
}

/// The entries alone, for trials in which the moment does not matter.
pub fn entries(told: Vec<Told>) -> Vec<Entry> {
    told.into_iter().map(|told| told.entry).collect()
}

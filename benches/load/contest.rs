//! The runs that the figures compare, in rounds: whatever disturbs the machine for a while disturbs
//! a whole round.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::baseline::Baseline;
use crate::figure;
use crate::machine::Cores;
use crate::mail::SlowPeer;
use crate::peers::{self, Peer};
use crate::process::{Server, run_loop};
use crate::seed::{Layout, Seed};
use crate::wrk::{Kind, Sample, Wrk};

/// Seconds before each run that do not count.
const WARM_UP_SECONDS: u32 = 1;
/// Data files up to this size are copied anew for each round, so that creates do not pile up in
/// them.
const COPIED_EACH_ROUND: u64 = 1 << 30;

/// What is to be measured.
pub struct Plan {
    /// Where data files are.
    pub folder: PathBuf,
    /// Invitations in the small file.
    pub small: u32,
    /// Invitations in each larger one.
    pub larger: Vec<u32>,
    /// Seconds of one run.
    pub seconds: u32,
    /// Runs of which the median counts.
    pub rounds: u32,
    /// Only figures whose name contains this.
    pub filter: String,
    /// Other servers to compare with.
    pub peers: Vec<Peer>,
}

impl Plan {
    /// The other servers that are compared with at this many invitations.
    pub fn peers_at(&self, rows: u32) -> &[Peer] {
        if rows > peers::MOST_ROWS {
            &[]
        } else {
            &self.peers
        }
    }

    /// Every file, the small one first.
    pub fn sizes(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.small).chain(self.larger.iter().copied())
    }
}

/// One thing that is measured in each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Run {
    /// The HTTP stack alone, with a short answer.
    Probe,
    /// The same with an answer as long as a list of 1,000.
    ProbeList,
    /// Get one invitation.
    GetOne,
    /// The same from a server with two workers on two cores.
    GetOneOfTwo,
    /// List 20.
    List20,
    /// Nine gets to a create.
    Mixed,
    /// List 1,000.
    List1000,
    /// Rows of creates straight into SQLite.
    InsertLoop,
    /// Create over so many connections.
    Create(u32),
    /// The same with mail on, and a slow mail server.
    CreateWithMail(u32),
    /// The same in the usual design.
    Naive(u32),
    /// Load of this kind to another server.
    Peer(Peer, Kind),
}

impl Run {
    /// Every run in the order in which they are made, baselines beside what is compared with them.
    pub const ALL: [Self; 21] = [
        Self::Probe,
        Self::GetOne,
        Self::Peer(Peer::Node, Kind::Get),
        Self::Peer(Peer::PocketBase, Kind::Get),
        Self::GetOneOfTwo,
        Self::List20,
        Self::Peer(Peer::Node, Kind::List20),
        Self::Peer(Peer::PocketBase, Kind::List20),
        Self::Mixed,
        Self::ProbeList,
        Self::List1000,
        Self::InsertLoop,
        Self::Create(64),
        Self::Peer(Peer::Node, Kind::Create),
        Self::Peer(Peer::PocketBase, Kind::Create),
        Self::CreateWithMail(64),
        Self::Naive(64),
        Self::Create(16),
        Self::Naive(16),
        Self::Create(1),
        Self::Naive(1),
    ];
}

/// The contestants of a round.
struct Contestants<'a> {
    /// The real server.
    invited: Server,
    /// The HTTP stack alone.
    probe: Server,
    /// The usual design.
    naive: Server,
    /// Other servers.
    peers: BTreeMap<Peer, Server>,
    /// The data file of a server that is started for its run only, as the one that sends mail is:
    /// what it has to send then would disturb the others.
    brief: PathBuf,
    /// The data file of the insert loop.
    loops: PathBuf,
    /// Sends the load.
    wrk: Wrk<'a>,
    /// Seconds of one run.
    seconds: u32,
}

impl<'a> Contestants<'a> {
    /// Starts all of them, each on a copy of its own.
    fn start(plan: &Plan, seed: &'a Seed, peers: &[Peer], is_first: bool) -> Result<Self> {
        let copy = |name: &str| -> Result<PathBuf> {
            let path = plan.folder.join(name);
            if is_first || seed.path.metadata()?.len() <= COPIED_EACH_ROUND {
                seed.copy_to(&path)?;
            }
            Ok(path)
        };
        let (file, naive) = (copy("invited.db")?, copy("naive.db")?);
        let (brief, loops) = (copy("brief.db")?, copy("loops.db")?);
        let start_peer = |peer: &Peer| Ok((*peer, peer.start(&plan.folder, seed)?));
        Ok(Self {
            invited: serve(&file)?,
            probe: Server::baseline(Baseline::Probe, &file)?,
            naive: Server::baseline(Baseline::Naive, &naive)?,
            peers: peers.iter().map(start_peer).collect::<Result<_>>()?,
            brief,
            loops,
            wrk: Wrk::new(seed)?,
            seconds: plan.seconds,
        })
    }

    /// Makes one run.
    fn make(&self, run: Run) -> Result<Sample> {
        match run {
            Run::Probe => self.send(&self.probe, Kind::Probe, 64),
            Run::ProbeList => self.send(&self.probe, Kind::ProbeList, 16),
            Run::GetOne => self.send(&self.invited, Kind::Get, 64),
            Run::GetOneOfTwo => {
                self.send(&serve_on(&self.brief, Cores::two(), None)?, Kind::Get, 64)
            }
            Run::List20 => self.send(&self.invited, Kind::List20, 64),
            Run::Mixed => self.send(&self.invited, Kind::Mixed, 64),
            Run::List1000 => self.send(&self.invited, Kind::List1000, 16),
            Run::Create(connections) => self.send(&self.invited, Kind::Create, connections),
            Run::CreateWithMail(connections) => {
                let peer = SlowPeer::start()?;
                let sample = self.send(
                    &serve_on(&self.brief, Cores::ONE, Some(peer.port))?,
                    Kind::Create,
                    connections,
                )?;
                peer.check().map(|()| sample)
            }
            Run::Naive(connections) => self.send(&self.naive, Kind::Create, connections),
            Run::Peer(peer, kind) => {
                let server = self.peers.get(&peer).ok_or("a peer was not started")?;
                self.send(server, kind, 64)
            }
            Run::InsertLoop => self.repeat(Baseline::Insert),
        }
    }

    /// Sends load to a server, first to warm up.
    fn send(&self, server: &Server, kind: Kind, connections: u32) -> Result<Sample> {
        self.wrk.run(server, kind, (connections, WARM_UP_SECONDS))?;
        self.wrk.run(server, kind, (connections, self.seconds))
    }

    /// Runs a loop, which warms up by itself.
    fn repeat(&self, baseline: Baseline) -> Result<Sample> {
        let text = run_loop(baseline, &self.loops, self.seconds)?;
        let (per_second, per_cpu_second) = text
            .trim()
            .split_once(' ')
            .ok_or("a loop printed no rates")?;
        Ok(Sample {
            per_second: per_second.parse()?,
            per_cpu_second: per_cpu_second.parse()?,
            p99_ms: 0.0,
        })
    }
}

/// Starts the real server on one core.
///
/// # Errors
/// When it does not start.
pub fn serve(database: &Path) -> Result<Server> {
    serve_on(database, Cores::ONE, None)
}

/// Starts the real server on these cores, with mail where there is a port of a mail server; the key
/// that it made is remembered beside the file for the next start.
fn serve_on(database: &Path, cores: Cores, mail: Option<u16>) -> Result<Server> {
    let mut server = Server::invited(database, cores, mail)?;
    let remembered = database.with_extension("key");
    match &server.key {
        Some(key) => std::fs::write(&remembered, key)?,
        None => server.key = Some(std::fs::read_to_string(&remembered)?),
    }
    Ok(server)
}

/// What was measured with one file.
pub struct Results {
    /// Invitations in it.
    pub rows: u32,
    /// The samples of each run, by round.
    pub samples: BTreeMap<Run, Vec<Sample>>,
}

/// Makes all rounds with a file of `rows` invitations.
///
/// # Errors
/// When a contestant fails.
pub fn measure(plan: &Plan, rows: u32) -> Result<Results> {
    let mut samples: BTreeMap<Run, Vec<Sample>> = BTreeMap::new();
    let needed = figure::needed_runs(plan, rows);
    if !needed.is_empty() {
        let seed = Seed::get(&plan.folder, Layout::spread(rows))?;
        for round in 0..plan.rounds {
            let contestants = Contestants::start(plan, &seed, plan.peers_at(rows), round == 0)?;
            for run in &needed {
                tell(&format!(
                    "{rows} invitations, round {} of {}: {run:?}",
                    round + 1,
                    plan.rounds
                ));
                samples
                    .entry(*run)
                    .or_default()
                    .push(contestants.make(*run)?);
            }
        }
        tell("");
    }
    Ok(Results { rows, samples })
}

/// Shows a person who waits what is going on; a log needs it not.
fn tell(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{text:<60}\r");
    }
}

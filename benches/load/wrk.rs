//! One run of `wrk` against a server, and what came of it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Result;
use crate::process::Server;
use crate::seed::Seed;

/// What a run measured.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Requests, lists or rows a second.
    pub per_second: f64,
    /// The same for each second of processor time of the server.
    pub per_cpu_second: f64,
    /// Of a hundred requests, 99 are answered in this time.
    pub p99_ms: f64,
}

impl Sample {
    /// Processor time of the server a request, in microseconds.
    pub fn cpu_us(&self) -> f64 {
        1e6 / self.per_cpu_second
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `GET /`, for the baseline that always gives the same answer.
    Probe,
    /// `GET /list`, for the same baseline: as long as a list of 1,000.
    ProbeList,
    /// Get one invitation, at random.
    Get,
    /// List 20 of a small organization.
    List20,
    /// List 1,000 of a large organization.
    List1000,
    /// Invite a new address to a small organization.
    Create,
    /// Nine gets to a create.
    Mixed,
}

impl Kind {
    /// Its name in the script.
    fn name(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::ProbeList => "probelist",
            Self::Get => "get",
            Self::List20 => "list20",
            Self::List1000 => "list1000",
            Self::Create => "create",
            Self::Mixed => "mixed",
        }
    }
}

/// Sends load.
pub struct Wrk<'a> {
    /// What is in the file.
    seed: &'a Seed,
    /// The script.
    script: PathBuf,
}

/// Runs so far: each has a number of its own, so that no address is invited twice.
static RUNS: AtomicU32 = AtomicU32::new(1);

impl<'a> Wrk<'a> {
    /// Writes the script beside the file of `seed`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(seed: &'a Seed) -> Result<Self> {
        let script = seed.path.with_file_name("load.lua");
        std::fs::write(&script, include_str!("load.lua"))?;
        Ok(Self { seed, script })
    }

    /// Sends requests of `kind` over as many connections for `seconds`.
    ///
    /// # Errors
    /// When an answer was not 2xx or a connection broke.
    pub fn run(
        &self,
        server: &Server,
        kind: Kind,
        (connections, seconds): (u32, u32),
    ) -> Result<Sample> {
        let cpu_before = server.cpu_seconds()?;
        let output = Command::new("taskset")
            .args([
                "-c",
                server.cores.load,
                "wrk",
                "--threads",
                "1",
                "--latency",
                "--timeout",
                "20s",
            ])
            .args([
                "--connections",
                &connections.to_string(),
                "--duration",
                &format!("{seconds}s"),
                "--script",
            ])
            .arg(&self.script)
            .arg(&server.url)
            .env("KIND", kind.name())
            .env("API", server.api)
            .env("KEY", server.key.as_deref().unwrap_or("none"))
            .env("SAMPLES", &self.seed.samples)
            .env("SMALL", self.seed.layout.small.to_string())
            .env("LARGE", self.seed.layout.large.to_string())
            .env("RUN", RUNS.fetch_add(1, Ordering::Relaxed).to_string())
            .output()?;
        let cpu_seconds = server.cpu_seconds()? - cpu_before;
        let text = String::from_utf8_lossy(&output.stdout);
        let is_bad = text.contains("Non-2xx") || text.contains("Socket errors");
        if !output.status.success() || is_bad {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "{kind:?} over {connections} connections was refused:\n{text}{errors}"
            )
            .into());
        }
        parse(&text, cpu_seconds)
            .ok_or_else(|| format!("cannot read what wrk printed:\n{text}").into())
    }
}

/// Reads what wrk printed.
fn parse(text: &str, cpu_seconds: f64) -> Option<Sample> {
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .map(str::trim)
    };
    let requests = text
        .lines()
        .find_map(|line| line.trim().split_once(" requests in "))?
        .0;
    Some(Sample {
        per_second: value("Requests/sec:")?.parse().ok()?,
        per_cpu_second: requests.parse::<f64>().ok()? / cpu_seconds,
        p99_ms: milliseconds(value("99%")?)?,
    })
}

/// Reads a time as wrk writes it: `870.00us`, `1.27ms`, `1.05s`.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = match text {
        text if text.ends_with("us") => (text.trim_end_matches("us"), 0.001),
        text if text.ends_with("ms") => (text.trim_end_matches("ms"), 1.0),
        text => (text.trim_end_matches('s'), 1000.0),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

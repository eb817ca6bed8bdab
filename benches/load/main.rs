//! The load bench: how fast the real server is, next to what the machine could do at best and what
//! the usual design does.
//!
//! ```text
//! cargo bench --bench load                      the whole table: 10 thousand and 1 million
//!                                               invitations, about 15 minutes
//! cargo bench --bench load -- create            only the figures whose name contains "create"
//! cargo bench --bench load -- --rows 10000000   10 million in place of 1 million;
//!                                               --rows 1000000,10000000 takes both
//! cargo bench --bench load -- --peers           beside other servers, as far as they can be had
//! cargo bench --bench load -- --chart           draws docs/performance.svg, too
//! cargo bench --bench load -- --quick --check   small and short, for CI: fails below half of
//!                                               what is accepted
//! cargo bench --bench load -- --instructions    instructions a request, in a minute on any
//!                                               machine; with --check it fails above the limits
//! ```
//!
//! # How it measures
//! * The server is the real binary with a real key on a file on a real disk, pinned to one core;
//!   `wrk` sends from the other.
//! * Processor time a request comes first: other programs disturb it least.
//! * Every figure is a ratio to a baseline that runs in the same round on the same core
//!   ([`baseline`]). Machines differ and are noisy; ratios of the same run count, and of these the
//!   median over the rounds.
//! * An answer that is not 2xx ends the bench: a refusal is faster than work.
//!
//! # Where everything is
//! [`figure`] has the figures with their goals, [`contest`] the runs that they compare,
//! [`resource`] memory and start, [`instructions`] what a request costs the processor, [`seed`] the
//! data files, [`baseline`] the other contestants, [`peers`] other servers, [`chart`] the picture,
//! [`mail`] a slow mail server, [`process`] and [`wrk`] what runs outside of this program,
//! [`machine`] what it needs, [`table`] what is printed.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is what this program is for"
)]

mod baseline;
mod chart;
mod contest;
mod figure;
mod insert;
mod instructions;
mod machine;
mod mail;
mod peers;
mod process;
mod resource;
mod seed;
mod table;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use baseline::Baseline;
use contest::{Plan, Results};
use table::Row;

/// What can go wrong here is told to a person, who reads the text.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Invitations in the small file.
const SMALL: u32 = 10_000;
/// Invitations in the large file.
const LARGE: u32 = 1_000_000;
/// The same with `--quick`.
const LARGE_QUICK: u32 = 100_000;

/// Load bench of the real server against its baselines
#[derive(Parser)]
struct Options {
    /// Only figures whose name contains this
    filter: Option<String>,
    /// Invitations in the large file, or in several [default: 1000000]
    #[arg(long, value_delimiter = ',')]
    rows: Vec<u32>,
    /// Seconds of one run [default: 3]
    #[arg(long)]
    seconds: Option<u32>,
    /// Runs of which the median counts [default: 5]
    #[arg(long)]
    rounds: Option<u32>,
    /// Small file of 10 thousand, large file of 100 thousand, 3 rounds of 1 second
    #[arg(long)]
    quick: bool,
    /// Fail when a figure is worse than half of what is accepted, or above its limit
    #[arg(long)]
    check: bool,
    /// Measure other servers, too: they are installed by npm and pip
    #[arg(long)]
    peers: bool,
    /// Draw docs/performance.svg
    #[arg(long, conflicts_with = "filter")]
    chart: bool,
    /// Only count instructions a request, under valgrind
    #[arg(long)]
    instructions: bool,
    /// Folder for the data files, on a disk; seeded files stay there for the next time
    #[arg(long, default_value = concat!(env!("CARGO_TARGET_TMPDIR"), "/load"))]
    folder: PathBuf,
    /// Set by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
    /// Be this baseline: this program starts itself
    #[arg(long, hide = true, requires = "database")]
    baseline: Option<Baseline>,
    /// The baseline's data file
    #[arg(long, hide = true)]
    database: Option<PathBuf>,
}

impl Options {
    /// What is to be measured, by these options.
    fn plan(&self) -> Plan {
        let (large, seconds, rounds) = if self.quick {
            (LARGE_QUICK, 1, 3)
        } else {
            (LARGE, 3, 5)
        };
        let larger = if self.rows.is_empty() {
            vec![large]
        } else {
            self.rows.clone()
        };
        let peers = self.peers.then(|| peers::install(&self.folder));
        Plan {
            folder: self.folder.clone(),
            small: SMALL,
            larger,
            seconds: self.seconds.unwrap_or(seconds).max(1),
            rounds: self.rounds.unwrap_or(rounds).max(1),
            filter: self.filter.clone().unwrap_or_default(),
            peers: peers.unwrap_or_default(),
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = match (options.baseline, &options.database) {
        (Some(baseline), Some(database)) => {
            baseline::run(baseline, database, options.seconds.unwrap_or(1))
                .map(|()| ExitCode::SUCCESS)
        }
        // `cargo test --benches` runs this too: it must be quick then.
        _ if !options.bench => {
            println!("load bench: run it with `cargo bench --bench load`");
            Ok(ExitCode::SUCCESS)
        }
        _ if options.instructions => count_instructions(&options),
        _ => bench(&options),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("load bench: {error}");
        ExitCode::FAILURE
    })
}

/// Counts instructions a request.
fn count_instructions(options: &Options) -> Result<ExitCode> {
    machine::check_for_counting()?;
    std::fs::create_dir_all(&options.folder)?;
    instructions::measure(&options.folder, options.check)
}

/// Measures everything and prints the table.
fn bench(options: &Options) -> Result<ExitCode> {
    std::fs::create_dir_all(&options.folder)?;
    machine::check(&options.folder)?;
    let plan = options.plan();
    println!("{}", machine::describe(&plan.folder)?);
    println!(
        "Median of {} rounds, {} s a run. Goals: see the end.\n",
        plan.rounds, plan.seconds
    );
    let mut rows = Vec::new();
    let mut measured = Vec::new();
    for size in plan.sizes() {
        let results = contest::measure(&plan, size)?;
        let section = figure::of_size(&plan, &results);
        let title = format!("{} invitations in the file", table::thousands(size));
        table::print(&title, &section);
        rows.extend(section);
        measured.push(results);
    }
    let growth = grown(&plan, &measured);
    table::print("From the small file to a larger one", &growth);
    if options.chart {
        chart::write(&measured)?;
    }
    let resources = resource::measure(&plan)?;
    table::print("Memory and start, with a large file", &resources);
    rows.extend(growth.into_iter().chain(resources));
    println!("{}\n{}", table::LEGEND, machine::load()?);
    Ok(verdict(options.check, &rows))
}

/// The lines that compare the larger files with the small one.
fn grown(plan: &Plan, measured: &[Results]) -> Vec<Row> {
    let Some((small, larger)) = measured.split_first() else {
        return Vec::new();
    };
    larger
        .iter()
        .flat_map(|large| figure::of_growth(plan, small, large))
        .collect()
}

/// Names what is worse than half of what is accepted; with `--check` that is a failure.
fn verdict(check: bool, rows: &[Row]) -> ExitCode {
    let bad: Vec<_> = rows
        .iter()
        .filter(|row| row.is_failure())
        .map(|row| row.figure.as_str())
        .collect();
    if bad.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("Worse than half of what is accepted: {}.", bad.join("; "));
    if check {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

//! Every figure that compares two runs: which, and how far it must get.

use crate::contest::{Plan, Results, Run};
use crate::peers::Peer;
use crate::table::{Cpu, Goal, Row, Unit, thousands};
use crate::wrk::{Kind, Sample};

/// What of a run is compared, and held against the goal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Processor time a request.
    Cpu,
    /// How much it does a second, where the processor is not what limits it.
    Rate,
    /// How long the slowest hundredth waits.
    P99,
}

/// One line of the table.
struct Figure {
    /// What is measured.
    name: &'static str,
    /// What it is compared with, in words.
    against: &'static str,
    /// The run and its baseline.
    runs: (Run, Run),
    /// What of them is compared.
    measure: Measure,
    /// How far it must get with the small file, and with a larger one.
    goals: [Option<Goal>; 2],
}

/// The goals of a figure that has none.
const NONE: [Option<Goal>; 2] = [None, None];

/// The figures of each file.
const FIGURES: [Figure; 14] = [
    Figure {
        name: "get one, 64 connections",
        against: "fixed JSON from the same HTTP stack",
        runs: (Run::GetOne, Run::Probe),
        measure: Measure::Cpu,
        goals: [
            Some(Goal::at_least(0.55, 0.65)),
            Some(Goal::at_least(0.40, 0.50)),
        ],
    },
    Figure {
        name: "get one, 2 workers, 64 connections",
        against: "get one, 1 worker",
        runs: (Run::GetOneOfTwo, Run::GetOne),
        measure: Measure::Cpu,
        goals: NONE,
    },
    Figure {
        name: "list 20, 64 connections",
        against: "fixed JSON from the same HTTP stack",
        runs: (Run::List20, Run::Probe),
        measure: Measure::Cpu,
        goals: [
            Some(Goal::at_least(0.30, 0.36)),
            Some(Goal::at_least(0.23, 0.28)),
        ],
    },
    Figure {
        name: "list 1,000, 16 connections",
        against: "fixed 280 KB from the same HTTP stack",
        runs: (Run::List1000, Run::ProbeList),
        measure: Measure::Cpu,
        goals: [
            Some(Goal::at_least(0.06, 0.10)),
            Some(Goal::at_least(0.06, 0.10)),
        ],
    },
    Figure {
        name: "mixed 90/10, 64 connections",
        against: "get one",
        runs: (Run::Mixed, Run::GetOne),
        measure: Measure::Rate,
        goals: [
            Some(Goal::at_least(0.55, 0.65)),
            Some(Goal::at_least(0.55, 0.65)),
        ],
    },
    Figure {
        name: "durable create, 64 connections",
        against: "the same rows in a loop, 64 a commit",
        runs: (Run::Create(64), Run::InsertLoop),
        measure: Measure::Rate,
        goals: [
            Some(Goal::at_least(0.60, 0.75)),
            Some(Goal::at_least(0.60, 0.75)),
        ],
    },
    Figure {
        name: "durable create, mail on, 64 connections",
        against: "the same rows in a loop, but for mail",
        runs: (Run::CreateWithMail(64), Run::InsertLoop),
        measure: Measure::Rate,
        goals: [
            Some(Goal::at_least(0.45, 0.65)),
            Some(Goal::at_least(0.45, 0.65)),
        ],
    },
    Figure {
        name: "durable create, mail on, 64 connections",
        against: "durable create without mail",
        runs: (Run::CreateWithMail(64), Run::Create(64)),
        measure: Measure::Rate,
        goals: NONE,
    },
    Figure {
        name: "durable create, 64 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(64), Run::Naive(64)),
        measure: Measure::Rate,
        // What a group commit saves is syncs. Where a sync takes 50 microseconds, as on some disks,
        // no server comes near.
        goals: [
            Some(Goal::at_least(4.0, 5.0).unchecked()),
            Some(Goal::at_least(3.5, 4.0).unchecked()),
        ],
    },
    Figure {
        name: "durable create, 16 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(16), Run::Naive(16)),
        measure: Measure::Rate,
        goals: NONE,
    },
    Figure {
        name: "durable create, 1 connection",
        against: "naive: a transaction per request",
        runs: (Run::Create(1), Run::Naive(1)),
        measure: Measure::Rate,
        goals: [
            Some(Goal::at_least(0.95, 1.05)),
            Some(Goal::at_least(0.95, 1.05)),
        ],
    },
    Figure {
        name: "create p99, 64 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(64), Run::Naive(64)),
        measure: Measure::P99,
        // The tail of a short run is chance.
        goals: [
            Some(Goal::at_most(0.10, 0.03).unchecked()),
            Some(Goal::at_most(0.10, 0.03).unchecked()),
        ],
    },
    Figure {
        name: "create p99, 16 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(16), Run::Naive(16)),
        measure: Measure::P99,
        goals: NONE,
    },
    Figure {
        name: "create p99, 1 connection",
        against: "naive: a transaction per request",
        runs: (Run::Create(1), Run::Naive(1)),
        measure: Measure::P99,
        goals: NONE,
    },
];

/// Those that compare with other servers.
const OF_PEERS: [Figure; 6] = [
    Figure {
        name: "get one, 64 connections",
        against: "Node and better-sqlite3 by hand",
        runs: (Run::GetOne, Run::Peer(Peer::Node, Kind::Get)),
        measure: Measure::Cpu,
        goals: [
            Some(Goal::at_least(1.0, 2.0)),
            Some(Goal::at_least(1.0, 2.0)),
        ],
    },
    Figure {
        name: "get one, 64 connections",
        against: "PocketBase",
        runs: (Run::GetOne, Run::Peer(Peer::PocketBase, Kind::Get)),
        measure: Measure::Cpu,
        goals: [
            Some(Goal::at_least(11.0, 20.0)),
            Some(Goal::at_least(11.0, 20.0)),
        ],
    },
    Figure {
        name: "list 20, 64 connections",
        against: "Node and better-sqlite3 by hand",
        runs: (Run::List20, Run::Peer(Peer::Node, Kind::List20)),
        measure: Measure::Cpu,
        goals: NONE,
    },
    Figure {
        name: "list 20, 64 connections",
        against: "PocketBase",
        runs: (Run::List20, Run::Peer(Peer::PocketBase, Kind::List20)),
        measure: Measure::Cpu,
        goals: [
            Some(Goal::at_least(20.0, 30.0)),
            Some(Goal::at_least(20.0, 30.0)),
        ],
    },
    Figure {
        name: "durable create, 64 connections",
        against: "Node and better-sqlite3 by hand",
        runs: (Run::Create(64), Run::Peer(Peer::Node, Kind::Create)),
        measure: Measure::Cpu,
        goals: NONE,
    },
    Figure {
        name: "durable create, 64 connections",
        against: "PocketBase, not durable",
        runs: (Run::Create(64), Run::Peer(Peer::PocketBase, Kind::Create)),
        measure: Measure::Cpu,
        goals: [
            Some(Goal::at_least(7.0, 10.0)),
            Some(Goal::at_least(7.0, 10.0)),
        ],
    },
];

/// The figures that compare a larger file with the small one.
const GROWTH: [Figure; 2] = [
    Figure {
        name: "get one, 64 connections",
        against: "the small file",
        runs: (Run::GetOne, Run::GetOne),
        measure: Measure::Cpu,
        goals: [None, Some(Goal::at_least(0.70, 0.85))],
    },
    Figure {
        name: "durable create, 64 connections",
        against: "the small file",
        runs: (Run::Create(64), Run::Create(64)),
        measure: Measure::Rate,
        goals: [None, Some(Goal::at_least(0.40, 0.60))],
    },
];

impl Figure {
    /// Whether the plan asks for it.
    fn is_wanted(&self, plan: &Plan, rows: u32) -> bool {
        let can_be_had = match self.runs.1 {
            Run::Peer(peer, _) => plan.peers_at(rows).contains(&peer),
            _ => true,
        };
        can_be_had && self.name.contains(&plan.filter)
    }

    /// Its line, when both runs were made.
    fn row(&self, results: &Results, baselines: &Results, is_small: bool) -> Option<Row> {
        let run = results.samples.get(&self.runs.0)?;
        let baseline = baselines.samples.get(&self.runs.1)?;
        Some(compare(
            self,
            self.goals[usize::from(!is_small)],
            run,
            baseline,
        ))
    }
}

/// The figures that the plan asks for.
fn wanted(plan: &Plan, rows: u32) -> impl Iterator<Item = &'static Figure> {
    FIGURES
        .iter()
        .chain(&OF_PEERS)
        .filter(move |figure| figure.is_wanted(plan, rows))
}

/// The runs that the plan needs, in the order in which they are made.
pub fn needed_runs(plan: &Plan, rows: u32) -> Vec<Run> {
    let needed: Vec<_> = wanted(plan, rows)
        .flat_map(|figure| [figure.runs.0, figure.runs.1])
        .collect();
    Run::ALL
        .into_iter()
        .filter(|run| needed.contains(run))
        .collect()
}

/// The table's lines for one file.
pub fn of_size(plan: &Plan, results: &Results) -> Vec<Row> {
    let is_small = results.rows == plan.small;
    wanted(plan, results.rows)
        .filter_map(|figure| figure.row(results, results, is_small))
        .collect()
}

/// The table's lines for the growth from the small file to a larger one.
pub fn of_growth(plan: &Plan, small: &Results, large: &Results) -> Vec<Row> {
    let row = |figure: &Figure| {
        let row = figure.row(large, small, false)?;
        Some(Row {
            figure: format!("{}, {}", figure.name, thousands(large.rows)),
            against: format!("the same at {} invitations", thousands(small.rows)),
            ..row
        })
    };
    GROWTH
        .iter()
        .filter(|figure| figure.is_wanted(plan, large.rows))
        .filter_map(row)
        .collect()
}

/// Compares the rounds of a run with those of its baseline.
fn compare(figure: &Figure, goal: Option<Goal>, run: &[Sample], baseline: &[Sample]) -> Row {
    let middle = |samples: &[Sample], of: fn(&Sample) -> f64| median(samples.iter().map(of));
    let quotient = |of: fn(&Sample) -> f64| {
        let rounds = run.iter().zip(baseline);
        median(rounds.map(|(run, baseline)| of(run) / of(baseline)))
    };
    let is_tail = figure.measure == Measure::P99;
    let value: fn(&Sample) -> f64 = if is_tail {
        |sample| sample.p99_ms
    } else {
        |sample| sample.per_second
    };
    let show = |samples: &[Sample]| match middle(samples, value) {
        ms if is_tail => format!("{ms:.1} ms"),
        rate => format!("{}/s", thousands(rate.round())),
    };
    let ratio = quotient(value);
    let cpu = Cpu {
        us: middle(run, Sample::cpu_us),
        baseline_us: middle(baseline, Sample::cpu_us),
        ratio: quotient(|sample| sample.per_cpu_second),
    };
    Row {
        figure: figure.name.to_owned(),
        against: figure.against.to_owned(),
        cpu: (!is_tail).then_some(cpu),
        measured: show(run),
        baseline: show(baseline),
        ratio: Some(ratio),
        score: if figure.measure == Measure::Cpu {
            cpu.ratio
        } else {
            ratio
        },
        unit: Unit::Times,
        goal,
    }
}

/// The one in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

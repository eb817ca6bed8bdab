//! Every figure that compares two runs: which, and how far it must get.

use crate::contest::{Plan, Results, Run};
use crate::table::{Goal, Row, Unit, thousands};
use crate::wrk::Sample;

/// What of a run is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// How much it does a second.
    Rate,
    /// The same, where the processor is not what limits it, so that processor time says nothing.
    RateOfDisk,
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
    /// How far it must get.
    goal: Option<Goal>,
}

/// The figures of each file.
const FIGURES: [Figure; 13] = [
    Figure {
        name: "get one, 64 connections",
        against: "fixed JSON from the same HTTP stack",
        runs: (Run::GetOne, Run::Probe),
        measure: Measure::Rate,
        goal: Some(Goal::at_least(0.45, 0.60)),
    },
    Figure {
        name: "list 20, 64 connections",
        against: "fixed JSON from the same HTTP stack",
        runs: (Run::List20, Run::Probe),
        measure: Measure::Rate,
        goal: Some(Goal::at_least(0.30, 0.45)),
    },
    Figure {
        name: "list 1,000, 16 connections",
        against: "the same list in a loop, no HTTP",
        runs: (Run::List1000, Run::ListLoop),
        measure: Measure::Rate,
        goal: Some(Goal::at_least(0.85, 0.95)),
    },
    Figure {
        name: "mixed 90/10, 64 connections",
        against: "get one",
        runs: (Run::Mixed, Run::GetOne),
        measure: Measure::RateOfDisk,
        goal: Some(Goal::at_least(0.50, 0.65)),
    },
    Figure {
        name: "durable create, 64 connections",
        against: "the same rows in a loop, 64 a commit",
        runs: (Run::Create(64), Run::InsertLoop),
        measure: Measure::RateOfDisk,
        goal: Some(Goal::at_least(0.45, 0.65)),
    },
    Figure {
        name: "durable create, mail on, 64 connections",
        against: "the same rows in a loop, but for mail",
        runs: (Run::CreateWithMail(64), Run::InsertLoop),
        measure: Measure::RateOfDisk,
        goal: Some(Goal::at_least(0.45, 0.65)),
    },
    Figure {
        name: "durable create, mail on, 64 connections",
        against: "durable create without mail",
        runs: (Run::CreateWithMail(64), Run::Create(64)),
        measure: Measure::RateOfDisk,
        goal: None,
    },
    Figure {
        name: "durable create, 64 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(64), Run::Naive(64)),
        measure: Measure::RateOfDisk,
        goal: Some(Goal::at_least(4.0, 6.0)),
    },
    Figure {
        name: "durable create, 16 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(16), Run::Naive(16)),
        measure: Measure::RateOfDisk,
        goal: None,
    },
    Figure {
        name: "durable create, 1 connection",
        against: "naive: a transaction per request",
        runs: (Run::Create(1), Run::Naive(1)),
        measure: Measure::RateOfDisk,
        goal: Some(Goal::at_least(0.90, 1.0)),
    },
    Figure {
        name: "create p99, 64 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(64), Run::Naive(64)),
        measure: Measure::P99,
        goal: Some(Goal::at_most(0.15, 0.02)),
    },
    Figure {
        name: "create p99, 16 connections",
        against: "naive: a transaction per request",
        runs: (Run::Create(16), Run::Naive(16)),
        measure: Measure::P99,
        goal: None,
    },
    Figure {
        name: "create p99, 1 connection",
        against: "naive: a transaction per request",
        runs: (Run::Create(1), Run::Naive(1)),
        measure: Measure::P99,
        goal: None,
    },
];

/// The figures that compare the large file with the small one.
const GROWTH: [(&str, Run, Goal); 2] = [
    (
        "get one, 64 connections",
        Run::GetOne,
        Goal::at_least(0.70, 0.85),
    ),
    (
        "durable create, 64 connections",
        Run::Create(64),
        Goal::at_least(0.40, 0.60),
    ),
];

/// The figures that the plan asks for.
fn wanted(plan: &Plan) -> impl Iterator<Item = &'static Figure> {
    FIGURES
        .iter()
        .filter(|figure| figure.name.contains(&plan.filter))
}

/// The runs that the plan needs, in the order in which they are made.
pub fn needed_runs(plan: &Plan) -> Vec<Run> {
    let needed: Vec<_> = wanted(plan)
        .flat_map(|figure| [figure.runs.0, figure.runs.1])
        .collect();
    Run::ALL
        .into_iter()
        .filter(|run| needed.contains(run))
        .collect()
}

/// The table's lines for one file.
pub fn of_size(plan: &Plan, results: &Results) -> Vec<Row> {
    let row = |figure: &Figure| {
        let (run, baseline) = (
            results.samples.get(&figure.runs.0)?,
            results.samples.get(&figure.runs.1)?,
        );
        Some(compare(figure, run, baseline))
    };
    wanted(plan).filter_map(row).collect()
}

/// The table's lines for the growth from one file to the other.
pub fn of_growth(plan: &Plan, small: &Results, large: &Results) -> Vec<Row> {
    let row = |(name, run, goal): &(&'static str, Run, Goal)| {
        let (before, after) = (small.samples.get(run)?, large.samples.get(run)?);
        let figure = Figure {
            name,
            against: "",
            runs: (*run, *run),
            measure: if *run == Run::GetOne {
                Measure::Rate
            } else {
                Measure::RateOfDisk
            },
            goal: Some(*goal),
        };
        let against = format!("the same at {} invitations", thousands(small.rows));
        Some(Row {
            figure: format!("{name}, {}", thousands(large.rows)),
            against,
            ..compare(&figure, after, before)
        })
    };
    GROWTH
        .iter()
        .filter(|(name, ..)| name.contains(&plan.filter))
        .filter_map(row)
        .collect()
}

/// Compares the rounds of a run with those of its baseline.
fn compare(figure: &Figure, run: &[Sample], baseline: &[Sample]) -> Row {
    let value = |sample: &Sample| match figure.measure {
        Measure::Rate | Measure::RateOfDisk => sample.per_second,
        Measure::P99 => sample.p99_ms,
    };
    let show = |samples: &[Sample]| {
        let middle = median(samples.iter().map(value));
        match figure.measure {
            Measure::Rate | Measure::RateOfDisk => format!("{}/s", thousands(middle.round())),
            Measure::P99 => format!("{middle:.1} ms"),
        }
    };
    let ratio = |of: fn(&Sample) -> f64| {
        median(
            run.iter()
                .zip(baseline)
                .map(|(run, base)| of(run) / of(base)),
        )
    };
    Row {
        figure: figure.name.to_owned(),
        against: figure.against.to_owned(),
        measured: show(run),
        baseline: show(baseline),
        score: median(
            run.iter()
                .zip(baseline)
                .map(|(run, base)| value(run) / value(base)),
        ),
        by_cpu: (figure.measure == Measure::Rate).then(|| ratio(|sample| sample.per_cpu_second)),
        unit: Unit::Times,
        goal: figure.goal,
    }
}

/// The one in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

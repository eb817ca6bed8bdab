//! The table that is printed.

use std::fmt::Display;

/// What the columns mean.
pub const LEGEND: &str = "\
CPU us     processor time of the server a request, user and system, in microseconds.
its us     the same of what it is compared with, in the same rounds on the same core.
by CPU     its us / CPU us, the median over the rounds: what other programs disturb least.
measured   the real server: key check, request id, event row, commit synced before the answer.
baseline   the same of what it is compared with.
ratio      measured / baseline, the median over the rounds.
accept     what must be reached, and stretch what is aimed at: by CPU where the processor is the
           limit (gets, lists, peers), by the ratio elsewhere, by the figure where there is none.
verdict    STRETCH or accept: reached. below: not reached. FAR BELOW: worse than half of accept
           (fails with --check, but for what the disk or chance decides: tails of short runs, and
           how much a shared sync saves).";

/// How far a figure must get.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// The floor.
    accept: f64,
    /// What is aimed at.
    stretch: f64,
    /// Whether less is better.
    less_is_better: bool,
    /// Whether `--check` fails where it is far below.
    checked: bool,
}

impl Goal {
    /// A goal for a figure of which more is better.
    pub const fn at_least(accept: f64, stretch: f64) -> Self {
        Self {
            accept,
            stretch,
            less_is_better: false,
            checked: true,
        }
    }

    /// A goal for a figure of which less is better.
    pub const fn at_most(accept: f64, stretch: f64) -> Self {
        Self {
            accept,
            stretch,
            less_is_better: true,
            checked: true,
        }
    }

    /// The same, but never a failure: the disk or chance decides it as much as the server does.
    pub const fn unchecked(self) -> Self {
        Self {
            checked: false,
            ..self
        }
    }

    /// Whether `score` is as good as `bound` or better.
    fn reaches(self, score: f64, bound: f64) -> bool {
        if self.less_is_better {
            score <= bound
        } else {
            score >= bound
        }
    }
}

/// In what a result is counted.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// A ratio.
    Times,
    /// Memory.
    MiB,
    /// Time.
    Milliseconds,
    /// Work of a processor.
    Instructions,
}

impl Unit {
    /// A figure with its unit.
    fn show(self, figure: f64) -> String {
        match self {
            Self::Times => format!("{figure:.2}"),
            Self::MiB => format!("{figure:.1} MiB"),
            Self::Milliseconds => format!("{figure:.0} ms"),
            Self::Instructions => thousands(figure.round()),
        }
    }
}

/// Processor time a request, beside that of a baseline.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// Microseconds of the server.
    pub us: f64,
    /// Microseconds of the baseline.
    pub baseline_us: f64,
    /// The baseline's time by the server's.
    pub ratio: f64,
}

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// What it was compared with, in words.
    pub against: String,
    /// Processor time, where it was measured.
    pub cpu: Option<Cpu>,
    /// What came out.
    pub measured: String,
    /// What came out of the baseline.
    pub baseline: String,
    /// The former by the latter.
    pub ratio: Option<f64>,
    /// What is held against the goal.
    pub score: f64,
    /// In what the score is counted.
    pub unit: Unit,
    /// How far it must get.
    pub goal: Option<Goal>,
}

impl Row {
    /// A line that is compared with nothing.
    pub fn alone(figure: String, score: f64, unit: Unit, goal: Goal) -> Self {
        Self {
            figure,
            against: String::new(),
            cpu: None,
            measured: unit.show(score),
            baseline: String::new(),
            ratio: None,
            score,
            unit,
            goal: Some(goal),
        }
    }

    /// Whether it is worse than half of what is accepted.
    fn is_far_below(&self) -> bool {
        self.goal.is_some_and(|goal| {
            let half = if goal.less_is_better {
                goal.accept * 2.0
            } else {
                goal.accept / 2.0
            };
            !goal.reaches(self.score, half)
        })
    }

    /// Whether `--check` fails for it.
    pub fn is_failure(&self) -> bool {
        self.is_far_below() && self.goal.is_some_and(|goal| goal.checked)
    }

    /// What became of its goal.
    fn verdict(&self) -> &'static str {
        match self.goal {
            None => "",
            Some(goal) if goal.reaches(self.score, goal.stretch) => "STRETCH",
            Some(goal) if goal.reaches(self.score, goal.accept) => "accept",
            Some(_) if self.is_far_below() => "FAR BELOW",
            Some(_) => "below",
        }
    }

    /// Its cells.
    fn cells(&self) -> [String; COLUMNS] {
        let bound = |of: fn(&Goal) -> f64| {
            let goal = self.goal.as_ref();
            goal.map(|goal| self.unit.show(of(goal)))
                .unwrap_or_default()
        };
        let cpu = |of: fn(Cpu) -> String| self.cpu.map(of).unwrap_or_default();
        [
            self.figure.clone(),
            self.against.clone(),
            cpu(|cpu| format!("{:.1}", cpu.us)),
            cpu(|cpu| format!("{:.1}", cpu.baseline_us)),
            cpu(|cpu| format!("{:.2}", cpu.ratio)),
            self.measured.clone(),
            self.baseline.clone(),
            self.ratio
                .map(|ratio| format!("{ratio:.2}"))
                .unwrap_or_default(),
            bound(|goal| goal.accept),
            bound(|goal| goal.stretch),
            self.verdict().to_owned(),
        ]
    }
}

/// Columns of the table.
const COLUMNS: usize = 11;
/// What the columns are called.
const HEAD: [&str; COLUMNS] = [
    "figure",
    "compared with",
    "CPU us",
    "its us",
    "by CPU",
    "measured",
    "baseline",
    "ratio",
    "accept",
    "stretch",
    "verdict",
];
/// How wide they are.
const WIDTHS: [usize; COLUMNS] = [42, 37, 7, 7, 6, 10, 10, 6, 8, 8, 9];

/// Prints a part of the table, if it has lines.
pub fn print(title: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!("{title}");
    print_line(&HEAD.map(str::to_owned));
    for row in rows {
        print_line(&row.cells());
    }
    println!();
}

/// Prints one line: words to the left, numbers to the right.
fn print_line(cells: &[String; COLUMNS]) {
    let mut line = String::new();
    for (place, (cell, width)) in cells.iter().zip(WIDTHS).enumerate() {
        let is_words = place < 2 || place == COLUMNS - 1;
        line += &if is_words {
            format!(" {cell:<width$}")
        } else {
            format!(" {cell:>width$}")
        };
    }
    println!(" {}", line.trim_end());
}

/// A whole number with a comma after each three digits.
pub fn thousands(number: impl Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

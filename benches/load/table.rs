//! The table that is printed.

use std::fmt::Display;

/// What the columns mean.
pub const LEGEND: &str = "\
measured   the real server: key check, request id, event row, commit synced before the answer.
baseline   what it is compared with, in the same rounds on the same core.
result     measured / baseline, the median over the rounds; for memory and start the figure itself.
by CPU     the same per second of the server's processor time: what is left when other programs \
disturb.
accept     what must be reached. stretch: what is aimed at.
verdict    STRETCH or accept: reached. below: not reached. FAR BELOW: worse than half of accept \
(fails with --check, tails excepted).";

/// How far a figure must get.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// The floor.
    accept: f64,
    /// What is aimed at.
    stretch: f64,
    /// Whether less is better.
    less_is_better: bool,
}

impl Goal {
    /// A goal for a figure of which more is better.
    pub const fn at_least(accept: f64, stretch: f64) -> Self {
        Self {
            accept,
            stretch,
            less_is_better: false,
        }
    }

    /// A goal for a figure of which less is better.
    pub const fn at_most(accept: f64, stretch: f64) -> Self {
        Self {
            accept,
            stretch,
            less_is_better: true,
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

/// A line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// What it was compared with, in words.
    pub against: String,
    /// What came out.
    pub measured: String,
    /// What came out of the baseline.
    pub baseline: String,
    /// What is held against the goal.
    pub score: f64,
    /// The ratio by processor time, where that says something.
    pub by_cpu: Option<f64>,
    /// In what the score is counted.
    pub unit: Unit,
    /// How far it must get.
    pub goal: Option<Goal>,
}

impl Row {
    /// A line that is compared with nothing.
    pub fn alone(figure: String, (score, unit): (f64, Unit), goal: Goal) -> Self {
        Self {
            figure,
            against: String::new(),
            measured: String::new(),
            baseline: String::new(),
            score,
            by_cpu: None,
            unit,
            goal: Some(goal),
        }
    }

    /// Whether it is worse than half of what is accepted.
    pub fn is_far_below(&self) -> bool {
        self.goal.is_some_and(|goal| {
            let half = if goal.less_is_better {
                goal.accept * 2.0
            } else {
                goal.accept / 2.0
            };
            !goal.reaches(self.score, half)
        })
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
    fn cells(&self) -> [String; 9] {
        let bound = |of: fn(&Goal) -> f64| {
            self.goal
                .as_ref()
                .map(|goal| self.unit.show(of(goal)))
                .unwrap_or_default()
        };
        [
            self.figure.clone(),
            self.against.clone(),
            self.measured.clone(),
            self.baseline.clone(),
            self.unit.show(self.score),
            self.by_cpu
                .map(|ratio| format!("{ratio:.2}"))
                .unwrap_or_default(),
            bound(|goal| goal.accept),
            bound(|goal| goal.stretch),
            self.verdict().to_owned(),
        ]
    }
}

/// Prints a part of the table, if it has lines.
pub fn print(title: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!("{title}");
    let head = [
        "figure",
        "compared with",
        "measured",
        "baseline",
        "result",
        "by CPU",
        "accept",
        "stretch",
        "verdict",
    ];
    print_line(&head.map(str::to_owned));
    for row in rows {
        print_line(&row.cells());
    }
    println!();
}

/// Prints one line: words to the left, numbers to the right.
fn print_line(cells: &[String; 9]) {
    let [
        figure,
        against,
        measured,
        baseline,
        result,
        by_cpu,
        accept,
        stretch,
        verdict,
    ] = cells;
    let line = format!(
        "  {figure:<42} {against:<37} {measured:>10} {baseline:>10} {result:>9} {by_cpu:>7} \
         {accept:>8} {stretch:>8}  {verdict}"
    );
    println!("{}", line.trim_end());
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

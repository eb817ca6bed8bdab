//! How far a long command has come, on stderr: a bar on a terminal, lines otherwise.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::backup::Step;

/// The part of the work that copies pages.
const COPYING: &str = "copying";
/// Looks of the bar.
const TEMPLATE: &str = "{msg} [{bar:40}] {percent}%";
/// Looks of the bar while nobody knows how much there is to do.
const OPEN_TEMPLATE: &str = "{msg}: {pos} records";
/// How often a line tells how far a part of the work has come: a log stays readable.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// What shows the steps of a command.
pub(crate) struct Display {
    /// The bar; none: stderr is no terminal.
    bar: Option<ProgressBar>,
    /// When the command began.
    begun: Instant,
    /// How many bytes are to be copied, as far as was told.
    bytes: u64,
    /// Which part of the work the last line was of, and when it came.
    last_line: (&'static str, Instant),
}

impl Display {
    /// Begins to show.
    pub(crate) fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let begun = Instant::now();
        Self {
            bar: is_terminal.then(bar),
            begun,
            bytes: 0,
            // How much was copied is told at the end of that, so a short one needs no line.
            last_line: (COPYING, begun),
        }
    }

    /// Shows a step.
    pub(crate) fn show(&mut self, step: Step) {
        match (step, &self.bar) {
            (Step::Copying(progress), Some(bar)) => {
                bar.set_message(COPYING);
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            }
            (Step::Copying(progress), None) => {
                self.bytes = progress.total;
                let [done, total] = [progress.done, progress.total].map(HumanBytes);
                self.say_sometimes(COPYING, format_args!("{done} of {total}"));
            }
            (Step::Comparing(progress), _) => {
                self.show_records("comparing", progress.done, Some(progress.total));
            }
            (Step::Checking, Some(bar)) => bar.set_message("checking"),
            (Step::Checking, None) => self.say_checking(),
            (Step::Migrating(name), Some(bar)) => bar.set_message(format!("migrating: {name}")),
            (Step::Migrating(name), None) => {
                // A closed stderr keeps no command from its work.
                let _ = writeln!(io::stderr(), "migrating: {name}");
            }
        }
    }

    /// Shows how many of so many records are done; none: nobody knows yet how many there are.
    pub(crate) fn show_records(&mut self, what: &'static str, done: u64, total: Option<u64>) {
        match (&self.bar, total) {
            (Some(bar), Some(total)) => {
                bar.set_style(style(TEMPLATE));
                bar.set_message(what);
                bar.set_length(total);
                bar.set_position(done);
            }
            (Some(bar), None) => {
                bar.set_style(style(OPEN_TEMPLATE));
                bar.set_message(what);
                bar.set_position(done);
            }
            (None, Some(total)) => {
                self.say_sometimes(what, format_args!("{done} of {total} records"));
            }
            (None, None) => self.say_sometimes(what, format_args!("{done} records")),
        }
    }

    /// Says in a line how far a part of the work has come: at its beginning, and now and then.
    fn say_sometimes(&mut self, what: &'static str, how_far: fmt::Arguments<'_>) {
        let (last, at) = self.last_line;
        if last == what && at.elapsed() < LINE_EVERY {
            return;
        }
        self.last_line = (what, Instant::now());
        // A closed stderr keeps no command from its work.
        let _ = writeln!(io::stderr(), "{what}: {how_far}");
    }

    /// Says in a line that the file is looked through now.
    fn say_checking(&self) {
        let copied = match self.bytes {
            0 => String::new(),
            bytes => format!(
                "copied {} in {:.1?}; ",
                HumanBytes(bytes),
                self.begun.elapsed()
            ),
        };
        // A closed stderr keeps no command from its work.
        let _ = writeln!(io::stderr(), "{copied}checking");
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar on stderr.
fn bar() -> ProgressBar {
    ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style(TEMPLATE))
}

/// The looks that `template` describes.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

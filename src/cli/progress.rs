//! How far a long command has come, on stderr: a bar on a terminal, lines otherwise.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::backup::Step;

/// Looks of the bar.
const TEMPLATE: &str = "{msg} [{bar:40}] {percent}%";

/// What shows the steps of a command.
pub(crate) struct Display {
    /// The bar; none: stderr is no terminal.
    bar: Option<ProgressBar>,
    /// When the command began.
    begun: Instant,
    /// How many bytes are to be copied, as far as was told.
    bytes: u64,
}

impl Display {
    /// Begins to show.
    pub(crate) fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self {
            bar: is_terminal.then(bar),
            begun: Instant::now(),
            bytes: 0,
        }
    }

    /// Shows a step.
    pub(crate) fn show(&mut self, step: Step) {
        match (step, &self.bar) {
            (Step::Copying(progress), Some(bar)) => {
                bar.set_message("copying");
                bar.set_length(progress.total);
                bar.set_position(progress.done);
            }
            (Step::Copying(progress), None) => self.bytes = progress.total,
            (Step::Checking, Some(bar)) => bar.set_message("checking"),
            (Step::Checking, None) => self.say_checking(),
            (Step::Migrating(name), Some(bar)) => bar.set_message(format!("migrating: {name}")),
            (Step::Migrating(name), None) => {
                // A closed stderr keeps no command from its work.
                let _ = writeln!(io::stderr(), "migrating: {name}");
            }
        }
    }

    /// Shows how many of so many records are done, where stderr is a terminal.
    pub(crate) fn show_records(&self, what: &'static str, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            bar.set_message(what);
            bar.set_length(total);
            bar.set_position(done);
        }
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
    let style =
        ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style)
}

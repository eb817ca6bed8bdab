//! How commands print what they list or report.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::base::failure::Failure;

/// How to print what a command lists or reports.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct OutputArgs {
    /// How to print: text for people, or JSON for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people.
    Text,
    /// One JSON value.
    Json,
}

impl OutputArgs {
    /// Prints `text`, or `value` as JSON.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub(super) fn print(
        self,
        text: impl FnOnce() -> String,
        value: &impl Serialize,
    ) -> Result<(), Failure> {
        super::print(&self.render(text, value)?)
    }

    /// Prints what cannot be shown again.
    ///
    /// # Errors
    /// When stdout cannot be written, or nobody reads it any more.
    pub(super) fn deliver(
        self,
        text: impl FnOnce() -> String,
        value: &impl Serialize,
    ) -> Result<(), Failure> {
        super::deliver(&self.render(text, value)?)
    }

    /// `text`, or `value` as JSON.
    fn render(
        self,
        text: impl FnOnce() -> String,
        value: &impl Serialize,
    ) -> Result<String, Failure> {
        match self.output {
            Format::Text => Ok(text()),
            Format::Json => serde_json::to_string_pretty(value)
                .map(|json| json + "\n")
                .map_err(|error| Failure::runtime(error.to_string(), "take --output text")),
        }
    }
}

/// Rows as a table for people, the first one its header.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

//! Parses the command line, runs the command, prints its error, sets the exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use invited::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            invited::cli::print_error(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

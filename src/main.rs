//! Runs the command line, prints its error, sets the exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    match invited::cli::run() {
        Ok(code) => code,
        Err(failure) => {
            invited::cli::print_error(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

//! Neighbours: what a light tenant feels of a heavy one, for everything that they share.
//!
//! Each row is one thing that is shared. A light tenant uses it now and then, first alone and then
//! beside a heavy tenant who does all that a key allows. The table has the light tenant's median
//! and 99th percentile of both, how often it was refused, and the server's memory.
//!
//! ```text
//! INVITED_NEIGHBOURS=full cargo test --release --test neighbours
//! ```
//!
//! `tenth` in place of `full` has the heavy tenant do a tenth; without the variable nothing runs,
//! and that is said. `INVITED_NEIGHBOURS_BINARY` names another binary than the one of this build.
//!
//! # Modules
//! - `world`: the server, its tenants, a mail server and endpoints of webhooks that may stall
//! - `heavy`: what the heavy tenant does; `light`: what the light one asks for
//! - `rows`: which of them meet, and what is accepted

#![allow(
    clippy::too_many_lines,
    reason = "a table of cases is as long as it has cases"
)]

use std::io::{self, Write as _};
use std::process::ExitCode;

mod heavy;
mod light;
mod peers;
mod rows;
mod world;

/// What a step returns; the text is for the person who runs this.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The variable that says how much the heavy tenant does.
const SCALE: &str = "INVITED_NEIGHBOURS";

/// Prints a line. A reader that has gone away does not matter.
pub fn say(text: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn main() -> ExitCode {
    let share = match std::env::var(SCALE).as_deref() {
        Ok("full") => 1,
        Ok("tenth") => 10,
        _ => {
            say(format!("SKIPPED neighbours: set {SCALE} to full or tenth"));
            return ExitCode::SUCCESS;
        }
    };
    // A listing of tests has none of these.
    if std::env::args().any(|word| word == "--list") {
        return ExitCode::SUCCESS;
    }
    let filter = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with('-'))
        .unwrap_or_default();
    say(rows::HEADER);
    let (mut passed, mut failed, mut complaints) = (0, 0, Vec::new());
    for row in rows::ROWS.iter().filter(|row| row.name.contains(&filter)) {
        let found = match row.run(share) {
            Ok(found) => {
                say(row.line(&found));
                row.complaints(&found)
            }
            Err(error) => vec![format!("{}: {error}", row.name)],
        };
        *(if found.is_empty() {
            &mut passed
        } else {
            &mut failed
        }) += 1;
        complaints.extend(found);
    }
    for complaint in complaints {
        say(format!("FAILED {complaint}"));
    }
    say(format!("{passed} passed, {failed} failed"));
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

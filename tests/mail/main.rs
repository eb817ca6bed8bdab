//! Mail (R16): the real binary and a real mail server that misbehaves, under kills of both.
//!
//! The mail server is `.ci/mail_peer.py`; `INVITED_MAIL_PEER` says how to start it. Without it
//! every trial but the made-up stories is shown as ignored, after a line `SKIPPED name: reason`.
//! Trials run one after the other.
//!
//! # Scale
//! `bash .ci/run` makes a share of the kills, and short outages. All of it, in about a quarter of
//! an hour:
//!
//! ```text
//! python3 -m venv target/peer && target/peer/bin/pip install aiosmtpd==1.4.6
//! INVITED_MAIL_PEER="target/peer/bin/python .ci/mail_peer.py" INVITED_DURABILITY=full \
//!     cargo test --release --test mail
//! ```
//!
//! A failure prints the seed of its random choices; `INVITED_DURABILITY_SEED=n` repeats them.
//!
//! # Modules
//! - `scale`: how much each trial does
//! - `site`, `peer`: a data file with its server and its mail server
//! - `judge`: which mails there must be, and which must not; `stories`: that it finds what is wrong
//! - `truth`: what is so, from the server and its file
//! - `kills`, `outage`, `poison`, `stop`: the trials
//! - from `tests/durability`: the binary from outside, the load and what it was told

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::scale::Scale;

#[path = "../durability/asked.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod asked;
#[path = "../durability/check.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod check;
#[path = "../durability/client.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod client;
#[path = "../durability/compare.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod compare;
mod judge;
mod kills;
#[path = "../durability/ledger.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod ledger;
#[path = "../durability/load.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod load;
mod outage;
mod peer;
mod poison;
mod scale;
#[path = "../durability/server.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod server;
mod site;
mod stop;
mod stories;
mod truth;
#[path = "../durability/writer/mod.rs"]
#[allow(dead_code, reason = "it is used by another test, too")]
mod writer;

/// What a step of a trial returns; any error fails the trial.
pub type Outcome<T = ()> = Result<T, Failed>;

/// Shows a measured figure.
pub fn report(text: impl Display) {
    say(format!("\n  measured: {text}"));
}

/// Prints a line to standard error. A reader that has gone away does not fail a trial.
pub fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// One trial: its name, what it does, and what stands in its way on this machine, if anything.
type Planned = (&'static str, fn(&Scale) -> Outcome, fn() -> Option<String>);

/// All trials, in the order in which they run.
const TRIALS: [Planned; 5] = [
    (
        "r16_every_mail_survives_kills_of_both_sides",
        kills::every_mail_survives_kills_of_both_sides,
        peer::obstacle,
    ),
    (
        "r16_a_backlog_is_gone_a_minute_after_an_outage",
        outage::a_backlog_is_gone_in_time,
        peer::obstacle,
    ),
    (
        "r16_a_poisoned_mail_delays_no_other",
        poison::a_poisoned_mail_delays_no_other,
        peer::obstacle,
    ),
    (
        "r16_a_stop_loses_nothing",
        stop::a_stop_loses_nothing,
        peer::obstacle,
    ),
    (
        "judge_finds_what_is_wrong",
        stories::finds_what_is_wrong,
        || None,
    ),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let scale = Scale::from_environment();
    let trial = |(name, run, obstacle): Planned| {
        let obstacle = if arguments.list { None } else { obstacle() };
        if let Some(reason) = &obstacle {
            say(format!("SKIPPED {name}: {reason}"));
        }
        let scale = scale.clone();
        let seeded = move || {
            run(&scale).map_err(|failed| {
                let text = failed.message().unwrap_or_default();
                format!("{text}\nrepeat with INVITED_DURABILITY_SEED={}", scale.seed).into()
            })
        };
        Trial::test(name, seeded).with_ignored_flag(obstacle.is_some())
    };
    libtest_mimic::run(&arguments, TRIALS.into_iter().map(trial).collect()).exit_code()
}

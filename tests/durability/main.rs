//! Durability: the real binary under faults, driven over HTTP.
//!
//! Trials bear the numbers of the promises that they prove. They run one after the other, since
//! they time the server and load the machine. A trial that cannot run here (no root, no loop
//! device, no strace) is shown as ignored, after a line `SKIPPED name: reason`; it never counts as
//! passed.
//!
//! # Scale
//! `cargo test --test durability` runs a share of the figures. All of them take more than half an
//! hour, for the soak alone takes that; `INVITED_SOAK_MINUTES=1` leaves a minute of it:
//!
//! ```text
//! INVITED_DURABILITY=full cargo test --release --test durability
//! ```
//!
//! as root on Linux. A failure prints the seed of its random choices; `INVITED_DURABILITY_SEED=n`
//! repeats them.
//!
//! # Modules
//! - `scale`: how much each trial does
//! - `server`, `client`, `cli`: the binary from outside
//! - `load`, `writer`: what is asked for; `ledger`: what was answered
//! - `asked`, `compare`, `check`: whether the server agrees after the fault; `stories`: that the
//!   comparison finds a loss
//! - `faults`: lost power, full disks, failing calls, other users; `injection`: which call failed
//! - `sink`: a mail server and an endpoint of webhooks that take everything
//! - `kill` (R1), `power` and `control` (R2), `sync_errors` and `call_loops` (R3), `full_disk`
//!   (R4), `unwritable` (R5), `refusals` (R6), `lock` (R7), `contention` (R9), `bursts` (R10),
//!   `silent` (R19, R21), `soak` (R22), `outside` (R26), `deletion` (R29): the trials

#![allow(
    clippy::too_many_lines,
    reason = "a table of cases is as long as it has cases"
)]

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::scale::Scale;

mod asked;
mod bursts;
mod call_loops;
mod check;
mod cli;
mod client;
mod compare;
mod contention;
mod control;
mod deletion;
mod faults;
mod full_disk;
mod injection;
mod kill;
mod ledger;
mod load;
mod lock;
mod outside;
mod power;
mod refusals;
mod scale;
mod server;
mod silent;
mod sink;
mod soak;
mod stories;
mod sync_errors;
mod unwritable;
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

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == control::ARGUMENT) {
        return serve_control(Path::new(&words.next().unwrap_or_default()));
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    if !arguments.list {
        faults::with_own_mounts();
    }
    let trials = trials(&Scale::from_environment(), !arguments.list);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The other role of this binary.
fn serve_control(database: &Path) -> ExitCode {
    match control::serve(database) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            say(format!("control: {}", failed.message().unwrap_or_default()));
            ExitCode::FAILURE
        }
    }
}

/// One trial: its name, what it does, and what stands in its way on this machine, if anything.
type Planned = (&'static str, fn(&Scale) -> Outcome, fn() -> Option<String>);

/// All trials, in the order in which they run.
const TRIALS: [Planned; 25] = [
    (
        "r1_acknowledged_changes_survive_kill",
        kill::acknowledged_changes_survive_kill,
        nothing,
    ),
    (
        "r2_acknowledged_changes_survive_power_loss",
        power::acknowledged_changes_survive_power_loss,
        faults::power_obstacle,
    ),
    (
        "r2_power_loss_loses_without_full_sync",
        power::power_loss_loses_without_full_sync,
        faults::power_obstacle,
    ),
    (
        "r3_failed_calls_are_never_acknowledged",
        sync_errors::failed_calls_are_never_acknowledged,
        faults::strace_obstacle,
    ),
    (
        "r3_every_call_of_every_change_may_fail",
        call_loops::every_call_of_every_change_may_fail,
        faults::strace_obstacle,
    ),
    (
        "r26_writes_need_only_the_data_folder",
        outside::writes_need_only_the_data_folder,
        faults::mount_obstacle,
    ),
    (
        "r26_writes_need_no_free_descriptor",
        outside::writes_need_no_free_descriptor,
        outside::limit_obstacle,
    ),
    (
        "r26_idle_clients_close_no_writer",
        outside::idle_clients_close_no_writer,
        outside::limit_obstacle,
    ),
    (
        "r4_full_disk_stops_writes_only",
        full_disk::full_disk_stops_writes_only,
        faults::mount_obstacle,
    ),
    (
        "r13_backups_without_room_leave_nothing",
        full_disk::backups_without_room_leave_nothing,
        faults::mount_obstacle,
    ),
    (
        "r5_unwritable_places_are_refused",
        unwritable::unwritable_places_are_refused,
        faults::other_user_obstacle,
    ),
    (
        "r5_read_only_mounts_are_refused",
        unwritable::read_only_mounts_are_refused,
        faults::mount_obstacle,
    ),
    (
        "r6_foreign_files_are_refused",
        refusals::foreign_files_are_refused,
        nothing,
    ),
    (
        "r6_damaged_files_are_refused",
        refusals::damaged_files_are_refused,
        nothing,
    ),
    (
        "r7_one_of_two_servers_wins",
        lock::one_of_two_servers_wins,
        nothing,
    ),
    (
        "r7_files_mounted_alone_are_refused",
        lock::files_mounted_alone_are_refused,
        faults::mount_obstacle,
    ),
    (
        "r7_commands_work_beside_the_server",
        lock::commands_work_beside_the_server,
        nothing,
    ),
    (
        "r9_clients_never_see_a_lock",
        contention::clients_never_see_a_lock,
        nothing,
    ),
    (
        "r10_bad_items_fail_alone",
        bursts::bad_items_fail_alone,
        nothing,
    ),
    (
        "r29_deletions_survive_kill",
        deletion::deletions_survive_kill,
        nothing,
    ),
    (
        "r29_deletions_hold_nobody_up",
        deletion::deletions_hold_nobody_up,
        nothing,
    ),
    (
        "r19_silent_clients_are_cut_off",
        silent::silent_clients_are_cut_off,
        nothing,
    ),
    (
        "r22_long_use_grows_in_nothing",
        soak::long_use_grows_in_nothing,
        soak::obstacle,
    ),
    ("soak_finds_what_grows", soak::judge_finds_growth, nothing),
    (
        "ledger_finds_what_is_lost",
        stories::finds_what_is_lost,
        nothing,
    ),
];

/// Nothing stands in the way of a trial that needs only the binary.
fn nothing() -> Option<String> {
    None
}

/// All trials; those that cannot run here are ignored, and said to be.
fn trials(scale: &Scale, probe: bool) -> Vec<Trial> {
    let plan = |(name, run, obstacle): Planned| {
        let obstacle = if probe { obstacle() } else { None };
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
    TRIALS.into_iter().map(plan).collect()
}

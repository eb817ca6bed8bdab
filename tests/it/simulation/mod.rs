//! R31: deliveries are live, whatever peers and clocks do.
//!
//! The outbox is worked without threads, in virtual time: the desk, the channels and the SQL are
//! those of the server, only the peers are made up. They stall, fail, limit, answer late and come
//! back; the clock jumps both ways; the server is restarted, and deliveries are lost. Some time
//! after the last fault everything due must be out, and nothing of what was deleted or revoked.
//!
//! ```text
//! INVITED_SIMULATION=full cargo test --release --test it simulation
//! ```
//!
//! does 10,000 seeds of each kind. `INVITED_SIMULATION_SEED=n` begins with another seed; a failure
//! prints its own. What the server itself draws (ids, the spread of delays) differs from run to
//! run, so a seed may need some runs to fail again.
//!
//! * [`world`]: the outbox in virtual time. [`chance`]: what is left to chance. [`mail`],
//!   [`webhooks`]: the peers, and what must hold.
//! * [`clock`]: deliveries that are lost while the clock is set back.

mod chance;
mod clock;
mod mail;
mod webhooks;
mod world;

use invited::db::WriteTx;

use crate::support::{TestApp, scale};
use chance::Chance;

/// The variable that selects the full figure when it says `full`.
const SCALE_VARIABLE: &str = "INVITED_SIMULATION";
/// The variable that says with which seed to start.
const SEED_VARIABLE: &str = "INVITED_SIMULATION_SEED";
/// When the last fault ends, in milliseconds of virtual time.
const FAULTS_END: i64 = 300_000;

/// What `story` returns. An error undoes all that it wrote, so that the next one finds an empty
/// file.
fn undone<T>(app: &TestApp, story: impl FnOnce(&WriteTx<'_>) -> T) -> T {
    let mut told = None;
    let ended = invited::db::write_file(&app.database, |tx| {
        told = Some(story(tx));
        Err::<(), _>(invited::base::error::Error::internal("undone"))
    });
    assert!(ended.is_err());
    told.expect("the story was told")
}

/// Runs `story` with one seed after the other, each in a transaction that is undone.
fn with_seeds(story: impl Fn(&WriteTx<'_>, &mut Chance) -> Result<(), String>) {
    let app = TestApp::serve();
    let first = std::env::var(SEED_VARIABLE)
        .ok()
        .map_or(1, |seed| seed.parse().expect("a seed is a number"));
    for seed in first..first + scale(SCALE_VARIABLE, 12, 10_000) {
        let told = undone(&app, |tx| story(tx, &mut Chance::new(seed)));
        assert_eq!(
            told,
            Ok(()),
            "see it again: {SEED_VARIABLE}={seed} cargo test --test it simulation"
        );
    }
}

#[test]
fn every_mail_is_out_soon_after_the_last_fault_and_none_of_what_is_gone() {
    with_seeds(mail::story);
}

#[test]
fn every_event_is_told_soon_after_the_last_fault_and_none_of_what_is_gone() {
    with_seeds(webhooks::story);
}

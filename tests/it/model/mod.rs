//! R24: the state machine is right under any order of operations.
//!
//! Sequences of up to 50 operations (every change of an invitation, every way to look at it, tokens
//! right and wrong, jumps of the clock around the ends, restarts) are done with the real server and
//! with a model of a few plain rules. Every answer is compared, and after each sequence all
//! invitations and the whole history.
//!
//! ```text
//! INVITED_MODEL=full cargo test --release --test it model
//! ```
//!
//! does 10,000 sequences. Each has a seed of its own; a difference is printed with the shortest
//! sequence that shows it, and with the command that starts with that seed: `INVITED_MODEL_SEED=n`.
//!
//! * [`operation`]: what can be done, chosen by chance. [`rules`]: the model; [`state`]: what it
//!   knows.
//! * [`driver`]: both sides, and what is compared.

mod driver;
mod operation;
mod rules;
mod state;

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::support::scale;
use driver::Driver;
use operation::{Operation, operations};
use rules::Flaw;

/// The variable that selects the full figure when it says `full`.
const SCALE_VARIABLE: &str = "INVITED_MODEL";
/// The variable that says with which seed to start.
const SEED_VARIABLE: &str = "INVITED_MODEL_SEED";
/// Tries to make a failing sequence shorter.
const SHORTENINGS: u32 = 2000;
/// How many servers work through the sequences side by side.
const SERVERS: usize = 2;

/// A difference between model and server.
struct Difference {
    /// The shortest sequence that shows it.
    sequence: Vec<Operation>,
    /// What differs.
    what: String,
}

/// Does the sequence of `seed`, and looks for the shortest one that differs, if it does.
fn find_difference(driver: &RefCell<Driver>, seed: u64, flaw: Option<Flaw>) -> Option<Difference> {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: SHORTENINGS,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let compare = |sequence: Vec<Operation>| {
        driver
            .borrow_mut()
            .compare(&sequence, flaw)
            .map_err(TestCaseError::fail)
    };
    match runner.run(&operations(), compare) {
        Ok(()) => None,
        Err(TestError::Fail(what, sequence)) => Some(Difference {
            sequence,
            what: what.to_string(),
        }),
        Err(TestError::Abort(why)) => panic!("no sequence could be made: {why}"),
    }
}

/// The seed to start with.
fn first_seed() -> u64 {
    let given = std::env::var(SEED_VARIABLE)
        .ok()
        .map(|seed| seed.parse().expect("a seed is a number"));
    given.unwrap_or_else(|| {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |time| u64::from(time.subsec_nanos()))
    })
}

/// What is printed of a difference: what differs, the sequence, and how to see it again.
fn report(seed: u64, difference: &Difference) -> String {
    let steps = difference.sequence.iter().enumerate();
    let steps: Vec<_> = steps
        .map(|(number, step)| format!("  {}. {step:?}", number + 1))
        .collect();
    format!(
        "model and server differ, {}\nthe shortest sequence that shows it:\n{}\nsee it again: \
         {SEED_VARIABLE}={seed} cargo test \
         --test it model",
        difference.what,
        steps.join("\n")
    )
}

#[test]
fn the_server_does_what_the_model_says_whatever_the_order() {
    let (sequences, seed) = (scale(SCALE_VARIABLE, 200, 10_000), first_seed());
    std::thread::scope(|scope| {
        for server in 0..SERVERS {
            scope.spawn(move || {
                let driver = RefCell::new(Driver::start());
                for seed in (seed..seed + sequences).skip(server).step_by(SERVERS) {
                    if let Some(difference) = find_difference(&driver, seed, None) {
                        panic!("{}", report(seed, &difference));
                    }
                }
            });
        }
    });
}

#[test]
fn a_rule_that_the_model_gets_wrong_is_found() {
    let driver = RefCell::new(Driver::start());
    let fewest = [
        (Flaw::TakesAnybody, 2),
        (Flaw::AcceptsLapsed, 3),
        (Flaw::ForgetsToCount, 4),
    ];
    for (flaw, fewest) in fewest {
        let found = (1..200).find_map(|seed| find_difference(&driver, seed, Some(flaw)));
        let found = found.unwrap_or_else(|| panic!("nobody noticed: {flaw:?}"));
        // Fewer steps cannot show it: then something else was found.
        assert!(
            found.sequence.len() >= fewest,
            "{flaw:?}: {}",
            report(0, &found)
        );
    }
}

//! A delivery whose thread broke off comes again at most one lease after the clock was set back
//! last, however often that was.

use std::cell::RefCell;

use invited::db::WriteTx;
use invited::outbox::webhook::store::Attempt;
use invited::outbox::worker::Channel;

use super::world::{LEASE, POLL, Reply, World};
use super::{mail, undone, webhooks};
use crate::support::TestApp;

/// When the clock is set to something else, and by how much.
struct Jump {
    /// After so many milliseconds.
    at: i64,
    /// By so many.
    by: i64,
}

/// When the delivery is made that is lost.
const HAPPENS_AT: i64 = 500;

/// The stories of a clock.
fn stories() -> [(&'static str, Vec<Jump>); 5] {
    let jump = |at, by| Jump { at, by };
    [
        (
            "back for less than a lease",
            vec![jump(1_000, -LEASE + 1_000)],
        ),
        (
            "back three times for a little",
            vec![
                jump(1_000, -40_000),
                jump(30_000, -40_000),
                jump(60_000, -40_000),
            ],
        ),
        (
            "forward before the claim, then back",
            vec![jump(0, 600_000), jump(1_000, -600_000)],
        ),
        (
            "back for more than a lease, just before that is over",
            vec![jump(1_000, -130_000), jump(120_000, -100_000)],
        ),
        (
            "back in steps that are small each",
            (10..210).map(|tenth| jump(tenth * 100, -900)).collect(),
        ),
    ]
}

/// Works one delivery off that is lost at its first try; returns after how many milliseconds it is
/// begun again.
fn begun_again_after<C: Channel>(
    world: &mut World<'_, C>,
    jumps: &[Jump],
    happen: impl Fn(&WriteTx<'_>),
    taken: impl Fn(&C::Item) -> C::Outcome,
) -> Option<i64> {
    let begun = RefCell::new(Vec::new());
    let mut peer = |item: &C::Item, passed| {
        begun.borrow_mut().push(passed);
        let is_lost = begun.borrow().len() == 1;
        Reply {
            after_ms: 50,
            outcome: (!is_lost).then(|| taken(item)),
        }
    };
    let (before, after): (Vec<_>, Vec<_>) = jumps.iter().partition(|jump| jump.at < HAPPENS_AT);
    world.offset += before.iter().map(|jump| jump.by).sum::<i64>();
    world.run(HAPPENS_AT, &mut peer).expect("it works");
    happen(&world.tx());
    for jump in after {
        world.run(jump.at, &mut peer).expect("it works");
        world.offset += jump.by;
    }
    let last = jumps.last().map_or(0, |jump| jump.at);
    world.run(last + 3 * LEASE, &mut peer).expect("it works");
    begun.into_inner().get(1).copied()
}

/// Checks each story with a world that `new` makes.
fn check(again: impl Fn(&WriteTx<'_>, &[Jump]) -> Option<i64>) {
    let app = TestApp::serve();
    for (name, jumps) in stories() {
        let last = jumps.last().map_or(0, |jump| jump.at);
        let after = undone(&app, |tx| again(tx, &jumps)).map(|at| at - last);
        // A look more, and a second that may go unnoticed.
        let bound = LEASE + POLL + 1_000;
        assert!(
            after.is_some_and(|after| after <= bound),
            "{name}: {after:?} after the last jump"
        );
    }
}

#[test]
fn a_webhook_that_was_lost_is_told_again_a_lease_after_the_clock_was_set_back_last() {
    check(|tx, jumps| {
        let mut world = World::new(tx, webhooks::channel(tx));
        let happen = |tx: &WriteTx<'_>| webhooks::happen(tx, "acme").map(drop).expect("an event");
        let answered = || invited::webhook::client::Reply {
            status: 204,
            retry_after: None,
        };
        begun_again_after(&mut world, jumps, happen, |item| {
            Attempt::new(item.at(), 50, Ok(answered()))
        })
    });
}

#[test]
fn a_mail_that_was_lost_goes_out_again_a_lease_after_the_clock_was_set_back_last() {
    check(|tx, jumps| {
        let mut world = World::new(tx, mail::channel());
        let happen = |tx: &WriteTx<'_>| {
            mail::invite(tx, "acme", "a@b.co")
                .map(drop)
                .expect("an invitation");
        };
        begun_again_after(&mut world, jumps, happen, |_| {
            invited::mail::sender::Outcome::Sent
        })
    });
}

//! S2 and R24: of those who answer an invitation at the same moment, one wins.
//!
//! Every answer agrees with that. Each round has an invitation of its own, real connections that
//! are kept, and racers that start together.
//!
//! ```text
//! INVITED_RACES=full cargo test --release --test it accept_races
//! ```
//!
//! does 200 rounds of 64 acceptances, and 1,000 rounds of each pair of operations.
//!
//! * [`course`]: what a race runs on.

mod course;

use serde_json::{Value, json};

use crate::support::kept::{Call, Reply};
use crate::support::{invitations, scale};
use course::{ACCEPTANCES, Course, Prize, RIVALS};

/// The variable that selects the full figures when it says `full`.
const SCALE_VARIABLE: &str = "INVITED_RACES";

/// Does the rounds of a race of acceptances against something else.
fn rounds(race: impl Fn(&Course, &Prize)) {
    let course = Course::new(ACCEPTANCES + RIVALS);
    for round in 0..scale(SCALE_VARIABLE, 20, 1000) {
        race(&course, &course.prize(round));
    }
}

/// How many were answered `status`.
fn count<'a>(replies: impl IntoIterator<Item = &'a Reply>, status: u16) -> usize {
    replies
        .into_iter()
        .filter(|reply| reply.status == status)
        .count()
}

/// Checks that whoever was refused was told that the invitation is `status` already.
fn lost_to<'a>(status: &str, replies: impl IntoIterator<Item = &'a Reply>) {
    for reply in replies.into_iter().filter(|reply| reply.status != 200) {
        let told = reply.body["invitationStatus"].as_str().unwrap_or_default();
        assert_eq!(
            (reply.status, reply.code(), told),
            (409, "status_conflict", status),
            "{reply:?}"
        );
    }
}

#[test]
fn of_64_parallel_acceptances_one_wins() {
    let course = Course::new(64);
    for round in 0..scale(SCALE_VARIABLE, 20, 200) {
        let prize = course.prize(round);
        let racers: Vec<_> = (0..64)
            .map(|number| vec![prize.acceptance(number)])
            .collect();
        let replies: Vec<_> = course.race(&racers).into_iter().flatten().collect();
        assert_eq!(count(&replies, 200), 1, "round {round}");
        lost_to("accepted", &replies);
        assert_eq!(course.types(&prize), ["created", "accepted"]);
    }
}

/// Races acceptances against `rival`, which makes the invitation `end`: one of all wins, and
/// everybody hears of it.
fn one_end_wins(end: &str, rival: impl Fn(&Prize) -> Call) {
    rounds(|course, prize| {
        let (acceptances, rivals) = course.against(prize, |_| vec![rival(prize)]);
        let (accepted, ended) = (
            count(&acceptances, 200),
            count(rivals.iter().flatten(), 200),
        );
        assert_eq!(accepted + ended, 1);
        let winner = if accepted == 1 { "accepted" } else { end };
        lost_to(winner, acceptances.iter().chain(rivals.iter().flatten()));
        assert_eq!(course.types(prize), ["created", winner]);
        assert_eq!(course.app.get(&prize.path).json()["status"], winner);
    });
}

#[test]
fn of_acceptances_and_revocations_one_wins() {
    one_end_wins("revoked", |prize| prize.change("revoke"));
}

#[test]
fn of_acceptances_and_refusals_one_wins() {
    one_end_wins("declined", |prize| prize.by_token("decline"));
}

#[test]
fn a_sending_kills_the_old_link_and_an_acceptance_ends_the_sendings() {
    rounds(|course, prize| {
        // Whoever has sent it again tries the old link at once.
        let (acceptances, rivals) = course.against(prize, |_| {
            vec![prize.change("resend"), prize.by_token("accept")]
        });
        let sent = count(rivals.iter().map(|replies| &replies[0]), 200);
        let lost = rivals.iter().map(|replies| &replies[0]);
        lost_to("accepted", lost);
        for replies in rivals.iter().filter(|replies| replies[0].status == 200) {
            assert_eq!(
                replies[1].status, 404,
                "the old link after a sending: {replies:?}"
            );
        }
        let all: Vec<_> = acceptances
            .iter()
            .chain(rivals.iter().map(|replies| &replies[1]))
            .collect();
        assert_eq!(count(all.clone(), 200), 1, "{acceptances:?}");
        assert!(
            sent > 0 || count(all.clone(), 404) == 0,
            "a link died without a sending: {acceptances:?}"
        );
        lost_to(
            "accepted",
            all.into_iter().filter(|reply| reply.status != 404),
        );
        let expected = [vec!["created"], vec!["renewed"; sent], vec!["accepted"]].concat();
        assert_eq!(course.types(prize), expected);
        let present = course.app.get(&prize.path).json();
        assert_eq!(
            (
                present["status"].as_str(),
                present["sendCount"].as_u64().unwrap_or(0)
            ),
            (Some("accepted"), sent as u64)
        );
    });
}

#[test]
fn a_link_is_accepted_before_the_first_sending_or_never() {
    rounds(|course, prize| {
        let racers: Vec<_> = (0..ACCEPTANCES + RIVALS)
            .map(|number| {
                vec![if number % 2 == 0 {
                    prize.by_token("accept")
                } else {
                    prize.change("resend")
                }]
            })
            .collect();
        let replies: Vec<_> = course.race(&racers).into_iter().flatten().collect();
        let accepted = count(replies.iter().step_by(2), 200);
        let sent = count(replies.iter().skip(1).step_by(2), 200);
        let expected = if accepted == 1 {
            (0, vec!["created", "accepted"])
        } else {
            (RIVALS, [vec!["created"], vec!["renewed"; RIVALS]].concat())
        };
        assert_eq!(
            (sent, course.types(prize)),
            (
                expected.0,
                expected.1.iter().map(|&event| event.to_owned()).collect()
            )
        );
    });
}

#[test]
fn nothing_is_accepted_after_it_was_deleted() {
    rounds(|course, prize| {
        let delete = || vec![Call::new("DELETE", prize.path.clone(), Value::Null)];
        let (acceptances, rivals) = course.against(prize, |_| delete());
        let deletes: Vec<_> = rivals.iter().flatten().collect();
        assert_eq!(
            (count(deletes.clone(), 204), count(deletes, 404)),
            (1, RIVALS - 1)
        );
        let accepted = count(&acceptances, 200);
        let expected = if accepted == 1 {
            vec!["created", "accepted", "deleted"]
        } else {
            vec!["created", "deleted"]
        };
        assert_eq!(course.types(prize), expected);
        lost_to(
            "accepted",
            acceptances
                .iter()
                .filter(|reply| accepted == 1 && reply.status == 409),
        );
        assert_eq!(
            count(&acceptances, 404) + count(&acceptances, 409) + accepted,
            ACCEPTANCES
        );
        assert!(
            accepted == 1 || count(&acceptances, 404) == ACCEPTANCES,
            "{acceptances:?}"
        );
        assert_eq!(course.app.get(&prize.path).status, 404);
    });
}

#[test]
fn nothing_is_accepted_or_left_behind_after_its_organization_was_deleted() {
    rounds(|course, prize| {
        let path = format!("/v1/organizations/{}", prize.organization);
        let (acceptances, rivals) = course.against(prize, |_| {
            vec![Call::new("DELETE", path.clone(), Value::Null)]
        });
        let deletes: Vec<_> = rivals.iter().flatten().collect();
        assert_eq!(
            (count(deletes.clone(), 204), count(deletes, 404)),
            (1, RIVALS - 1)
        );
        let accepted = count(&acceptances, 200);
        assert!(
            accepted == 1 || accepted == 0 && count(&acceptances, 404) == ACCEPTANCES,
            "{acceptances:?}"
        );
        lost_to(
            "accepted",
            acceptances.iter().filter(|reply| reply.status == 409),
        );
        assert!(course.types(prize).is_empty());
        assert_eq!(
            course.app.get(&invitations(&prize.organization)).text(),
            "[]"
        );
        for table in ["organization", "invitation", "event"] {
            assert!(
                course
                    .app
                    .db_rows(&format!("select 1 from {table}"))
                    .is_empty(),
                "{table}"
            );
        }
    });
}

#[test]
fn the_role_of_an_accepted_invitation_is_what_its_acceptance_was_told() {
    rounds(|course, prize| {
        let patch = |number: usize| {
            Call::new(
                "PATCH",
                prize.path.clone(),
                json!({ "role": format!("role-{number}") }),
            )
        };
        let (acceptances, rivals) = course.against(prize, |number| vec![patch(number)]);
        assert_eq!(count(&acceptances, 200), 1);
        lost_to(
            "accepted",
            acceptances.iter().chain(rivals.iter().flatten()),
        );
        let changed = count(rivals.iter().flatten(), 200);
        let expected = [vec!["created"], vec!["updated"; changed], vec!["accepted"]].concat();
        assert_eq!(course.types(prize), expected);
        let history = course.history(prize);
        let role = &history[changed].1["role"];
        let told = acceptances
            .iter()
            .find(|reply| reply.status == 200)
            .map(|reply| &reply.body["role"]);
        assert_eq!(
            (told, &course.app.get(&prize.path).json()["role"]),
            (Some(role), role)
        );
    });
}

//! The comparison itself can fail: each kind of loss is found in a made-up story, and a true story
//! passes.

use std::collections::BTreeMap;

use crate::Outcome;
use crate::check::ensure;
use crate::compare::{Found, Row, compare};
use crate::ledger::{Change, Entry, Reply};
use crate::scale::Scale;

/// How many findings there are: lost, resurfaced, wrong.
type Counts = (usize, usize, usize);

/// Nothing is found.
const FINE: Counts = (0, 0, 0);
/// One acknowledged change is lost.
const LOST: Counts = (1, 0, 0);
/// One change answered 5xx is there.
const RESURFACED: Counts = (0, 1, 0);
/// One other contradiction.
const WRONG: Counts = (0, 0, 1);

/// Tells all stories.
pub fn finds_what_is_lost(_: &Scale) -> Outcome {
    creations_and_deletions()?;
    changes_of_status()?;
    roles_and_resends()?;
    batches()?;
    keys()
}

/// A row that stands as it was made.
fn row(id: &str, email: &str) -> Row {
    Row {
        id: id.into(),
        email: email.into(),
        role: "viewer".into(),
        status: "pending".into(),
        send_count: 0,
    }
}

/// A row with another status.
fn row_as(status: &str, id: &str, email: &str) -> Row {
    Row {
        status: status.into(),
        ..row(id, email)
    }
}

/// An entry.
fn told(change: Change, reply: Reply) -> Entry {
    Entry { change, reply }
}

/// A creation.
fn creation(email: &str, reply: Reply) -> Entry {
    told(
        Change::Create {
            email: email.into(),
            role: "viewer".into(),
            batch: None,
        },
        reply,
    )
}

/// The acknowledged creation of the invitation 1 for a, at the beginning of most stories.
fn created() -> Entry {
    creation("a", done("1"))
}

/// An acknowledgement.
fn done(made: &str) -> Reply {
    Reply::Done(made.into())
}

/// An error of the server.
fn failed() -> Reply {
    Reply::Failed("503 storage_failed".into())
}

/// Compares a story with several findings of rows.
fn rows_give(story: &[Entry], cases: &[(&[Row], Counts)]) -> Outcome {
    cases.iter().try_for_each(|(rows, expected)| {
        gives(
            story,
            &Found {
                rows: rows.to_vec(),
                keys: BTreeMap::new(),
            },
            *expected,
        )
    })
}

/// Compares a story with what is found.
fn gives(story: &[Entry], found: &Found, expected: Counts) -> Outcome {
    let findings = compare(story, found);
    let counts = (
        findings.lost.len(),
        findings.resurfaced.len(),
        findings.wrong.len(),
    );
    ensure(counts == expected, || {
        format!("{story:#?}\n{found:#?}: {counts:?} instead of {expected:?}")
    })
}

/// Creations and deletions, one of them by taking another one's place.
fn creations_and_deletions() -> Outcome {
    let deletion = told(
        Change::Delete {
            id: "2".into(),
            email: "b".into(),
        },
        done(""),
    );
    let story = [
        created(),
        creation("b", done("2")),
        deletion,
        creation("a", done("3")),
    ];
    let (replaced, standing) = (row_as("revoked", "1", "a"), row("3", "a"));
    let true_story = [replaced.clone(), standing.clone()];
    rows_give(
        &story,
        &[
            (&true_story, FINE),
            (&true_story[..1], LOST),
            (&[row("1", "a"), standing.clone()], WRONG),
            (&[replaced.clone(), row_as("revoked", "3", "a")], LOST),
            (&[replaced.clone(), row("2", "b"), standing.clone()], LOST),
            (
                &[replaced.clone(), row_as("revoked", "3", "a"), row("4", "a")],
                WRONG,
            ),
            (
                &[replaced, standing.clone(), row_as("revoked", "4", "c")],
                WRONG,
            ),
            (&[row_as("revoked", "1", "x"), standing], (1, 0, 0)),
        ],
    )?;
    let (there, gone): (&[Row], &[Row]) = (&[row("1", "a")], &[]);
    rows_give(
        &[creation("a", Reply::Unanswered)],
        &[(there, FINE), (gone, FINE)],
    )?;
    rows_give(
        &[creation("a", failed())],
        &[(there, RESURFACED), (gone, FINE)],
    )?;
    rows_give(
        &[creation("a", Reply::Refused)],
        &[(there, WRONG), (gone, FINE)],
    )?;
    let deleted = |reply| {
        [
            created(),
            told(
                Change::Delete {
                    id: "1".into(),
                    email: "a".into(),
                },
                reply,
            ),
        ]
    };
    rows_give(&deleted(Reply::Unanswered), &[(there, FINE), (gone, FINE)])?;
    rows_give(&deleted(failed()), &[(there, FINE), (gone, RESURFACED)])?;
    rows_give(
        &deleted(Reply::Unexpected("404 not_found".into())),
        &[(there, WRONG)],
    )
}

/// Acceptances and revocations: lost, undone, made of one another, or there without leave.
fn changes_of_status() -> Outcome {
    let is = |status: &str| [row_as(status, "1", "a")];
    let (pending, accepted, revoked) = (is("pending"), is("accepted"), is("revoked"));
    let close = |status, reply| {
        told(
            Change::Close {
                id: "1".into(),
                status,
            },
            reply,
        )
    };
    let accept = |reply| [created(), close("accepted", reply)];
    rows_give(
        &accept(done("")),
        &[
            (&pending, LOST),
            (&accepted, FINE),
            (&revoked, WRONG),
            (&[], LOST),
        ],
    )?;
    rows_give(
        &accept(Reply::Unanswered),
        &[(&pending, FINE), (&accepted, FINE), (&is("expired"), WRONG)],
    )?;
    rows_give(
        &accept(failed()),
        &[(&pending, FINE), (&accepted, RESURFACED)],
    )?;
    rows_give(
        &accept(Reply::Refused),
        &[(&pending, FINE), (&accepted, WRONG)],
    )?;
    let revoke = |reply| [created(), close("revoked", reply)];
    rows_give(
        &revoke(done("")),
        &[(&pending, LOST), (&accepted, WRONG), (&revoked, FINE)],
    )?;
    rows_give(
        &revoke(Reply::Unanswered),
        &[(&pending, FINE), (&revoked, FINE)],
    )?;
    rows_give(
        &revoke(failed()),
        &[(&pending, FINE), (&revoked, RESURFACED)],
    )?;
    let delete = told(
        Change::Delete {
            id: "1".into(),
            email: "a".into(),
        },
        Reply::Unanswered,
    );
    let story = [created(), close("accepted", done("")), delete];
    rows_give(&story, &[(&accepted, FINE), (&[], FINE), (&pending, LOST)])
}

/// Roles and numbers of mails that fell back or went ahead.
fn roles_and_resends() -> Outcome {
    let has = |role: &str| {
        [Row {
            role: role.into(),
            ..row("1", "a")
        }]
    };
    let update = |role: &str, reply| {
        told(
            Change::Update {
                id: "1".into(),
                role: role.into(),
            },
            reply,
        )
    };
    let story = |reply| [created(), update("x", done("")), update("y", reply)];
    let (viewer, x, y) = (has("viewer"), has("x"), has("y"));
    rows_give(
        &story(done("")),
        &[(&viewer, LOST), (&x, LOST), (&y, FINE), (&has("z"), WRONG)],
    )?;
    rows_give(
        &story(Reply::Unanswered),
        &[(&viewer, LOST), (&x, FINE), (&y, FINE)],
    )?;
    rows_give(
        &story(failed()),
        &[(&viewer, LOST), (&x, FINE), (&y, RESURFACED)],
    )?;

    let sent = |send_count| {
        [Row {
            send_count,
            ..row("1", "a")
        }]
    };
    let resend = |reply| told(Change::Resend { id: "1".into() }, reply);
    let story = |reply| [created(), resend(done("")), resend(reply)];
    let (once, twice) = (sent(1), sent(2));
    rows_give(
        &story(done("")),
        &[
            (&sent(0), LOST),
            (&once, LOST),
            (&twice, FINE),
            (&sent(3), WRONG),
        ],
    )?;
    rows_give(
        &story(Reply::Unanswered),
        &[
            (&sent(0), LOST),
            (&once, FINE),
            (&twice, FINE),
            (&sent(3), WRONG),
        ],
    )?;
    rows_give(
        &story(failed()),
        &[(&once, FINE), (&twice, RESURFACED), (&sent(3), WRONG)],
    )?;
    let by_creation = [created(), creation("a", Reply::Unanswered)];
    rows_give(&by_creation, &[(&once, FINE), (&twice, WRONG)])
}

/// Atomic batches that are there in part.
fn batches() -> Outcome {
    let row_of = |email: &str, reply| {
        told(
            Change::Create {
                email: email.into(),
                role: "viewer".into(),
                batch: Some("a".into()),
            },
            reply,
        )
    };
    let batch = |reply: Reply| [row_of("a", reply.clone()), row_of("b", reply)];
    let (part, whole) = ([row("1", "a")], [row("1", "a"), row("2", "b")]);
    rows_give(
        &batch(Reply::Unanswered),
        &[(&[], FINE), (&part, WRONG), (&whole, FINE)],
    )?;
    rows_give(
        &batch(failed()),
        &[(&[], FINE), (&part, (0, 1, 1)), (&whole, (0, 2, 0))],
    )?;
    rows_give(&batch(Reply::Refused), &[(&[], FINE), (&whole, (0, 0, 2))])?;
    let acknowledged = [row_of("a", done("1")), row_of("b", done("2"))];
    rows_give(
        &acknowledged,
        &[(&[], (2, 0, 0)), (&part, LOST), (&whole, FINE)],
    )
}

/// Keys that do not open the server, or still do.
fn keys() -> Outcome {
    let make = |reply| told(Change::MakeKey { name: "k".into() }, reply);
    let revoke = |reply| told(Change::RevokeKey { name: "k".into() }, reply);
    let made = || make(done("ivk_1_2"));
    let cases = [
        (vec![made()], [LOST, FINE, WRONG]),
        (vec![make(Reply::Unanswered)], [FINE, FINE, WRONG]),
        (vec![make(failed())], [FINE, RESURFACED, WRONG]),
        (vec![made(), revoke(done(""))], [LOST, LOST, FINE]),
        (vec![made(), revoke(Reply::Unanswered)], [LOST, FINE, FINE]),
        (vec![made(), revoke(failed())], [LOST, FINE, RESURFACED]),
        (vec![], [FINE, WRONG, WRONG]),
    ];
    for (story, expected) in cases {
        for (status, expected) in [None, Some("live"), Some("revoked")]
            .into_iter()
            .zip(expected)
        {
            let keys = status
                .map(|status| ("k".to_owned(), status.to_owned()))
                .into_iter()
                .collect();
            gives(
                &story,
                &Found {
                    rows: Vec::new(),
                    keys,
                },
                expected,
            )?;
        }
    }
    Ok(())
}

//! The judgement itself can fail: each kind of fault is found in a made-up story, and a true story
//! passes.

use crate::Outcome;
use crate::check::ensure;
use crate::judge::{Truth, judge};
use crate::peer::Mail;
use crate::scale::Scale;

/// How many findings there are: missing, unsettled, unasked, dead, mixed, duplicates.
type Counts = [usize; 6];

/// The invitation `number`, as 32 hex digits.
fn id(number: u32) -> String {
    format!("{number:032x}")
}

/// The token of an invitation's link after so many further sendings.
fn token(number: u32, sendings: u32) -> String {
    format!("ivm_{}_{sendings:064x}", id(number))
}

/// A mail with that link, to the invitation's address.
fn mail(number: u32, sendings: u32) -> Mail {
    Mail {
        message_id: format!("<{number}.{sendings}@example.com>"),
        recipient: format!("{number}@example.org"),
        text: format!(
            "Join: https://app.example.com/join#{}\nBye",
            token(number, sendings)
        ),
    }
}

/// The invitations 1, which was sent again once, and 2 are pending; 3 was revoked. Nobody touched 2
/// and 3 but while the mail server was down.
fn truth() -> Truth {
    let address = |number| (id(number), format!("{number}@example.org"));
    Truth {
        pending: [token(1, 1), token(2, 0)]
            .into_iter()
            .map(|token| (token, "sent".to_owned()))
            .collect(),
        made: [1, 2, 3].map(address).into(),
        refused: ["refused@example.org".to_owned()].into(),
        unseen: [id(2), id(3)].into(),
    }
}

/// Judges a story.
fn gives(mails: &[Mail], truth: &Truth, expected: Counts) -> Outcome {
    let found = judge(mails, truth);
    let lists = [
        &found.missing,
        &found.unsettled,
        &found.unasked,
        &found.dead,
        &found.mixed,
    ];
    let [missing, unsettled, unasked, dead, mixed] = lists.map(Vec::len);
    let counts = [missing, unsettled, unasked, dead, mixed, found.duplicates];
    ensure(counts == expected, || {
        format!("{mails:#?}: {found:#?} instead of {expected:?}")
    })
}

/// Tells all stories.
pub fn finds_what_is_wrong(_: &Scale) -> Outcome {
    let (first, again, second) = (mail(1, 0), mail(1, 1), mail(2, 0));
    let true_story = [first.clone(), again.clone(), second.clone()];
    let with = |mail: Mail| [&true_story[..], &[mail]].concat();
    gives(&true_story, &truth(), [0; 6])?;
    gives(&true_story[1..], &truth(), [0; 6])?;
    gives(&with(second.clone()), &truth(), [0, 0, 0, 0, 0, 1])?;
    gives(&[first, second.clone()], &truth(), [1, 0, 0, 0, 0, 0])?;
    gives(&with(mail(3, 0)), &truth(), [0, 0, 0, 1, 0, 0])?;
    gives(&with(mail(2, 1)), &truth(), [0, 0, 0, 1, 0, 0])?;
    gives(&with(mail(4, 0)), &truth(), [0, 0, 1, 0, 0, 0])?;
    gives(
        &with(Mail {
            recipient: "2@example.org".into(),
            ..again.clone()
        }),
        &truth(),
        [0, 0, 1, 0, 0, 1],
    )?;
    gives(
        &with(Mail {
            message_id: "<other>".into(),
            ..again.clone()
        }),
        &truth(),
        [0, 0, 0, 0, 1, 1],
    )?;
    let reused = Mail {
        message_id: again.message_id.clone(),
        ..second
    };
    gives(&[again, reused], &truth(), [0, 0, 0, 0, 1, 0])?;
    let refused = Truth {
        refused: ["1@example.org".to_owned()].into(),
        ..truth()
    };
    gives(&true_story, &refused, [0, 0, 2, 0, 0, 0])?;
    let mut queued = truth();
    queued.pending.insert(token(2, 0), "queued".to_owned());
    gives(&true_story, &queued, [0, 1, 0, 0, 0, 0])
}

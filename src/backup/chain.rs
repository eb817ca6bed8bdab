//! Looks whether each event of each history follows the one before it: the chain of hashes.

use super::heads::WrittenHead;
use super::verify::{self, Findings};
use crate::base::error::Result;
use crate::db::Reader;
use crate::event::chain::Head;
use crate::event::facts::Facts;
use crate::event::store::row::{self, Chained, Place};

/// Checks the chains of all histories in one walk. Of each history that does not fit, the first
/// event that does not is a finding. The heads of the others are added to `heads`, where somebody
/// wants them.
pub(crate) fn check(
    reader: &Reader<'_>,
    findings: &mut Findings,
    heads: Option<&mut Vec<WrittenHead>>,
    progress: &mut verify::Walk<'_>,
) -> Result<()> {
    let mut walk = Walk {
        findings,
        heads,
        place: Place::default(),
        head: Head::START,
        state: State::Fits,
    };
    row::walk(reader, |place, event| {
        walk.meet(place, event);
        progress.step();
        Ok(())
    })?;
    walk.end_history();
    Ok(())
}

/// What is known of a history.
enum State {
    /// All of it fits so far.
    Fits,
    /// Its last event does not, and the one after it tells what of it was changed.
    IsSuspect {
        /// The event, for a person.
        event: String,
        /// The head that what it says leads to; none: it leads to none.
        head: Option<Head>,
    },
    /// A finding has named what does not fit.
    IsNamed,
}

/// The walk through all histories.
struct Walk<'a> {
    /// What is wrong.
    findings: &'a mut Findings,
    /// The heads of whole histories; none: nobody wants them.
    heads: Option<&'a mut Vec<WrittenHead>>,
    /// The last row.
    place: Place,
    /// How far its history has come with it.
    head: Head,
    /// What is known of that history.
    state: State,
}

impl Walk<'_> {
    /// Goes on with a row.
    fn meet(&mut self, place: Place, event: Result<Chained<'_>>) {
        if place.organization != self.place.organization {
            self.end_history();
            (self.head, self.state) = (Head::START, State::Fits);
        }
        self.state = match &self.state {
            State::Fits => self.check(&place, event),
            State::IsSuspect { event: named, head } => {
                let follows =
                    |head: &Head| event.is_ok_and(|event| next(head, &event) == Some(event.head));
                let what = if head.as_ref().is_some_and(follows) {
                    "its hash was changed"
                } else {
                    "what it says was changed"
                };
                self.findings.add(format!("{named}: {what}"));
                State::IsNamed
            }
            State::IsNamed => State::IsNamed,
        };
        self.place = place;
    }

    /// Checks an event behind those that fit.
    fn check(&mut self, place: &Place, event: Result<Chained<'_>>) -> State {
        let (organization, id) = (place.organization.escape_default(), place.id);
        let Ok(event) = event else {
            self.findings
                .add(format!("the event {id} of {organization} cannot be read"));
            return State::IsNamed;
        };
        let (found, expected) = (event.head, next(&self.head, &event));
        if expected == Some(found) {
            self.head = found;
            return State::Fits;
        }
        let time = event.row.created_at;
        let named = format!("the event {id} of {organization} at {time}");
        let missing = found.position.saturating_sub(self.head.position + 1);
        let what = if expected.is_some_and(|expected| expected.chain == found.chain) {
            "its position was changed".to_owned()
        } else if missing > 0 {
            format!("events are missing before it ({missing})")
        } else {
            return State::IsSuspect {
                event: named,
                head: expected,
            };
        };
        self.findings.add(format!("{named}: {what}"));
        State::IsNamed
    }

    /// Ends the history of the last row.
    fn end_history(&mut self) {
        match &self.state {
            State::Fits if self.head != Head::START => {
                let Place { organization, id } = &self.place;
                if let Some(heads) = &mut self.heads {
                    heads.push(WrittenHead::new(organization, *id, &self.head));
                }
            }
            State::IsSuspect { event, .. } => {
                self.findings
                    .add(format!("{event}: what it says or its hash was changed"));
            }
            _ => {}
        }
    }
}

/// The head behind `event`, whose history has come as far as `head`; none: it cannot be read.
fn next(head: &Head, event: &Chained<'_>) -> Option<Head> {
    let facts = Facts::parse(event.row.before, event.row.after).ok()?;
    head.next(&event.row, &facts, event.seals)
}

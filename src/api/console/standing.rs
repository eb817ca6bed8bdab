//! How the server stands, in a word at the foot of every page.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::visitor::Visitor;
use crate::api::findings;
use crate::doctor::{Finding, Severity};
use crate::key::Scope;

/// For how long it counts what the checks found.
const FRESH: Duration = Duration::from_secs(60);

/// What the checks found last, so that not every page waits for them.
#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<Last>);

/// The last run of the checks.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    /// When it began; none: there was none.
    at: Option<Instant>,
    /// How many findings were not fine; none: that could not be told.
    found: Option<usize>,
}

impl Standing {
    /// What is known. It is whole even if a thread panicked while it had it.
    fn last(&self) -> MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found last, and whether the checks are due. They are due for one caller only: the
    /// others go on with what was found before.
    fn look(&self, now: Instant) -> (Option<usize>, bool) {
        let mut last = self.last();
        let is_due = last.at.is_none_or(|at| now - at >= FRESH);
        if is_due {
            last.at = Some(now);
        }
        (last.found, is_due)
    }

    /// Keeps how many of `findings` are not fine. Returns that.
    pub(super) fn keep(&self, findings: &[Finding]) -> usize {
        let wrong = findings.iter();
        let found = wrong
            .filter(|finding| finding.state != Severity::Ok)
            .count();
        *self.last() = Last {
            at: Some(Instant::now()),
            found: Some(found),
        };
        found
    }
}

impl Visitor {
    /// How many findings of the server are not fine, for who may see them; none: nobody knows.
    pub(super) async fn standing(&self) -> Option<usize> {
        if !self.may(Scope::Admin) || self.caller.rights.organizations.is_some() {
            return None;
        }
        let standing = &self.state.standing;
        let (found, is_due) = standing.look(Instant::now());
        if !is_due {
            return found;
        }
        // A page without a word on the server is better than none.
        let findings = findings::find(&self.state, &self.caller.actor).await.ok()?;
        Some(standing.keep(&findings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checks_are_due_once_a_minute_for_one_caller() {
        let (standing, now) = (Standing::default(), Instant::now());
        assert_eq!(standing.look(now), (None, true));
        assert_eq!(standing.look(now), (None, false), "another caller");
        assert_eq!(standing.keep(&[]), 0);
        assert_eq!(standing.look(now), (Some(0), false));
        assert_eq!(standing.look(now + 2 * FRESH), (Some(0), true));
        assert_eq!(standing.look(now + 2 * FRESH), (Some(0), false));
    }
}

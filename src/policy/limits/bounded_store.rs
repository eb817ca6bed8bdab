//! Where governor keeps its numbers: one for each subject that used its quota lately, and never
//! more than [`MOST`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// The most subjects that one limit remembers: 5 MB.
pub const MOST: usize = 200_000;

/// What governor is asked: whether `subject` may have one more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The hash of who or what is limited: names and addresses themselves are not kept.
    pub subject: u64,
    /// Whether it has it then, or the question was only a look.
    pub counts: bool,
}

/// For each subject the time at which its quota will be whole again, since the start of the
/// limiter.
///
/// Once there are [`MOST`], the half that used the least is forgotten: they start anew, which gives
/// little to each of them, and takes nothing from anybody. Who is near a limit is remembered.
#[derive(Debug, Default)]
pub struct BoundedStore(Mutex<HashMap<u64, Nanos>>);

impl BoundedStore {
    /// The numbers. They are whole even if a thread panicked while it had them.
    fn numbers(&self) -> MutexGuard<'_, HashMap<u64, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for BoundedStore {
    type Key = Request;

    fn measure_and_replace<T, F, E>(&self, question: &Request, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut numbers = self.numbers();
        let (outcome, whole_again) = decide(numbers.get(&question.subject).copied())?;
        if question.counts {
            if numbers.len() >= MOST && !numbers.contains_key(&question.subject) {
                forget_half(&mut numbers);
            }
            numbers.insert(question.subject, whole_again);
        }
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<Request> for BoundedStore {
    fn retain_recent(&self, whole_before: Nanos) {
        self.numbers()
            .retain(|_, whole_again| *whole_again > whole_before);
    }

    fn shrink_to_fit(&self) {
        self.numbers().shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.numbers().len()
    }

    fn is_empty(&self) -> bool {
        self.numbers().is_empty()
    }
}

/// Forgets the half whose quotas are whole first.
fn forget_half(numbers: &mut HashMap<u64, Nanos>) {
    let mut times: Vec<_> = numbers.values().copied().collect();
    let middle = times.len() / 2;
    let (_, &mut median, _) = times.select_nth_unstable(middle);
    numbers.retain(|_, whole_again| *whole_again > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger with these subjects, and the times at which their quotas are whole again.
    fn ledger(numbers: &[(u64, u64)]) -> BoundedStore {
        BoundedStore(Mutex::new(
            numbers
                .iter()
                .map(|&(subject, at)| (subject, Nanos::new(at)))
                .collect(),
        ))
    }

    /// The subjects that it remembers.
    fn subjects(ledger: &BoundedStore) -> Vec<u64> {
        let mut subjects: Vec<_> = ledger.numbers().keys().copied().collect();
        subjects.sort_unstable();
        subjects
    }

    #[test]
    fn a_sweep_forgets_whose_quota_is_whole_at_the_time_and_gives_the_memory_back() {
        let many: Vec<_> = (0..1_000).map(|subject| (subject, subject)).collect();
        let ledger = ledger(&many);
        ledger.retain_recent(Nanos::new(997));
        assert_eq!(
            (subjects(&ledger), ledger.is_empty()),
            (vec![998, 999], false)
        );
        assert!(ledger.numbers().capacity() >= 1_000);
        ledger.shrink_to_fit();
        assert!(ledger.numbers().capacity() < 10);
        ledger.retain_recent(Nanos::new(999));
        assert_eq!((subjects(&ledger), ledger.is_empty()), (vec![], true));
    }

    #[test]
    fn a_full_ledger_forgets_those_whose_quotas_are_whole_first_even_where_all_are_alike() {
        let forgets = |numbers: &[(u64, u64)]| {
            let ledger = ledger(numbers);
            forget_half(&mut ledger.numbers());
            subjects(&ledger)
        };
        assert_eq!(
            forgets(&[(1, 50), (2, 10), (3, 40), (4, 20), (5, 30)]),
            [1, 3]
        );
        assert_eq!(forgets(&[(1, 10), (2, 10), (3, 10), (4, 20)]), [4]);
        assert_eq!(forgets(&[(1, 10), (2, 10), (3, 10), (4, 10)]), [0; 0]);
    }
}

//! What a limit remembers: one number for each subject that used its quota lately, and never more
//! than [`MOST`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most subjects that one limit remembers: 5 MB.
pub(crate) const MOST: usize = 200_000;

/// For the hash of each subject the time at which its quota will be whole again, in nanoseconds
/// since the start of the limit. Names and addresses themselves are not kept.
///
/// Once there are [`MOST`], the half that used the least is forgotten: they start anew, which gives
/// little to each of them, and takes nothing from anybody. Who is near a limit is remembered.
#[derive(Debug, Default)]
pub(crate) struct BoundedStore(Mutex<HashMap<u64, u64>>);

impl BoundedStore {
    /// The number of `subject`.
    pub(crate) fn find(&self, subject: u64) -> Option<u64> {
        self.numbers().get(&subject).copied()
    }

    /// Replaces the number of `subject` by what `next` makes of it, and returns that.
    ///
    /// # Errors
    /// Whatever `next` returns; then nothing was replaced.
    pub(crate) fn update<E>(
        &self,
        subject: u64,
        next: impl FnOnce(Option<u64>) -> Result<u64, E>,
    ) -> Result<u64, E> {
        let mut numbers = self.numbers();
        let present = numbers.get(&subject).copied();
        let whole_again = next(present)?;
        if numbers.len() >= MOST && present.is_none() {
            forget_half(&mut numbers);
        }
        numbers.insert(subject, whole_again);
        Ok(whole_again)
    }

    /// Forgets the subjects whose quotas are whole at `now`, and gives their memory back.
    pub(crate) fn sweep(&self, now: u64) {
        let mut numbers = self.numbers();
        numbers.retain(|_, whole_again| *whole_again > now);
        numbers.shrink_to_fit();
    }

    /// How many subjects are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.numbers().len()
    }

    /// The numbers. They are whole even if a thread panicked while it had them.
    fn numbers(&self) -> MutexGuard<'_, HashMap<u64, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A duration in nanoseconds, which are enough for centuries.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}

/// Forgets the half whose quotas are whole first.
fn forget_half(numbers: &mut HashMap<u64, u64>) {
    let mut times: Vec<_> = numbers.values().copied().collect();
    let middle = times.len() / 2;
    let (_, &mut median, _) = times.select_nth_unstable(middle);
    numbers.retain(|_, whole_again| *whole_again > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store with these subjects, and the times at which their quotas are whole again.
    fn store(numbers: &[(u64, u64)]) -> BoundedStore {
        BoundedStore(Mutex::new(numbers.iter().copied().collect()))
    }

    /// The subjects that it remembers.
    fn subjects(store: &BoundedStore) -> Vec<u64> {
        let mut subjects: Vec<_> = store.numbers().keys().copied().collect();
        subjects.sort_unstable();
        subjects
    }

    #[test]
    fn a_sweep_forgets_whose_quota_is_whole_at_the_time_and_gives_the_memory_back() {
        let many: Vec<_> = (0..1_000).map(|subject| (subject, subject)).collect();
        let store = store(&many);
        assert!(store.numbers().capacity() >= 1_000);
        store.sweep(997);
        assert_eq!((subjects(&store), store.len()), (vec![998, 999], 2));
        assert!(store.numbers().capacity() < 10);
        store.sweep(999);
        assert_eq!((subjects(&store), store.len()), (vec![], 0));
    }

    #[test]
    fn a_full_store_forgets_those_whose_quotas_are_whole_first_even_where_all_are_alike() {
        let forgets = |numbers: &[(u64, u64)]| {
            let store = store(numbers);
            forget_half(&mut store.numbers());
            subjects(&store)
        };
        assert_eq!(
            forgets(&[(1, 50), (2, 10), (3, 40), (4, 20), (5, 30)]),
            [1, 3]
        );
        assert_eq!(forgets(&[(1, 10), (2, 10), (3, 10), (4, 20)]), [4]);
        assert_eq!(forgets(&[(1, 10), (2, 10), (3, 10), (4, 10)]), [0; 0]);
    }
}

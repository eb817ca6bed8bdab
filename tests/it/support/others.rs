//! Whoever writes beside work that is long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::TestApp;
use super::process::measured;

impl TestApp {
    /// Does `work`, while somebody else invites one person after the other to another organization:
    /// at least `least` of them, none of whom waits for half of the work.
    pub fn while_others_write(&self, least: usize, work: impl FnOnce()) {
        let is_over = AtomicBool::new(false);
        let (took, waits) = std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                let (mut waits, start) = (Vec::new(), Instant::now());
                while !is_over.load(Ordering::Relaxed) && start.elapsed() < Duration::from_secs(60)
                {
                    let begun = Instant::now();
                    self.invite("globex", &format!("q{}@b.co", waits.len()));
                    waits.push(begun.elapsed());
                }
                waits
            });
            let begun = Instant::now();
            work();
            let took = begun.elapsed();
            is_over.store(true, Ordering::Relaxed);
            (took, others.join().expect("the others"))
        });
        let longest = waits.iter().max().copied().unwrap_or_default();
        let others = waits.len();
        measured(format!(
            "the work {took:?}, {others} others, at most {longest:?}"
        ));
        assert!(others >= least, "{others} in {took:?}");
        assert!(longest < took / 2, "{longest:?} of {took:?}");
    }
}

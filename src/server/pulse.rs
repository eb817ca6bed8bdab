//! Whether the server is able to work: each worker thread turns, and the writer answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::db::Db;

/// How often it is looked which threads there are.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A question to all worker threads, again and again.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// How often it was asked.
    asked: watch::Sender<u64>,
    /// Up to which question each application of each worker thread has answered.
    answered: Mutex<Vec<Weak<AtomicU64>>>,
    /// Told of each answer.
    answer: Notify,
}

impl Pulse {
    /// Answers on a worker thread, for as long as it is polled.
    pub(crate) async fn answer(&self) {
        let own = Arc::new(AtomicU64::new(0));
        self.lock().push(Arc::downgrade(&own));
        let mut asked = self.asked.subscribe();
        // What was asked before this thread came is for others.
        own.store(*asked.borrow_and_update(), Ordering::Release);
        self.answer.notify_one();
        while asked.changed().await.is_ok() {
            own.store(*asked.borrow_and_update(), Ordering::Release);
            self.answer.notify_one();
        }
    }

    /// Asks, and waits until all have answered.
    async fn ask(&self) {
        let mut question = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            question = *asked;
        });
        while !self.is_answered(question) {
            // A thread that ends meanwhile answers nothing, and is asked no more.
            let _ = timeout(LOOK_EVERY, self.answer.notified()).await;
        }
    }

    /// Whether there are worker threads, and all have answered a question. Those that have ended
    /// are forgotten.
    fn is_answered(&self, question: u64) -> bool {
        let mut threads = self.lock();
        threads.retain(|thread| thread.strong_count() > 0);
        let has_answered = |thread: &Weak<AtomicU64>| {
            thread
                .upgrade()
                .is_none_or(|answered| answered.load(Ordering::Acquire) >= question)
        };
        !threads.is_empty() && threads.iter().all(has_answered)
    }

    /// The threads. Nothing that holds them can leave them half changed.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<AtomicU64>>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the server has shown that it is able to work. That the writer refuses is an answer,
/// too: to start again would not mend the disk.
pub(crate) async fn feel(pulse: &Pulse, db: &Db) {
    pulse.ask().await;
    let _ = db.write(|_| Ok(())).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether all answer within a moment.
    async fn beats(pulse: &Pulse) -> bool {
        timeout(Duration::from_millis(300), pulse.ask())
            .await
            .is_ok()
    }

    #[actix_web::test]
    async fn a_thread_that_does_not_turn_is_noticed_and_one_that_has_ended_is_forgotten() {
        let pulse = Arc::new(Pulse::default());
        assert!(!beats(&pulse).await, "there is none yet");
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let pulse = Arc::clone(&pulse);
                actix_web::rt::spawn(async move { pulse.answer().await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(beats(&pulse).await && beats(&pulse).await);
        let hung = Arc::new(AtomicU64::new(0));
        pulse.lock().push(Arc::downgrade(&hung));
        assert!(!beats(&pulse).await, "one hangs");
        drop(hung);
        threads[0].abort();
        tokio::task::yield_now().await;
        assert!(beats(&pulse).await, "the other one goes on");
    }
}

//! What a server does besides answering requests.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::web;
use tokio::sync::oneshot;

use crate::base::addresses::Addresses;
use crate::db::Db;
use crate::http::context::Context;
use crate::http::refusal_log;
use crate::outbox::worker::{Channel, Worker};
use crate::policy::limits::Limits;

/// How often the limits forget who has not used them lately.
const SWEEP_LIMITS_EVERY: Duration = Duration::from_secs(60);

/// Tasks that go on for as long as the server runs, and may be cut off at any point.
#[derive(Default)]
pub(crate) struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    /// Starts a task.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        self.0.push(actix_web::rt::spawn(task));
    }

    /// Stops all of them.
    pub(crate) fn stop(self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Has `limits` forget who has not used them lately, for as long as it is polled.
pub(crate) async fn sweep_limits(limits: Arc<Limits>, addresses: Addresses) {
    loop {
        tokio::time::sleep(SWEEP_LIMITS_EVERY).await;
        limits.sweep();
        refusal_log::log_left_out(&limits.refusals, addresses);
    }
}

/// Writes when keys were last used, `every` so often, for as long as it is polled.
pub(crate) async fn record_last_uses(context: web::Data<Context>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        context.last_uses.write(&context.db).await;
    }
}

/// A worker of the outbox that runs.
pub(crate) struct Working {
    /// Dropped to stop it.
    stop: oneshot::Sender<()>,
    /// Ends when it has stopped.
    ended: JoinHandle<()>,
}

impl Working {
    /// Starts to work off `channel`.
    pub(crate) fn start<C: Channel>(db: &Db, channel: C) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = Worker::new(db.clone(), Arc::new(channel));
        Self {
            stop,
            ended: actix_web::rt::spawn(worker.run(async { drop(stopped.await) })),
        }
    }

    /// Stops it, if there is one, and waits for what is under way.
    pub(crate) async fn stop(working: Option<Self>) {
        if let Some(Self { stop, ended }) = working {
            drop(stop);
            // It fails only if the worker panicked, which was logged.
            let _ = ended.await;
        }
    }
}

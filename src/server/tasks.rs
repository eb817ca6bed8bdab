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
use crate::invitation::lapse;
use crate::mail::sender::Mail;
use crate::metrics::Metrics;
use crate::outbox::tries::Tries;
use crate::outbox::worker::{Channel, Worker};
use crate::policy::limits::Limits;
use crate::retention::{self, Retention};
use crate::webhook;
use crate::webhook::sender::Webhooks;

/// How often the limits forget who has not used them lately.
const SWEEP_LIMITS_EVERY: Duration = Duration::from_secs(60);

/// When what is to be done.
pub(crate) struct Pace {
    /// How often it is written when keys were last used.
    pub last_use_every: Duration,
    /// How often the server looks for invitations whose time has passed.
    pub lapse_every: Duration,
    /// For how long closed invitations are kept; none: for ever.
    pub retention: Option<Retention>,
}

/// Tasks that go on for as long as the server runs, and may be cut off at any point.
#[derive(Default)]
pub(crate) struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    /// Starts a task.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        self.0.push(actix_web::rt::spawn(task));
    }

    /// Starts those that every server has.
    pub(crate) fn start(&mut self, context: &web::Data<Context>, pace: &Pace) {
        let db = &context.db;
        let limits = Arc::clone(&context.limits);
        self.spawn(sweep_limits(limits, context.addresses));
        self.spawn(record_last_uses(context.clone(), pace.last_use_every));
        self.spawn(lapse::run(db.clone(), pace.lapse_every));
        self.spawn(webhook::sender::keep_swept(db.clone()));
        self.spawn(retention::run(db.clone(), pace.retention));
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

/// The workers of both queues of the outbox.
pub(crate) struct Outbox {
    /// That of mail; none: mail is off.
    mailing: Option<Working>,
    /// That of webhooks.
    telling: Working,
}

impl Outbox {
    /// Starts them; `metrics` counts what they try.
    pub(crate) fn start(
        db: &Db,
        mail: Option<Mail>,
        webhooks: Webhooks,
        metrics: &Metrics,
    ) -> Self {
        Self {
            mailing: mail.map(|mail| Working::start(db, mail, &metrics.mail_tries)),
            telling: Working::start(db, webhooks, &metrics.webhook_tries),
        }
    }

    /// Stops both, and waits for what is under way.
    pub(crate) async fn stop(self) {
        let mailing = async {
            if let Some(working) = self.mailing {
                working.stop().await;
            }
        };
        futures_util::join!(mailing, self.telling.stop());
    }
}

/// A worker of the outbox that runs.
struct Working {
    /// Dropped to stop it.
    stop: oneshot::Sender<()>,
    /// Ends when it has stopped.
    ended: JoinHandle<()>,
}

impl Working {
    /// Starts to work off `channel`, and counts what it tries.
    fn start<C: Channel>(db: &Db, channel: C, tries: &Arc<Tries>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = Worker::new(db.clone(), Arc::new(channel), Arc::clone(tries));
        Self {
            stop,
            ended: actix_web::rt::spawn(worker.run(async { drop(stopped.await) })),
        }
    }

    /// Stops it, and waits for what is under way.
    async fn stop(self) {
        drop(self.stop);
        // It fails only if the worker panicked, which was logged.
        let _ = self.ended.await;
    }
}

//! What systemd is told of the server (`sd_notify(3)`). Without systemd, nobody is.

use std::pin::pin;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::time::{sleep, timeout};

use super::pulse::{self, Pulse};
use crate::db::Db;

/// What is told while the server serves.
const SERVING: &str = "serving";

/// Tells systemd that the server serves, as soon as it is able to work. Then keeps its watchdog
/// quiet for as long as that lasts. What would do so from a thread of its own would go on when the
/// server hangs.
pub(crate) async fn keep_told(pulse: Arc<Pulse>, db: Db) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    pulse::feel(&pulse, &db).await;
    ready();
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return;
    };
    loop {
        sleep(limit / 2).await;
        let mut feeling = pin!(pulse::feel(&pulse, &db));
        if timeout(limit / 4, &mut feeling).await.is_err() {
            log::error!("the server does not answer itself: systemd may start it again");
            // A disk that is slow for a while is no reason to.
            feeling.await;
        }
        tell(&[NotifyState::Watchdog]);
    }
}

/// The server serves.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status(SERVING)]);
}

/// The server reads its files again; [`ready`] follows.
pub(crate) fn reloading() {
    let status = NotifyState::Status("reading its files again");
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now, status]),
        Err(error) => log::warn!("the clock cannot be read ({error})"),
    }
}

/// The server stops.
pub(crate) fn stopping() {
    let status = NotifyState::Status("answering the last requests");
    tell(&[NotifyState::Stopping, status]);
}

/// Tells systemd, if it listens.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        log::warn!("systemd cannot be told ({error})");
    }
}

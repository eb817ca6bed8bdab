//! The last requests of a server.
//!
//! The framework stops by closing every connection whose request it has not begun to read. What
//! lies in a socket then goes unanswered, and its client cannot tell what became of it. So before
//! that, all who are connected are served for a moment, with answers that close their connections.

use std::net::{Shutdown, TcpListener};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use socket2::SockRef;

use crate::http::stopping::Stopping;

/// How long new connections are still accepted.
const ACCEPTING: Duration = Duration::from_millis(80);
/// How long no request has come when all are taken for read.
const QUIET: Duration = Duration::from_millis(60);
/// How long that is waited for at most: who goes on to send is not waited for without an end.
const MOST: Duration = Duration::from_secs(1);
/// How long the thread that accepts takes to stop doing so.
const SETTLING: Duration = Duration::from_millis(2);
/// How often it is looked whether requests come.
const LOOK: Duration = Duration::from_millis(10);

/// Serves what is there already. Afterwards nobody can connect any more; `port` is the server's
/// port once more.
pub(crate) async fn finish(handle: &ServerHandle, port: Option<TcpListener>, stopping: &Stopping) {
    let began = Instant::now();
    let (mut known, mut changed_at, mut port) = (stopping.requests(), began, port);
    while began.elapsed() < MOST && (port.is_some() || changed_at.elapsed() < QUIET) {
        tokio::time::sleep(LOOK).await;
        if stopping.requests() != known {
            (known, changed_at) = (stopping.requests(), Instant::now());
        }
        if began.elapsed() >= ACCEPTING
            && let Some(port) = port.take()
        {
            close(handle, &port).await;
        }
    }
}

/// Refuses new connections. The framework keeps its listener until it stops, so the system is
/// asked.
async fn close(handle: &ServerHandle, port: &TcpListener) {
    handle.pause().await;
    tokio::time::sleep(SETTLING).await;
    // Where the system does not do this, new connections wait until the listener goes, a moment
    // later.
    let _ = SockRef::from(port).shutdown(Shutdown::Read);
}

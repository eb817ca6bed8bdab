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
/// How many beats of every worker thread without a request mean that all are read.
const QUIET: u64 = 6;
/// How long that is waited for at most: who goes on to send is not waited for without an end.
const MOST: Duration = Duration::from_secs(1);
/// How long the thread that accepts takes to stop doing so.
const SETTLING: Duration = Duration::from_millis(2);
/// How often it is looked whether requests come.
const LOOK: Duration = Duration::from_millis(10);

/// Serves what is there already. Afterwards nobody can connect any more; `port` is the server's
/// port once more.
pub(crate) async fn finish(handle: &ServerHandle, port: Option<TcpListener>, stopping: &Stopping) {
    let (began, mut port) = (Instant::now(), port);
    let (mut known, mut beats) = (stopping.requests(), stopping.beats());
    let is_quiet = |beats: &[u64]| {
        let now = stopping.beats();
        now.iter().zip(beats).all(|(now, then)| now - then >= QUIET)
    };
    while began.elapsed() < MOST && (port.is_some() || !is_quiet(&beats)) {
        tokio::time::sleep(LOOK).await;
        if stopping.requests() != known {
            (known, beats) = (stopping.requests(), stopping.beats());
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

//! The last requests of a server.
//!
//! The framework stops by closing every connection whose request it has not begun to read. What
//! lies in a socket then goes unanswered, and its client cannot tell what became of it. So before
//! that, all who are connected are served for a moment, with answers that close their connections.

use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;

use super::bind::Closer;
use crate::http::stopping::Stopping;

/// How long new connections are accepted at least. Whoever waits then is accepted, too: the machine
/// may have kept the thread that accepts from running.
const ACCEPTING: Duration = Duration::from_millis(80);
/// How many beats of every worker thread without a request mean that all are read.
const QUIET: u64 = 6;
/// How long that is waited for at most. Each answer closes its connection, so only a machine that
/// hardly runs the server, or many peers who take turns, come near to it.
const MOST: Duration = Duration::from_secs(5);
/// How long the thread that accepts takes to stop doing so.
const SETTLING: Duration = Duration::from_millis(2);
/// How often it is looked whether requests come.
const LOOK: Duration = Duration::from_millis(10);

/// Serves what is there already. Afterwards nobody can connect any more; `closers` end the sockets
/// that the server listens on.
pub(crate) async fn finish(handle: &ServerHandle, closers: Vec<Closer>, stopping: &Stopping) {
    let (began, mut closers) = (Instant::now(), closers);
    let (mut known, mut beats) = (stopping.requests(), stopping.beats());
    let is_quiet = |beats: &[u64]| {
        let now = stopping.beats();
        now.iter().zip(beats).all(|(now, then)| now - then >= QUIET)
    };
    while began.elapsed() < MOST && (!closers.is_empty() || !is_quiet(&beats)) {
        tokio::time::sleep(LOOK).await;
        let has_waiting = closers.iter().any(Closer::has_waiting);
        if has_waiting || stopping.requests() != known {
            (known, beats) = (stopping.requests(), stopping.beats());
        }
        if began.elapsed() >= ACCEPTING && !has_waiting && !closers.is_empty() {
            close(handle, std::mem::take(&mut closers)).await;
        }
    }
    if !closers.is_empty() {
        close(handle, closers).await;
    }
}

/// Refuses new connections.
async fn close(handle: &ServerHandle, closers: Vec<Closer>) {
    handle.pause().await;
    tokio::time::sleep(SETTLING).await;
    closers.into_iter().for_each(Closer::close);
}

//! The sockets that systemd hands over (`sd_listen_fds(3)`).

use std::io;

use listenfd::ListenFd;
use socket2::SockRef;

use super::{Listener, tcp, unix};
use crate::base::failure::Failure;

/// What a person can do about sockets that do not fit.
const HINT: &str = "see ListenStream= and FileDescriptorName= of the unit's sockets";

/// The sockets that were handed over and not taken yet.
#[derive(Default)]
pub(super) struct Passed(Vec<(String, Listener)>);

impl Passed {
    /// Takes those that are for this process. Whatever this process starts gets none: the crate
    /// takes the variables away, and the descriptors are closed there.
    ///
    /// # Errors
    /// When one is no listening socket of TCP or of a path.
    pub(super) fn take() -> Result<Self, Failure> {
        // The crate takes them without this, too, which systemd does not.
        if std::env::var_os("LISTEN_PID").is_none() {
            return Ok(Self::default());
        }
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':').map(str::to_owned);
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for n in 0..passed.len() {
            let name = names.next().filter(|name| !name.is_empty());
            let name = name.unwrap_or_else(|| "unknown".to_owned());
            let listener = adopt(&mut passed, n).map_err(|error| {
                let what = format!("cannot listen on socket {name} of systemd ({error})");
                Failure::runtime(what, HINT)
            })?;
            sockets.push((name, listener));
        }
        Ok(Self(sockets))
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes those with a name, or all.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn take_all(&mut self, name: Option<&str>) -> Result<Vec<Listener>, Failure> {
        let is_meant = |(own, _): &(String, Listener)| name.is_none_or(|name| name == own);
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(is_meant);
        self.0 = left;
        let taken: Vec<(String, Listener)> = taken;
        if taken.is_empty() {
            let what = name.map_or_else(String::new, |name| format!(" {name}"));
            let what = format!(
                "cannot listen on systemd:{}: no such socket was handed over",
                what.trim()
            );
            return Err(Failure::runtime(what, HINT));
        }
        Ok(taken.into_iter().map(|(_, listener)| listener).collect())
    }

    /// Checks that none is left: who connects to it would wait for ever.
    ///
    /// # Errors
    /// When one is.
    pub(super) fn check_all_taken(&self) -> Result<(), Failure> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Failure::usage(
                format!("systemd hands over the socket {name}, and --listen does not name it"),
                "add systemd: to --listen, or leave --listen out",
            )),
        }
    }
}

/// The listener at a place among those that were handed over.
fn adopt(passed: &mut ListenFd, n: usize) -> io::Result<Listener> {
    if let Ok(Some(socket)) = passed.take_unix_listener(n) {
        check_listens(&SockRef::from(&socket))?;
        return unix::adopt(socket, None);
    }
    let socket = passed.take_tcp_listener(n)?;
    let missing = || io::Error::other("it is not there");
    let socket = socket.ok_or_else(missing)?;
    check_listens(&SockRef::from(&socket))?;
    tcp::adopt(socket, true)
}

/// Refuses a connection, as a unit with `Accept=yes` hands over.
fn check_listens(socket: &SockRef<'_>) -> io::Result<()> {
    if socket.is_listener()? {
        return Ok(());
    }
    Err(io::Error::other(
        "it does not listen: Accept=yes is not for this server",
    ))
}

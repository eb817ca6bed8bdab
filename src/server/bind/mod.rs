//! The sockets that a server listens on.
//!
//! * [`tcp`] binds addresses, [`unix`] binds paths, [`passed`] takes what systemd hands over.

mod passed;
mod tcp;
mod unix;

use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

use crate::base::failure::Failure;
use crate::config::listen::{self, Listen};
use crate::config::places;

use passed::Passed;
use unix::SocketFile;

/// Connections that may wait to be accepted. The standard library's listener takes 128, and the
/// framework does not change the listener that it is given.
const BACKLOG: i32 = 1024;

/// A socket that the server listens on.
pub(crate) struct Listener {
    /// The socket.
    pub socket: Socket,
    /// Where it is.
    pub address: Address,
    /// What every path means that is asked for here: what this server has behind this path.
    pub prefix: Option<&'static str>,
    /// The file of a unix socket that this server has made.
    file: Option<SocketFile>,
    /// Whether it is systemd's: it goes on after the server.
    is_passed: bool,
}

/// A listening socket of one of two kinds.
pub(crate) enum Socket {
    /// Of TCP.
    Tcp(TcpListener),
    /// Of a path.
    Unix(UnixListener),
}

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address with its port.
    Tcp(SocketAddr),
    /// A path.
    Unix(PathBuf),
}

impl Address {
    /// The address, if it is one of TCP.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// Whether only this machine can connect.
    fn is_local(&self) -> bool {
        self.tcp()
            .is_none_or(|address| address.ip().to_canonical().is_loopback())
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Listener {
    /// The same, with what this server has behind `prefix`, and nothing else.
    pub(crate) fn behind(self, prefix: &'static str) -> Self {
        Self {
            prefix: Some(prefix),
            ..self
        }
    }

    /// A second handle by which the socket can be closed; none: the system has no descriptor left.
    pub(crate) fn closer(&mut self) -> Closer {
        let socket = match &self.socket {
            Socket::Tcp(socket) => socket.try_clone().map(Socket::Tcp),
            Socket::Unix(socket) => socket.try_clone().map(Socket::Unix),
        };
        Closer {
            socket: socket.ok().filter(|_| !self.is_passed),
            file: self.file.take(),
        }
    }
}

/// What ends a listening socket. Dropped, it removes the file of a unix socket.
pub(crate) struct Closer {
    /// The socket; none: it is left as it is.
    socket: Option<Socket>,
    /// Its file.
    file: Option<SocketFile>,
}

impl Closer {
    /// Whether somebody has connected whom the server has not accepted yet.
    pub(crate) fn has_waiting(&self) -> bool {
        let waits = |socket: BorrowedFd<'_>| {
            let mut socket = [PollFd::from_borrowed_fd(socket, PollFlags::IN)];
            poll(&mut socket, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
        };
        match &self.socket {
            Some(Socket::Tcp(socket)) => waits(socket.as_fd()),
            Some(Socket::Unix(socket)) => waits(socket.as_fd()),
            None => false,
        }
    }

    /// Refuses new connections. The framework keeps its sockets until it stops, so the system is
    /// asked. A socket of systemd goes on: who connects is served by the next server.
    pub(crate) fn close(self) {
        drop(self.file);
        // Where the system does not do this, new connections wait until the socket goes, a moment
        // later.
        let _ = match &self.socket {
            Some(Socket::Tcp(socket)) => SockRef::from(socket).shutdown(Shutdown::Read),
            Some(Socket::Unix(socket)) => SockRef::from(socket).shutdown(Shutdown::Read),
            None => Ok(()),
        };
    }
}

/// Listens on one place that has a port, for what `flag` is for.
///
/// # Errors
/// When it cannot be had.
pub(crate) fn bind_port(place: &Listen, flag: &str) -> Result<Vec<Listener>, Failure> {
    tcp::bind(place).map_err(|failure| {
        let hint = failure.hint().replace("--listen", flag);
        Failure::runtime(failure.what(), hint)
    })
}

/// Listens on all `places`. Without any: on the sockets that systemd hands over, or else on the
/// default one. `is_for_this_machine`: nobody else may connect.
///
/// # Errors
/// When one cannot be had, systemd hands over one that no place names, or others could connect who
/// may not.
pub(crate) fn bind(places: &[Listen], is_for_this_machine: bool) -> Result<Vec<Listener>, Failure> {
    let mut passed = Passed::take()?;
    let listeners = if !places.is_empty() {
        bind_places(places, &mut passed)?
    } else if passed.is_empty() {
        tcp::bind(&listen::DEFAULT)?
    } else {
        passed.take_all(None)?
    };
    passed.check_all_taken()?;
    let open = listeners.iter().find(|one| !one.address.is_local());
    match open.filter(|_| is_for_this_machine) {
        Some(open) => Err(places::not_for_dev(&open.address.to_string())),
        None => Ok(listeners),
    }
}

/// Listens on each of `places`.
fn bind_places(places: &[Listen], passed: &mut Passed) -> Result<Vec<Listener>, Failure> {
    let mut listeners = Vec::new();
    for place in places {
        match place {
            Listen::Unix { path, mode } => listeners.push(unix::bind(path, *mode)?),
            Listen::Systemd(name) => listeners.extend(passed.take_all(name.as_deref())?),
            Listen::Address(_) | Listen::Name(..) | Listen::All(_) => {
                listeners.extend(tcp::bind(place)?);
            }
        }
    }
    Ok(listeners)
}

/// The place cannot be listened on.
fn refused(place: &impl Display, error: &io::Error, hint: impl Into<String>) -> Failure {
    Failure::runtime(format!("cannot listen on {place} ({error})"), hint.into())
}

//! Addresses and ports.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{Address, BACKLOG, Listener, refused};
use crate::base::failure::Failure;
use crate::config::listen::{LOOPBACK, Listen, is_localhost};
#[cfg(target_os = "linux")]
use crate::http::connection::WRITE_TIMEOUT;

/// Bytes of an answer that wait in the system for a peer to make room, about. More would cost
/// memory for peers that do not read, and would hide from us for how long they have not. What is
/// under way to a peer that reads does not count, so distance makes nobody slow.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 32 * 1024;

/// How often a free port is looked for that all addresses of a name have.
const TRIES: usize = 16;

/// Listens on all addresses of `place`, with one port.
///
/// # Errors
/// When one of them cannot be had. Of the loopback addresses one is enough: a machine may be
/// without IPv6.
pub(super) fn bind(place: &Listen) -> Result<Vec<Listener>, Failure> {
    match place {
        Listen::All(port) => bind_all(*port).map(|one| vec![one]),
        Listen::Name(name, port) if is_localhost(name) => {
            bind_each(&LOOPBACK.map(|ip| SocketAddr::new(ip, *port)), true)
        }
        Listen::Name(name, port) => bind_each(&resolve(name, *port)?, false),
        Listen::Address(address) => bind_each(&[*address], false),
        Listen::Unix { .. } | Listen::Systemd(_) => Ok(Vec::new()),
    }
    .map_err(|(address, error)| refused(&address, &error, hint(&error, address)))
}

/// An address that cannot be had, and why.
type Refused = (SocketAddr, io::Error);

/// The addresses of a name.
fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
    let failed = |error: io::Error| {
        let place = format!("{name}:{port}");
        refused(
            &place,
            &error,
            "give an address with --listen, as 127.0.0.1:8080",
        )
    };
    let mut addresses: Vec<_> = (name, port).to_socket_addrs().map_err(failed)?.collect();
    addresses.dedup();
    Ok(addresses)
}

/// Listens on all addresses of this machine, by one socket where it has IPv6.
fn bind_all(port: u16) -> Result<Listener, Refused> {
    let [v6, v4] = [
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    ]
    .map(|ip| SocketAddr::new(ip, port));
    match listen(v6, true) {
        Err(error) if is_missing(&error) => listen(v4, false).map_err(|error| (v4, error)),
        outcome => outcome.map_err(|error| (v6, error)),
    }
}

/// Listens on each of `addresses`. Where a free port is asked for, all get the same one.
fn bind_each(addresses: &[SocketAddr], may_lack: bool) -> Result<Vec<Listener>, Refused> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        match bind_once(addresses, may_lack) {
            Err((address, error))
                if tries > 0
                    && addresses.len() > 1
                    && addresses[0].port() == 0
                    && is_taken(&error) =>
            {
                log::debug!("{address} is taken; another port is tried");
            }
            outcome => return outcome,
        }
    }
}

/// Listens on each of `addresses`, with the port that the first one gets.
fn bind_once(addresses: &[SocketAddr], may_lack: bool) -> Result<Vec<Listener>, Refused> {
    let mut listeners: Vec<Listener> = Vec::new();
    for (n, address) in addresses.iter().enumerate() {
        let mut address = *address;
        if let Some(first) = listeners.first().and_then(|first| first.address.tcp()) {
            address.set_port(first.port());
        }
        let is_last_hope = listeners.is_empty() && n + 1 == addresses.len();
        match listen(address, false) {
            Ok(listener) => listeners.push(listener),
            Err(error) if may_lack && is_missing(&error) && !is_last_hope => {}
            Err(error) => return Err((address, error)),
        }
    }
    Ok(listeners)
}

/// Whether this machine has no such address.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

/// Whether another program has the port.
fn is_taken(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrInUse
}

/// Listens as the standard library does, with a longer queue. `is_dual`: on IPv4, too.
fn listen(address: SocketAddr, is_dual: bool) -> io::Result<Listener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A server that starts again needs no port that old connections still occupy.
    socket.set_reuse_address(true)?;
    if is_dual {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    adopt(socket.into(), false)
}

/// The listener of a socket that listens already. Connections inherit its options.
pub(super) fn adopt(socket: TcpListener, is_passed: bool) -> io::Result<Listener> {
    socket.set_nonblocking(true)?;
    bound_unsent(&SockRef::from(&socket))?;
    Ok(Listener {
        address: Address::Tcp(socket.local_addr()?),
        socket: super::Socket::Tcp(socket),
        prefix: None,
        file: None,
        is_passed,
    })
}

/// Lets no peer leave data untaken for long: the system ends the connection then, however little
/// the data are.
#[cfg(target_os = "linux")]
fn bound_unsent(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(WRITE_TIMEOUT))?;
    socket.set_tcp_notsent_lowat(UNSENT)
}

/// Elsewhere only the server itself looks how long answers are not taken.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "on Linux it can fail")]
fn bound_unsent(_: &Socket) -> io::Result<()> {
    Ok(())
}

/// What to do about the cause.
fn hint(error: &io::Error, address: SocketAddr) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            "stop the program that uses the port, or give another one with --listen; port 0 is \
             any that is free"
                .to_owned()
        }
        ErrorKind::PermissionDenied => format!(
            "port {} needs more rights than this user has: give a port above 1023 with --listen, \
             and put a proxy in front",
            address.port()
        ),
        ErrorKind::AddrNotAvailable => format!(
            "{} is no address of this machine: give one that is with --listen, as 127.0.0.1, \
             or 0.0.0.0 for all of them",
            address.ip()
        ),
        _ => "give another address with --listen, as 127.0.0.1:8080".to_owned(),
    }
}

//! The port that a server listens on.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::base::failure::Failure;
#[cfg(target_os = "linux")]
use crate::http::connection::WRITE_TIMEOUT;

/// Connections that may wait to be accepted. The standard library's listener takes 128, and the
/// framework does not change the listener that it is given.
const BACKLOG: i32 = 1024;

/// Bytes of an answer that wait in the system for a peer to make room, about. More would cost
/// memory for peers that do not read, and would hide from us for how long they have not. What is
/// under way to a peer that reads does not count, so distance makes nobody slow.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 32 * 1024;

/// Binds the address. Returns the listener, and the address with the port that it got.
pub(crate) fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    listen(address).map_err(|error| {
        let what = format!("cannot listen on {address} ({error})");
        Failure::runtime(what, hint(&error, address))
    })
}

/// Listens as the standard library does, with a longer queue. Connections inherit the options.
fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A server that starts again needs no port that old connections still occupy.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    bound_unsent(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok((listener, address))
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
            "stop the program that uses the port, or give another one with --listen".to_owned()
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

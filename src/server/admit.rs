//! Which connections go on to the framework.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use actix_http::Protocol;
use actix_http::error::DispatchError;
use actix_server::GracefulShutdownSignal;
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};

use super::descriptors::{Connection, Connections};
use super::stream::{Socket, Stream};
use super::timed::Timed;
use super::tls::Tls;
use crate::base::addresses::UNIX_PEER;
use crate::http::connection::Deadlines;

/// Bytes of an answer that wait in the system for the peer of a unix socket to make room. It would
/// be 200 KB otherwise.
const UNSENT_OF_UNIX: usize = 64 * 1024;

/// A connection that may go on to the framework, as the framework takes it.
pub(crate) type Admitted = Result<(Timed, Protocol, Option<SocketAddr>), DispatchError>;

/// What decides on connections.
pub(crate) struct Admission {
    /// The places.
    pub connections: Arc<Connections>,
    /// How long peers may take.
    pub deadlines: Deadlines,
    /// What those speak who come by an address; none: they speak without TLS.
    pub tls: Option<Tls>,
    /// Tells when no handshake is to go on.
    pub stopping: GracefulShutdownSignal,
}

impl Admission {
    /// The connection over `stream`, if there is a place for it. One without is closed at once.
    ///
    /// # Errors
    /// When it has no place, or its peer does not take TLS up.
    pub(crate) async fn admit_tcp(&self, stream: TcpStream) -> Admitted {
        // A peer that is gone already has no address: it counts as nobody's.
        let peer = stream.peer_addr().ok();
        let place = self.place(peer)?;
        // Without this the end of an answer in pieces waits for the peer's delayed acknowledgement:
        // 40 ms.
        stream.set_nodelay(true).map_err(DispatchError::Io)?;
        let stream = match &self.tls {
            None => Stream::Plain(Socket::of_tcp(stream)),
            // On the heap: whoever has no TLS should not carry the room for it.
            Some(tls) => Box::pin(self.accept(tls, stream))
                .await
                .map_err(DispatchError::Io)?,
        };
        Ok((
            Timed::new(stream, self.deadlines, place),
            Protocol::Http1,
            peer,
        ))
    }

    /// The connection over `stream`, if there is a place for it. Its peer has no address.
    ///
    /// # Errors
    /// When it has no place.
    pub(crate) fn admit_unix(&self, stream: UnixStream) -> Admitted {
        let place = self.place(None)?;
        SockRef::from(&stream)
            .set_send_buffer_size(UNSENT_OF_UNIX)
            .map_err(DispatchError::Io)?;
        let stream = Stream::Plain(Socket::of_unix(stream));
        Ok((
            Timed::new(stream, self.deadlines, place),
            Protocol::Http1,
            None,
        ))
    }

    /// A place for a connection from `peer`.
    fn place(&self, peer: Option<SocketAddr>) -> Result<Connection, DispatchError> {
        let address = peer.map_or(UNIX_PEER, |peer| peer.ip());
        let refused = || DispatchError::Io(ErrorKind::ConnectionRefused.into());
        self.connections.take(address).ok_or_else(refused)
    }

    /// Takes TLS up, unless the server stops meanwhile.
    async fn accept(&self, tls: &Tls, stream: TcpStream) -> io::Result<Stream> {
        tokio::select! {
            outcome = tls.accept(stream, self.deadlines.head) => outcome,
            () = self.stopping.notified() => Err(ErrorKind::Interrupted.into()),
        }
        .inspect_err(|error| log::debug!("no TLS connection could be made: {error}"))
    }
}

//! The port that a server listens on.

use std::net::{SocketAddr, TcpListener};

use crate::failure::Failure;

/// Binds the address; answers with the port it got.
pub fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| {
        Failure::runtime(
            format!("cannot listen on {address} ({error})"),
            "stop the program that uses the port, or give another one with --listen",
        )
    })
}

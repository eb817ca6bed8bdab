//! A listener on this machine that counts who comes.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// A listener on every address of this machine, which nobody may reach.
pub struct Trap {
    /// Takes connections, without waiting.
    listener: TcpListener,
    /// Its port.
    pub port: u16,
}

impl Trap {
    /// A trap on a free port.
    pub fn set() -> Self {
        // Of IPv6 and IPv4, where there are both.
        let any = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"));
        Self::of(any.expect("a port"))
    }

    /// A trap on 127.0.0.1 only.
    pub fn on_loopback() -> Self {
        Self::of(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    /// A trap that is `listener`.
    fn of(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("it can be set");
        let port = listener.local_addr().expect("an address").port();
        Self { listener, port }
    }

    /// How many came since this was last asked.
    fn catch(&self) -> usize {
        std::iter::from_fn(|| self.listener.accept().ok()).count()
    }

    /// Checks that nobody came, and that somebody who came would have been seen.
    pub fn check_empty(&self, what: &str) {
        assert_eq!(self.catch(), 0, "{what}");
        let _visit =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("the trap listens");
        assert_eq!(self.catch(), 1, "it counts");
    }
}

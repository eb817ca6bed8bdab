//! TLS of the connections that come by addresses.
//!
//! A handshake counts as a connection, and has as long as the head of a request. Whoever speaks
//! HTTP without TLS is told so.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::stream::{Socket, Stream};
use crate::base::certificate::{CertificateFiles, Loaded};
use crate::base::clock::Clock;
use crate::base::failure::Failure;

/// Bytes of an answer that wait inside of TLS for the socket to take them.
const UNSENT: usize = 32 * 1024;
/// The answer to a request without TLS.
const NO_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
    content-length: 30\r\nconnection: close\r\n\r\nThis port speaks HTTPS: https\n";
/// How long whoever gets that may take to close.
const CLOSING: Duration = Duration::from_secs(1);
/// Bytes of a request without TLS that are read, so that its sender gets the answer.
const UNREAD: u64 = 64 * 1024;

/// The certificate in use. Clones are handles to the same one.
#[derive(Clone)]
pub(crate) struct Tls {
    /// Where it comes from.
    files: CertificateFiles,
    /// TLS with it.
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Tls {
    /// Reads the files. Returns what the person who starts the server has to know of them, too.
    ///
    /// # Errors
    /// When they cannot be used.
    pub(crate) fn load(files: CertificateFiles) -> Result<(Self, Vec<String>), Failure> {
        let loaded = files.load().map_err(unusable)?;
        let mut notes = files.open_key().into_iter().collect::<Vec<_>>();
        notes.extend(ending(&loaded));
        let config = Arc::new(RwLock::new(loaded.config));
        Ok((Self { files, config }, notes))
    }

    /// Reads the files again, for the connections from now on. Where they cannot be used, what was
    /// read before stays.
    pub(crate) fn reload(&self) {
        match self.files.load() {
            Ok(loaded) => {
                log::info!(
                    "the certificate was read again; it ends at {}",
                    loaded.ends_at
                );
                let notes = self.files.open_key().into_iter().chain(ending(&loaded));
                notes.for_each(|note| log::warn!("{note}"));
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = loaded.config;
            }
            Err(why) => log::error!("{why}; the certificate from before stays in use"),
        }
    }

    /// Takes TLS up with the peer of `stream`.
    ///
    /// # Errors
    /// When the peer takes longer than `patience`, or does not speak TLS.
    pub(crate) async fn accept(&self, stream: TcpStream, patience: Duration) -> io::Result<Stream> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        timeout(patience, self.shake_hands(stream))
            .await
            .map_err(late)?
    }

    /// [`Tls::accept`] without an end.
    async fn shake_hands(&self, stream: TcpStream) -> io::Result<Stream> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            refuse(stream).await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        let acceptor = TlsAcceptor::from(config);
        let shaking = acceptor.accept_with(Socket::of_tcp(stream), |session| {
            session.set_buffer_limit(Some(UNSENT));
        });
        Ok(Stream::Tls(Box::new(shaking.await?)))
    }
}

/// Says that this is no port for HTTP without TLS.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(NO_TLS).await?;
    stream.shutdown().await?;
    // What is not read makes the system throw the answer away.
    let mut rest = stream.take(UNREAD);
    let mut nowhere = tokio::io::sink();
    let _ = timeout(CLOSING, tokio::io::copy(&mut rest, &mut nowhere)).await;
    Ok(())
}

/// What is told of a certificate that ends soon, or has ended.
fn ending(loaded: &Loaded) -> Option<String> {
    let now = Clock::System.now();
    let ends = if loaded.ends_at <= now {
        "has ended"
    } else {
        "ends"
    };
    loaded.is_ending(now).then(|| {
        format!(
            "the certificate {ends} at {}: put a new one in its place, and send the server SIGHUP",
            loaded.ends_at
        )
    })
}

/// The files cannot be used.
fn unusable(why: String) -> Failure {
    Failure::usage(
        why,
        "give the certificate with --tls-cert, followed by those between it and its authority, and \
         its key with --tls-key, both in PEM",
    )
}

//! TLS in front of servers that speak without.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long one side is listened to before the other one gets its turn.
const TURN: Duration = Duration::from_millis(5);

/// Where TLS can be spoken with the server at `plain`, whose certificate is of the throw-away
/// authority.
pub fn in_front_of(plain: SocketAddr) -> SocketAddr {
    serve(move |stream, config| relay(stream, TcpStream::connect(plain)?, config))
}

/// Where STARTTLS can be said to the mail server at `plain` (RFC 3207): nothing but that and EHLO
/// is taken before it.
pub fn behind_starttls(plain: SocketAddr) -> SocketAddr {
    serve(move |stream, config| {
        let mut lines = BufReader::new(stream.try_clone()?);
        (&stream).write_all(b"220 here\r\n")?;
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let answer: &[u8] = match line.trim_end() {
                "STARTTLS" => break (&stream).write_all(b"220 go on\r\n")?,
                line if line.starts_with("EHLO ") => b"250-here\r\n250 STARTTLS\r\n",
                _ => b"530 5.7.0 Must issue a STARTTLS command first\r\n",
            };
            (&stream).write_all(answer)?;
        }
        // The client was greeted already.
        let server = TcpStream::connect(plain)?;
        BufReader::with_capacity(1, server.try_clone()?).read_line(&mut String::new())?;
        relay(stream, server, config)
    })
}

/// Serves connections with the certificate of the throw-away authority; where it does.
fn serve(
    speak: impl Fn(TcpStream, Arc<ServerConfig>) -> std::io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server_key.txt"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.expect("a certificate")],
            key.expect("a key"),
        )
        .expect("they fit");
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let config = Arc::clone(&config);
            let speak = speak.clone();
            // The client may close whenever it likes.
            std::thread::spawn(move || speak(stream, config));
        }
    });
    address
}

/// Hands on what both sides say, until one of them ends.
fn relay(
    stream: TcpStream,
    mut plain: TcpStream,
    config: Arc<ServerConfig>,
) -> std::io::Result<()> {
    plain.set_read_timeout(Some(TURN))?;
    stream.set_read_timeout(Some(TURN))?;
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    loop {
        if let Some(said) = listen(&mut tls)? {
            plain.write_all(&said)?;
        }
        // Nothing is handed on to a client that does not trust us.
        if tls.conn.is_handshaking() {
            continue;
        }
        match listen(&mut plain) {
            Ok(Some(said)) => tls.write_all(&said)?,
            Ok(None) => (),
            Err(_) => {
                tls.conn.send_close_notify();
                return tls.flush();
            }
        }
    }
}

/// What one side says within its turn, if anything; an error is its end.
fn listen(side: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut said = vec![0; 16 * 1024];
    match side.read(&mut said) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(length) => Ok(Some(said[..length].to_vec())),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

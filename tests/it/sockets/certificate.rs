//! Certificates of tests, and what speaks TLS with a server that shows one.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use time::OffsetDateTime;

use crate::support::process::{Server, after, wrapped};
use crate::support::{Answer, Request};

/// A certificate for this machine, and the files that a server reads it from.
pub struct Certificate {
    /// The folder of the files.
    pub folder: tempfile::TempDir,
    /// The certificate.
    pub der: CertificateDer<'static>,
}

/// The text of a certificate that lasts for `days`, and of its key; the certificate besides.
fn make(days: i64) -> (String, String, CertificateDer<'static>) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = rcgen::CertificateParams::new(names).expect("names");
    let now = OffsetDateTime::now_utc();
    params.not_before = now - time::Duration::days(100);
    params.not_after = now + time::Duration::days(days);
    let certificate = params.self_signed(&key).expect("a certificate");
    (
        certificate.pem(),
        key.serialize_pem(),
        certificate.der().clone(),
    )
}

impl Certificate {
    /// One that lasts for `days`.
    pub fn new(days: i64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut certificate = Self {
            folder,
            der: CertificateDer::from(Vec::new()),
        };
        certificate.renew(days);
        certificate
    }

    /// Puts another one in its place.
    pub fn renew(&mut self, days: i64) {
        let (certificate, key, der) = make(days);
        fs::write(self.certificate(), certificate).expect("a file");
        fs::write(self.key(), key).expect("a file");
        fs::set_permissions(self.key(), fs::Permissions::from_mode(0o600)).expect("its own");
        self.der = der;
    }

    /// The file of the certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// The file of its key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The settings that name both.
    pub fn settings(&self) -> [String; 4] {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        [
            "--tls-cert".to_owned(),
            text(self.certificate()),
            "--tls-key".to_owned(),
            text(self.key()),
        ]
    }

    /// A server on a new file beside it, started by a shell after `before`.
    pub fn serve_after(&self, before: &str, places: &str) -> Server {
        let mut command = after(before);
        command
            .args(["serve", "--listen", places, "--database"])
            .arg(self.folder.path().join("invited.db"))
            .args(self.settings());
        Server::spawn(&mut command)
    }

    /// A server that SIGHUP reaches.
    pub fn serve(&self) -> Server {
        let mut command = wrapped("env", &["--default-signal=HUP"]);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(self.folder.path().join("invited.db"))
            .args(self.settings());
        Server::spawn(&mut command)
    }
}

/// A connection with TLS over `stream` that trusts `certificate`, whatever it is, and offers
/// `protocols`.
pub fn over(
    stream: TcpStream,
    certificate: &CertificateDer<'static>,
    protocols: &[&[u8]],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a timeout can be set");
    StreamOwned::new(connection, stream)
}

/// Connects with TLS.
pub fn connect(
    address: SocketAddr,
    certificate: &CertificateDer<'static>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let stream = TcpStream::connect(address).expect("it accepts");
    over(stream, certificate, &[b"http/1.1"])
}

/// What comes until the server closes.
pub fn rest(stream: &mut impl Read) -> Answer {
    let mut bytes = Vec::new();
    // A server that closes for good reason need not say goodbye first.
    let _ = stream.read_to_end(&mut bytes);
    Answer::parse(&bytes)
}

/// Sends `bytes` with TLS, and reads until the server closes.
pub fn ask(address: SocketAddr, certificate: &CertificateDer<'static>, bytes: &[u8]) -> Answer {
    let mut stream = connect(address, certificate);
    stream.write_all(bytes).expect("it is sent");
    rest(&mut stream)
}

/// A request that closes its connection.
pub fn live(address: SocketAddr) -> Vec<u8> {
    Request::new(address, "GET", "/health/live").bytes()
}

//! The certificate that a server shows, and its key: two files of PEM.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore, ServerConfig};

use super::clock::Timestamp;

/// Seconds before the end of a certificate from which on it is told.
const SOON_SECONDS: i64 = 30 * 24 * 60 * 60;
/// Rights of everybody. A group may read a key: the tools that renew certificates have one.
const OTHERS: u32 = 0o007;
/// The one protocol that is spoken inside of TLS.
const HTTP: &[u8] = b"http/1.1";
/// The second after the last one that a certificate can name (RFC 5280, 4.1.2.5).
const AFTER_ALL: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_800));

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What the files hold.
pub(crate) struct Loaded {
    /// TLS with this certificate.
    pub config: Arc<ServerConfig>,
    /// When the first of the certificates ends.
    pub ends_at: Timestamp,
}

impl Loaded {
    /// Whether the certificate ends soon, or has ended.
    pub(crate) fn is_ending(&self, now: Timestamp) -> bool {
        self.ends_at <= now.plus_seconds(SOON_SECONDS)
    }
}

impl CertificateFiles {
    /// What is told of a key that others may read.
    pub(crate) fn open_key(&self) -> Option<String> {
        let mode = std::fs::metadata(&self.key).ok()?.mode() & 0o7777;
        (mode & OTHERS != 0).then(|| {
            format!("everybody on this machine may read the file of --tls-key (mode {mode:04o})")
        })
    }

    /// Reads both files.
    ///
    /// # Errors
    /// Why one cannot be used. No path is named.
    pub(crate) fn load(&self) -> Result<Loaded, String> {
        let of_certificate = |why: String| format!("cannot use the file of --tls-cert: {why}");
        let of_key = |why: String| format!("cannot use the file of --tls-key: {why}");
        let chain = read_chain(&self.certificate).map_err(of_certificate)?;
        let key = read_key(&self.key).map_err(of_key)?;
        let provider = Arc::new(ring::default_provider());
        let mut ends = Vec::new();
        for certificate in &chain {
            ends.push(end_of(certificate, &provider).map_err(of_certificate)?);
        }
        let broken = |error: Error| match error {
            Error::InconsistentKeys(_) => {
                of_key("the key does not belong to the certificate".to_owned())
            }
            error => of_certificate(error.to_string()),
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(broken)?;
        config.alpn_protocols = vec![HTTP.to_vec()];
        Ok(Loaded {
            config: Arc::new(config),
            ends_at: ends.into_iter().min().unwrap_or(Timestamp::from_millis(0)),
        })
    }
}

/// The certificates in a file, the server's first.
fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err("it holds no certificate in PEM".to_owned()),
        Err(_) => Err("it is not PEM".to_owned()),
    }
}

/// The key in a file.
fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        pem::Error::NoItemsFound => "it holds no key in PEM that needs no password".to_owned(),
        _ => "it is not PEM".to_owned(),
    })
}

/// When a certificate ends. Its reader tells that only where it has ended: so it is asked about a
/// time when all have. Nothing is verified by that.
fn end_of(
    certificate: &CertificateDer<'_>,
    provider: &CryptoProvider,
) -> Result<Timestamp, String> {
    let unreadable = |error: Error| error.to_string();
    let parsed = ParsedCertificate::try_from(certificate).map_err(unreadable)?;
    let algorithms = provider.signature_verification_algorithms.all;
    let nobody = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], AFTER_ALL, algorithms) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            let seconds = i64::try_from(not_after.as_secs()).unwrap_or(0);
            Ok(Timestamp::from_millis(seconds * 1_000))
        }
        Err(error) => Err(unreadable(error)),
        Ok(()) => Err("it has no end".to_owned()),
    }
}

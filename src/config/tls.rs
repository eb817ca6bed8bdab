//! The certificate that the server shows.

use std::path::PathBuf;

use clap::Args;

use super::listen::Listen;
use crate::base::certificate::CertificateFiles;
use crate::base::failure::Failure;

/// The settings of TLS.
#[derive(Args, Clone, Debug)]
pub struct TlsSettings {
    /// PEM file with the certificate that the server shows, and those between it and its authority;
    /// with it, addresses speak HTTPS only. Read again on SIGHUP
    #[arg(long, env = "INVITED_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the key of that certificate, without a password
    #[arg(long, env = "INVITED_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

impl TlsSettings {
    /// The files, if they are named.
    ///
    /// # Errors
    /// When only one is.
    pub(crate) fn files(&self) -> Result<Option<CertificateFiles>, Failure> {
        let (given, missing) = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                return Ok(Some(CertificateFiles {
                    certificate: certificate.clone(),
                    key: key.clone(),
                }));
            }
            (None, None) => return Ok(None),
            (Some(_), None) => ("--tls-cert", "--tls-key"),
            (None, Some(_)) => ("--tls-key", "--tls-cert"),
        };
        Err(Failure::usage(
            format!("{given} needs {missing}"),
            "give the certificate and its key, or neither",
        ))
    }
}

/// Nobody would see the certificate: the server listens on no address with a port.
pub(crate) fn unseen() -> Failure {
    Failure::usage(
        "--tls-cert is for addresses with a port, and --listen has none",
        "leave --tls-cert and --tls-key out: unix sockets need no TLS",
    )
}

/// Whether a server that listens on `places` has no address with a port, as far as the settings
/// tell: what systemd hands over is not known.
pub(crate) fn is_unseen(places: &[Listen]) -> bool {
    places
        .iter()
        .all(|place| matches!(place, Listen::Unix { .. }))
}

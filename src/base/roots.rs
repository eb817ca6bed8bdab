//! Which authorities TLS connections trust: the well-known ones, and those of the operator besides.

use std::path::Path;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::failure::Failure;

/// The authorities of the operator, as certificates. By default there are none.
#[derive(Clone, Debug, Default)]
pub struct Roots(Arc<Vec<Certificate<'static>>>);

impl Roots {
    /// Those in a file of PEM.
    ///
    /// # Errors
    /// When the file cannot be read, or holds anything but certificates.
    pub(crate) fn load(file: &Path) -> Result<Self, Failure> {
        let failed = |why: &str| {
            Failure::usage(
                format!("cannot use --ca-file {}: {why}", file.display()),
                "give a file with the certificates of your own authorities, in PEM",
            )
        };
        let pem = std::fs::read(file).map_err(|error| failed(&error.to_string()))?;
        let mut certificates = Vec::new();
        for item in parse_pem(&pem) {
            match item.map_err(|_| failed("it is not PEM"))? {
                PemItem::Certificate(certificate) => certificates.push(certificate),
                _ => return Err(failed("it holds more than certificates")),
            }
        }
        let mut checked = rustls::RootCertStore::empty();
        let is_fine = certificates
            .iter()
            .all(|certificate| checked.add(certificate.der().to_vec().into()).is_ok());
        if checked.is_empty() || !is_fine {
            return Err(failed(
                "it holds no certificate, or one that cannot be read",
            ));
        }
        Ok(Self(Arc::new(certificates)))
    }

    /// The certificates of the operator's authorities (DER).
    pub(crate) fn own(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Certificate::der)
    }

    /// What a client for HTTP trusts.
    pub(crate) fn tls(&self) -> TlsConfig {
        self.tls_for(false)
    }

    /// What a client for HTTP trusts, which asks whoever is there where the way `is_safe` already.
    pub(crate) fn tls_for(&self, is_safe: bool) -> TlsConfig {
        let trusted = if self.0.is_empty() {
            RootCerts::WebPki
        } else {
            let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            let known = known.map(|certificate| Certificate::from_der(certificate));
            known.chain(self.0.iter().cloned()).into()
        };
        TlsConfig::builder()
            .root_certs(trusted)
            .disable_verification(is_safe)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_authorities_are_trusted_besides_those_of_the_operator() {
        assert!(matches!(
            Roots::default().tls().root_certs(),
            RootCerts::WebPki
        ));
        let known = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        let own = Certificate::from_der(&known[0]);
        let roots = Roots(Arc::new(vec![own]));
        let RootCerts::Specific(trusted) = roots.tls().root_certs().clone() else {
            unreachable!("they are given");
        };
        assert!(known.len() > 100 && trusted.len() == known.len() + 1);
    }
}

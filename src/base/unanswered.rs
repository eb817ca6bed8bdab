//! Why a request to another server came to nothing, in our own words: those of the library are for
//! programmers.

use std::io::{self, ErrorKind};

use rustls::CertificateError;
use ureq::{Error, Timeout};

/// What is said where nothing more is known.
const NO_TLS: &str = "no TLS connection could be made";

/// Why a request came to nothing.
pub(crate) fn why(error: &Error) -> &'static str {
    match error {
        Error::Timeout(Timeout::Resolve) => "the host name was not resolved in time",
        Error::Timeout(_) => "there was no answer in time",
        Error::HostNotFound => "the host was not found",
        Error::Rustls(error) => of_tls(error),
        Error::Tls(_) => NO_TLS,
        Error::Protocol(_) => "the answer was not HTTP",
        Error::BodyExceedsLimit(_) => "the answer is longer than it may be",
        Error::Io(error) => of_system(error),
        _ => "the request failed",
    }
}

/// The same of what the system says.
pub(crate) fn of_system(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionRefused => "the connection was refused",
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            "the connection was closed without an answer"
        }
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "there was no answer in time",
        ErrorKind::NotFound => "there is no such socket",
        ErrorKind::PermissionDenied => "this user may not connect to it",
        // TLS says so.
        ErrorKind::InvalidData => {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
            cause.map_or(NO_TLS, of_tls)
        }
        _ => "the connection failed",
    }
}

/// The same of what TLS says.
fn of_tls(error: &rustls::Error) -> &'static str {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    match error {
        rustls::Error::InvalidMessage(_) => "it does not speak TLS there",
        rustls::Error::InvalidCertificate(fault) => match fault {
            Expired | ExpiredContext { .. } => "its certificate has expired",
            NotValidYet | NotValidYetContext { .. } => "its certificate is not valid yet",
            NotValidForName | NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            UnknownIssuer => "its certificate is of an authority that is not known here",
            _ => "its certificate cannot be used",
        },
        _ => NO_TLS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_says_is_told_in_our_words() {
        let tls = |error: rustls::Error| Error::Io(io::Error::new(ErrorKind::InvalidData, error));
        let certificate = |fault| tls(rustls::Error::InvalidCertificate(fault));
        for (error, words) in [
            (Error::Timeout(Timeout::Global), "no answer in time"),
            (Error::Timeout(Timeout::Resolve), "not resolved in time"),
            (Error::HostNotFound, "host was not found"),
            (
                Error::Io(ErrorKind::ConnectionRefused.into()),
                "was refused",
            ),
            (certificate(CertificateError::Expired), "has expired"),
            (
                certificate(CertificateError::NotValidForName),
                "another name",
            ),
            (
                certificate(CertificateError::UnknownIssuer),
                "not known here",
            ),
            (
                certificate(CertificateError::BadSignature),
                "cannot be used",
            ),
            (tls(rustls::Error::DecryptError), NO_TLS),
            (Error::BadUri(String::new()), "request failed"),
        ] {
            assert!(why(&error).contains(words), "{error}: {}", why(&error));
        }
    }
}

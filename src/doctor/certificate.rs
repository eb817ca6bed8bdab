//! The certificate that the server shows.

use super::Finding;
use crate::base::certificate::CertificateFiles;
use crate::base::clock::Clock;

/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Whether the certificate can be used, for how long, and whether its key is private.
pub(super) fn check(files: &CertificateFiles) -> Finding {
    let (name, now) = ("certificate", Clock::System.now());
    let renew = "put a new one in its place, and send the server SIGHUP";
    let loaded = match files.load() {
        Ok(loaded) => loaded,
        Err(why) => {
            let fix = "put a certificate and its key there, in PEM, and send the server SIGHUP";
            return Finding::bad(name, why, fix);
        }
    };
    let days = (loaded.ends_at.as_millis() - now.as_millis()) / 1_000 / DAY_SECONDS;
    if loaded.ends_at <= now {
        let detail = format!("the certificate has ended at {}", loaded.ends_at);
        Finding::bad(name, detail, renew)
    } else if loaded.is_ending(now) {
        let detail = format!("the certificate ends in {days} days, at {}", loaded.ends_at);
        Finding::warn(name, detail, renew)
    } else if let Some(open) = files.open_key() {
        Finding::warn(name, open, "chmod 600 the file of --tls-key")
    } else {
        Finding::ok(
            name,
            format!("the certificate ends in {days} days, at {}", loaded.ends_at),
        )
    }
}

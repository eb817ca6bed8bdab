//! The mail that waits.

use super::Finding;
use super::file::unreadable;
use crate::db::Reader;
use crate::outbox::mail::store::waiting;
use crate::outbox::mail::waiting::PutOff;

/// Milliseconds in an hour.
const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long mail waits at most after a try that failed, before somebody should look.
const LONG_MS: i64 = HOUR_MS;
/// After so long people miss it.
const TOO_LONG_MS: i64 = 12 * HOUR_MS;

/// How long mail has waited that was tried in vain.
pub(super) fn check(reader: &Reader<'_>) -> Finding {
    let name = "mail_queue";
    let put_off = match waiting::find_put_off(reader) {
        Ok(put_off) => put_off,
        Err(error) => return unreadable(name, &error),
    };
    let Some(PutOff {
        count,
        oldest,
        error,
    }) = put_off
    else {
        return Finding::ok(name, "no mail waits that was tried in vain");
    };
    let waited_ms = reader.now.as_millis() - oldest.as_millis();
    let detail = format!(
        "{count} {} tried in vain, the oldest since {oldest}: {}",
        if count == 1 { "mail was" } else { "mails were" },
        error.unwrap_or_default()
    );
    let fix = "mend what the error says, try it with `invited mail test`, then POST \
        /v1/mail-queue/retry";
    if waited_ms >= TOO_LONG_MS {
        Finding::bad(name, detail, fix)
    } else if waited_ms >= LONG_MS {
        Finding::warn(name, detail, fix)
    } else {
        Finding::ok(name, detail)
    }
}

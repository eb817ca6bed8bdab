//! For how long an endpoint asks to be left alone (RFC 9110, section 10.2.3).

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::client::Reply;
use crate::base::clock::Timestamp;

/// The answers by which `Retry-After` asks a sender to slow down.
const STATUSES: [u16; 4] = [429, 502, 503, 504];

/// For how many milliseconds from `now` an endpoint asks to be left alone; none: it does not.
pub(crate) fn rest_ms(reply: &Reply, now: Timestamp) -> Option<i64> {
    let text = reply
        .retry_after
        .as_deref()
        .filter(|_| STATUSES.contains(&reply.status))?
        .trim();
    let ms = match text.parse::<u32>() {
        Ok(seconds) => i64::from(seconds) * 1000,
        Err(_) => {
            let until = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            until
                .unix_timestamp()
                .saturating_mul(1000)
                .saturating_sub(now.as_millis())
        }
    };
    Some(ms).filter(|ms| *ms > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_all_else_asks_for_nothing() {
        let now = Timestamp::from_millis(784_111_777_000);
        let ask = |status, text: &str| {
            rest_ms(
                &Reply {
                    status,
                    retry_after: Some(text.to_owned()),
                },
                now,
            )
        };
        assert_eq!(ask(429, "60"), Some(60_000));
        assert_eq!(ask(503, " 1 "), Some(1_000));
        assert_eq!(ask(504, "Sun, 06 Nov 1994 08:49:38 GMT"), Some(1_000));
        assert_eq!(
            ask(502, "Sun, 06 Nov 1994 08:49:36 GMT"),
            None,
            "it is over"
        );
        for (status, text) in [
            (500, "60"),
            (200, "60"),
            (429, ""),
            (429, "0"),
            (429, "-1"),
            (429, "1.5"),
            (429, "soon"),
        ] {
            assert_eq!(ask(status, text), None, "{status} {text}");
        }
        assert_eq!(ask(429, "99999999999999999999"), None);
    }
}

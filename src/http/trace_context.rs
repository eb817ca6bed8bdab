//! The trace that the sender of a request has begun: `traceparent` of W3C Trace Context.
//!
//! The trace is for the log alone. Everybody can name any trace, so nothing else depends on it.

use actix_web::http::header::{HeaderMap, HeaderName};

/// The header that names a trace.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Bytes of a value of version 00; those of later versions begin with as many.
const LENGTH: usize = 55;
/// The version that is never used.
const NO_VERSION: &str = "ff";

/// The id of the trace that `headers` name; none: they name none, or not as the standard says.
pub(crate) fn find_trace_id(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(TRACEPARENT);
    let (value, another) = (values.next()?, values.next());
    parse(value.to_str().ok()?).filter(|_| another.is_none())
}

/// The id of the trace in a `traceparent`: version, trace, parent and flags, in hex digits.
fn parse(value: &str) -> Option<&str> {
    let known = value.get(..LENGTH)?;
    let more = &value[LENGTH..];
    let mut parts = known.split('-');
    let mut next = |length: usize| parts.next().filter(|part| is_hex(part, length));
    let (version, trace, parent, _flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let is_long_enough = match version {
        "00" => more.is_empty(),
        _ => more.is_empty() || more.starts_with('-'),
    };
    let is_valid = is_long_enough && version != NO_VERSION && !is_zero(trace) && !is_zero(parent);
    is_valid.then_some(trace)
}

/// Whether `text` is `length` hex digits, as the standard writes them: in lowercase.
fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether an id is the one that means none.
fn is_zero(id: &str) -> bool {
    id.bytes().all(|c| c == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trace, and what names it.
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn the_trace_is_taken_from_what_the_standard_allows() {
        for value in [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-ff"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-will-be-like"),
        ] {
            assert_eq!(parse(&value), Some(TRACE), "{value}");
        }
    }

    #[test]
    fn everything_else_names_no_trace() {
        let upper = TRACE.to_uppercase();
        let zero = "0".repeat(32);
        for value in [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7-01."),
            format!("cc-{TRACE}-00f067aa0ba902b7-01.more"),
            format!("00-{TRACE}-00f067aa0ba902b7-0"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b-701"),
            format!("00-{zero}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{upper}-00f067aa0ba902b7-01"),
            format!("0-{TRACE}0-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902bé-1"),
            format!(" 00-{TRACE}-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(parse(&value), None, "{value}");
        }
    }
}

//! Lengths of time as people write them: the one reader for flags, variables, files, queries and
//! bodies.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What is said of a text that is no length of time.
pub(crate) const FORMS: &str = "a length of time, as 90s, 10m, 12h or 8d, or whole seconds";

/// The longest text that is read, in bytes.
const MAX_TEXT: usize = 64;
/// The most digits of a number before a unit.
const MAX_DIGITS: usize = 11;

/// Reads a length of time: whole seconds as a bare number (`90`), or numbers with units, as `90s`,
/// `10m`, `12h`, `8d` and `1h 30m`.
///
/// # Errors
/// What it may be.
pub fn parse(text: &str) -> Result<Duration, String> {
    let seconds = text.bytes().all(|byte| byte.is_ascii_digit());
    // The sum stays far from the longest `Duration`, at which humantime panics.
    let mut numbers = text.split(|c: char| !c.is_ascii_digit());
    let is_short = text.len() <= MAX_TEXT && numbers.all(|number| number.len() <= MAX_DIGITS);
    let read = if seconds {
        text.parse().ok().map(Duration::from_secs)
    } else if is_short {
        humantime::parse_duration(text).ok()
    } else {
        None
    };
    read.ok_or_else(|| FORMS.to_owned())
}

/// Reads a length of whole seconds that is within `range`, of which `words` tell.
///
/// # Errors
/// What it may be.
pub(crate) fn parse_within(
    text: &str,
    range: RangeInclusive<u64>,
    words: &str,
) -> Result<Duration, String> {
    let duration = parse(text)?;
    let is_fine = duration.subsec_nanos() == 0 && range.contains(&duration.as_secs());
    let wrong = || match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => format!("{text} is {text} seconds; whole seconds, {words}"),
        false => format!("whole seconds, {words}"),
    };
    is_fine.then_some(duration).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_seconds_and_units_are_what_they_say() {
        let cases = [
            ("0", 0),
            ("5", 5),
            ("5s", 5),
            ("10m", 600),
            ("12h", 43_200),
            ("8d", 691_200),
            ("1h 30m", 5_400),
            ("0s", 0),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_none_is_told_what_would_be() {
        for text in [
            "",
            "-5",
            "5.5",
            "5x",
            "s",
            "1 2",
            "99999999999999999999",
            "٥",
            "18446744073709551615s 1000000000ns",
            "584554530872y 1000000000ns",
            "1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s",
        ] {
            assert_eq!(parse(text), Err(FORMS.to_owned()), "{text}");
        }
        let wrong = parse_within("250ms", 0..=5, "from 0s to 5s");
        assert_eq!(wrong, Err("whole seconds, from 0s to 5s".to_owned()));
        assert!(parse_within("6", 0..=5, "from 0s to 5s").is_err());
    }
}

//! Times and numbers as people read them.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};
use time::OffsetDateTime;

use crate::base::clock::Timestamp;
use crate::base::html;

/// Seconds in a minute, an hour and a day.
const UNITS: [(i64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
/// Days after which a date says more than their number.
const FAR_DAYS: i64 = 30;
/// Names of months.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The filter that writes a time as an element: how long ago it was, or how soon it is, and the
/// exact time behind it. What it takes is a time as the API writes it; the template has `now`.
pub(super) fn when(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    let Some(time) = parse(value)? else {
        return Ok(Value::from_safe_string(
            "<span class=\"quiet\">—</span>".to_owned(),
        ));
    };
    let now = state.lookup("now").map(|now| parse(&now)).transpose()?;
    let element = element(time, now.flatten().unwrap_or(time));
    Ok(Value::from_safe_string(element))
}

/// `time` as an element: how long before or after `now` it is, and the exact time behind it. Its
/// words have nothing in them that HTML would take for its own.
pub(super) fn element(time: Timestamp, now: Timestamp) -> String {
    let (words, exact) = (relative(time, now), exact_words(time));
    format!("<time datetime=\"{time}\" title=\"{exact}\">{words}</time>")
}

/// The filter that writes a time as an element in full.
pub(super) fn exact(value: &Value) -> Result<Value, Error> {
    let time = parse(value)?.map(|time| {
        let words = html::escape(&exact_words(time));
        format!("<time datetime=\"{time}\">{words}</time>")
    });
    Ok(Value::from_safe_string(time.unwrap_or_default()))
}

/// Reads a time as the API writes it; none: there is none.
fn parse(value: &Value) -> Result<Option<Timestamp>, Error> {
    if matches!(value.kind(), ValueKind::None | ValueKind::Undefined) {
        return Ok(None);
    }
    let text = value.as_str().and_then(Timestamp::parse);
    let no_time = || Error::new(ErrorKind::InvalidOperation, "no time");
    text.map(Some).ok_or_else(no_time)
}

/// How long before or after `now` it is.
fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = (time.as_millis() - now.as_millis()) / 1000;
    let distance = seconds.abs();
    if distance >= FAR_DAYS * 86_400 {
        return date_words(time);
    }
    let found = UNITS.iter().find(|(size, _)| distance >= *size);
    let Some((size, unit)) = found else {
        let words = if seconds > 0 {
            "in a moment"
        } else {
            "just now"
        };
        return words.to_owned();
    };
    let length = plural(distance / size, unit);
    match (*unit, distance / size, seconds > 0) {
        ("day", 1, false) => "yesterday".to_owned(),
        ("day", 1, true) => "tomorrow".to_owned(),
        (_, _, false) => format!("{length} ago"),
        (_, _, true) => format!("in {length}"),
    }
}

/// `5 December 2026`.
fn date_words(time: Timestamp) -> String {
    let date = OffsetDateTime::from_unix_timestamp(time.as_millis() / 1000);
    let Ok(date) = date else {
        return time.to_string();
    };
    let month = MONTHS[usize::from(u8::from(date.month())) - 1];
    format!("{} {month} {}", date.day(), date.year())
}

/// `5 December 2026, 14:01:07 UTC`.
fn exact_words(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}, {} UTC", date_words(time), &text[11..19])
}

/// `1 day`, `2 days`.
fn plural(count: i64, unit: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{ending}")
}

/// The filter that writes a number of milliseconds as a length of time in at most two units.
pub(super) fn length(millis: i64) -> String {
    let seconds = millis / 1000;
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(count, _)| *count > 0);
    let Some(first) = first else {
        return format!("{millis} ms");
    };
    let shown = parts[first..]
        .iter()
        .take(2)
        .filter(|(count, _)| *count > 0);
    let shown: Vec<_> = shown
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    shown.join(" ")
}

/// The filter that writes a number with a narrow space between its thousands.
pub(super) fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + 6);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && text != "-" {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The filter that writes a number of bytes.
pub(super) fn bytes(number: i64) -> String {
    let units = [("GiB", 1_i64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = units.into_iter().find(|(_, size)| number >= *size);
    unit.map_or_else(
        || format!("{number} bytes"),
        |(name, size)| {
            let tenths = number * 10 / size;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let now = Timestamp::parse("2026-11-29T12:00:00Z").expect("a time");
        for (seconds, words) in [
            (0, "just now"),
            (-59, "just now"),
            (30, "in a moment"),
            (-60, "1 minute ago"),
            (-7_300, "2 hours ago"),
            (-86_400, "yesterday"),
            (100_000, "tomorrow"),
            (6 * 86_400, "in 6 days"),
            (-31 * 86_400, "29 October 2026"),
        ] {
            assert_eq!(relative(now.plus_seconds(seconds), now), words, "{seconds}");
        }
        assert_eq!(exact_words(now), "29 November 2026, 12:00:00 UTC");
    }

    #[test]
    fn numbers_are_written_with_their_units() {
        assert_eq!(length(11_520_000), "3 h 12 min");
        assert_eq!(length(86_400_000), "1 d");
        assert_eq!(length(450), "450 ms");
        assert_eq!(thousands(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(thousands(-123), "-123");
        assert_eq!(
            (bytes(512), bytes(1_572_864)),
            ("512 bytes".to_owned(), "1.5 MiB".to_owned())
        );
    }
}

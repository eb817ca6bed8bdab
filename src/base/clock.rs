//! The only reader of the wall clock, and the one type for a point in time.

use std::cell::Cell;
use std::fmt;
use std::fs::Metadata;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::failure::Failure;

/// 9999-12-31T23:59:59.999Z, the last time that RFC 3339's four-digit year can write.
const LAST_MILLIS: i64 = 253_402_300_799_999;

/// Milliseconds in a day.
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, from year 1970 to year 9999.
///
/// Written as RFC 3339 in UTC with exactly three decimals: `2026-11-23T02:43:00.123Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Length in bytes of the written form.
    const TEXT_LEN: usize = 24;

    /// The time `millis` milliseconds after the epoch, moved to the nearest one that can be
    /// written.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LAST_MILLIS))
    }

    /// The time as the standard library has it.
    pub(crate) fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.unsigned_abs())
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// This time moved by `seconds`, which may be negative.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The time so much later.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self::from_millis(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Reads an RFC 3339 time with any offset; what is finer than a millisecond is cut off. A leap
    /// second (`23:59:60`) is refused as every other second 60: no clock here has one.
    pub fn parse(text: &str) -> Option<Self> {
        if text.get(17..19) == Some("60") {
            return None;
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()?;
        (0..=LAST_MILLIS).contains(&millis).then_some(Self(millis))
    }

    /// When a file was written last; none: the system does not say, or a time before 1970.
    pub(crate) fn of_last_write(file: &Metadata) -> Option<Self> {
        let since_epoch = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_millis()).ok().map(Self)
    }

    /// The day that it is in (UTC), counted from the epoch.
    pub(crate) fn day(self) -> i64 {
        self.0.div_euclid(DAY_MILLIS)
    }

    /// The written form. A list of a thousand invitations writes three thousand of these, so the
    /// digits are placed by hand and days are remembered; the calendar is the `time` crate's.
    pub(crate) fn text(self) -> [u8; Self::TEXT_LEN] {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let (day, millis) = (self.day(), self.0.rem_euclid(DAY_MILLIS));
        text[0..10].copy_from_slice(&day_text(day));
        put(&mut text[11..13], millis / 3_600_000);
        put(&mut text[14..16], millis / 60_000 % 60);
        put(&mut text[17..19], millis / 1000 % 60);
        put(&mut text[20..23], millis % 1000);
        text
    }
}

/// The name of the day `day` days after the epoch: `2026-11-23`.
pub(crate) fn day_name(day: i64) -> String {
    String::from_utf8_lossy(&day_text(day)).into_owned()
}

/// The day `day` days after the epoch, as `2026-11-23`.
fn day_text(day: i64) -> [u8; 10] {
    /// Days remembered by each thread: rows beside each other bear the same few.
    const REMEMBERED: usize = 16;
    thread_local! {
        static DAYS: [Cell<(i64, [u8; 10])>; REMEMBERED] =
            const { [const { Cell::new((0, *b"1970-01-01")) }; REMEMBERED] };
    }
    let place = usize::try_from(day).unwrap_or_default() % REMEMBERED;
    DAYS.with(|days| {
        let (known, text) = days[place].get();
        if known == day {
            return text;
        }
        let mut text = *b"0000-00-00";
        if let Ok(time) = OffsetDateTime::from_unix_timestamp(day * (DAY_MILLIS / 1000)) {
            put(&mut text[0..4], i64::from(time.year()));
            put(&mut text[5..7], i64::from(u8::from(time.month())));
            put(&mut text[8..10], i64::from(time.day()));
        }
        days[place].set((day, text));
        text
    })
}

/// Fills `place` with the last digits of `number`.
fn put(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// Where the program gets the time from. Clones share one clock.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's wall clock.
    #[default]
    System,
    /// A clock that can be stopped and set, for development and tests. Holds the milliseconds since
    /// the epoch at which it stands, or [`FREE`].
    Settable(Arc<AtomicI64>),
}

/// What a settable clock holds while it runs with the machine's: no time that can be written is
/// negative.
const FREE: i64 = -1;

impl Clock {
    /// A clock that shows `now` until [`Clock::set`] moves it.
    pub fn manual(now: Timestamp) -> Self {
        Self::Settable(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// A clock that runs with the machine's until it is set.
    pub(crate) fn settable() -> Self {
        Self::Settable(Arc::new(AtomicI64::new(FREE)))
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.stopped_at().unwrap_or_else(machine_time)
    }

    /// Where the clock stands still; nothing while it runs.
    pub(crate) fn stopped_at(&self) -> Option<Timestamp> {
        match self {
            Self::System => None,
            Self::Settable(held) => Some(held.load(Ordering::SeqCst))
                .filter(|&held| held != FREE)
                .map(Timestamp),
        }
    }

    /// Stops a settable clock at `now`; the machine's clock is not ours to move and stays as it is.
    pub fn set(&self, now: Timestamp) {
        if let Self::Settable(held) = self {
            held.store(now.as_millis(), Ordering::SeqCst);
        }
    }

    /// Stops a settable clock `by` after what it shows. Returns whether it could: not beyond what
    /// can be written.
    pub(crate) fn advance(&self, by: Duration) -> bool {
        let Self::Settable(held) = self else {
            return false;
        };
        let moved = |held| {
            let shown = if held == FREE {
                machine_time().as_millis()
            } else {
                held
            };
            shown
                .checked_add(i64::try_from(by.as_millis()).ok()?)
                .filter(|&moved| moved <= LAST_MILLIS)
        };
        held.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved)
            .is_ok()
    }

    /// Lets a settable clock run with the machine's.
    pub fn free(&self) {
        if let Self::Settable(held) = self {
            held.store(FREE, Ordering::SeqCst);
        }
    }
}

/// What the machine's wall clock shows.
fn machine_time() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Checks that the machine's wall clock shows a time that can be written. The framework panics at
/// one that cannot, in the middle of an answer.
///
/// # Errors
/// When the clock shows a time before 1970 or after 9998.
pub(crate) fn check_machine() -> Result<(), Failure> {
    /// The first millisecond of 9999.
    const TOO_LATE: u128 = 253_370_764_800_000;
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) if since.as_millis() < TOO_LATE => Ok(()),
        _ => Err(Failure::runtime(
            "the clock of this machine shows a time before 1970, or after 9998",
            "set the clock, as `date` shows it, and start again",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_three_decimals_and_reads_back() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2026-11-23T02:43:00.123Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            assert_eq!(
                Timestamp::parse(text)
                    .map(|time| time.to_string())
                    .as_deref(),
                Some(text)
            );
        }
    }

    #[test]
    fn days_that_share_a_place_in_the_memory_are_not_mixed_up() {
        for millis in (0..2000).map(|step| step * DAY_MILLIS * 4 + 1) {
            let time = Timestamp::from_millis(millis);
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn an_offset_is_brought_to_utc_and_finer_parts_are_cut() {
        let time = Timestamp::parse("2026-11-23T03:43:00.1239+01:00").map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2026-11-23T02:43:00.123Z"));
    }

    #[test]
    fn no_minute_has_a_second_60() {
        for text in [
            "2016-12-31T23:59:60Z",
            "2016-12-31T12:00:60Z",
            "2017-01-01T00:59:60.5+01:00",
            "2016-12-31t23:59:60z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        assert!(
            Timestamp::parse("2016-12-31T23:60:59Z").is_none()
                && Timestamp::parse("2016-12-31T23:59:59.6Z").is_some()
        );
    }

    #[test]
    fn a_settable_clock_runs_stands_still_and_runs_again() {
        let clock = Clock::settable();
        let shared = clock.clone();
        assert_eq!(clock.stopped_at(), None);
        assert!(clock.now() >= machine_time().plus_seconds(-60));
        clock.set(Timestamp(5));
        assert_eq!(
            (clock.now(), clock.stopped_at()),
            (Timestamp(5), Some(Timestamp(5)))
        );
        assert!(clock.advance(Duration::from_millis(3)));
        assert_eq!(
            (clock.now(), shared.now()),
            (Timestamp(8), Timestamp(8)),
            "clones share one clock"
        );
        clock.free();
        assert_eq!(clock.stopped_at(), None);
        let before = machine_time();
        assert!(clock.advance(Duration::from_secs(60)) && clock.now() >= before.plus_seconds(60));
    }

    #[test]
    fn a_clock_is_not_advanced_beyond_what_can_be_written() {
        let clock = Clock::manual(Timestamp(LAST_MILLIS - 1));
        assert!(!clock.advance(Duration::from_millis(2)) && !clock.advance(Duration::MAX));
        assert_eq!(clock.now(), Timestamp(LAST_MILLIS - 1));
        assert!(clock.advance(Duration::from_millis(1)));
        assert!(
            !Clock::System.advance(Duration::ZERO),
            "the machine's is not ours to move"
        );
    }

    #[test]
    fn what_cannot_be_written_is_refused_or_moved_to_the_nearest_time_that_can() {
        assert_eq!(Timestamp::parse("+275760-09-13T00:00:00Z"), None);
        assert_eq!(Timestamp::parse("1969-12-31T23:59:59Z"), None);
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
        assert_eq!(
            Timestamp::from_millis(-1).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
    }
}

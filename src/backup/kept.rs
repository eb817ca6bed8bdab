//! The backups of a schedule in their folder: how they are named, which there are, and which go.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::part::{Part, beside};
use crate::base::clock::Timestamp;

/// How the name of a backup begins.
const PREFIX: &str = "invited-";
/// How it ends, behind the time in UTC.
const SUFFIX: &str = "Z.db";
/// What stands behind the name of one that is not whole yet.
const PART: &str = ".part";

/// A backup of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Where it is.
    pub path: PathBuf,
    /// The time in its name: when it was begun.
    pub begun_at: Timestamp,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Kept {
    /// Whether it is named by a later time than a clock at `now` can have shown since it was made,
    /// as the clock was set back. Within `every` the clock may have been corrected by a little.
    fn is_ahead(&self, now: Timestamp, every: Duration) -> bool {
        self.begun_at > now.plus(every)
    }
}

/// The place in `folder` of a backup that is begun at `now`, which nothing has yet.
pub(crate) fn free_place(folder: &Path, now: Timestamp) -> PathBuf {
    let mut begun_at = now;
    loop {
        let place = folder.join(name(begun_at));
        if !place.exists() {
            return place;
        }
        begun_at = begun_at.plus_seconds(1);
    }
}

/// The name of a backup that was begun at `at`: `invited-20261129T195122Z.db`.
fn name(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.get(..19).unwrap_or_default().replace(['-', ':'], "");
    format!("{PREFIX}{seconds}{SUFFIX}")
}

/// The time in the name of a backup; none: it is no name of ours.
fn parse(found: &str) -> Option<Timestamp> {
    let time = found.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let part = |from, to| time.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    let begun_at = Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))?;
    // The one form that we write, and no other of the same time.
    (name(begun_at) == found).then_some(begun_at)
}

/// The backups in `folder`, the oldest name first. What has another name, is no file, or is served
/// is none of them.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<Kept>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let begun_at = path.file_name().and_then(|name| parse(name.to_str()?));
        // One that has just been removed is none either.
        let (Some(begun_at), Ok(metadata)) = (begun_at, path.symlink_metadata()) else {
            continue;
        };
        let is_served = ["-wal", ".lock"].map(|suffix| beside(&path, suffix).exists());
        if metadata.is_file() && is_served == [false; 2] {
            found.push(Kept {
                path,
                begun_at,
                bytes: metadata.len(),
            });
        }
    }
    found.sort_by_key(|one| one.begun_at);
    Ok(found)
}

/// The newest of `found` by a clock that shows `now`, where one is made `every` so often. What is
/// named by a time far ahead says nothing of when it was made.
pub(crate) fn newest(found: &[Kept], now: Timestamp, every: Duration) -> Option<&Kept> {
    found.iter().rfind(|one| !one.is_ahead(now, every))
}

/// Which of `found` go, so that `keep` stay, among them `made`, where one was just made. Those that are named by a time
/// far ahead were made before the clock was set back, so they go first; then the oldest.
fn surplus<'a>(
    found: &'a [Kept],
    made: Option<&Path>,
    keep: usize,
    now: Timestamp,
    every: Duration,
) -> Vec<&'a Kept> {
    let mut others: Vec<_> = found
        .iter()
        .filter(|one| made.is_none_or(|made| one.path != made))
        .collect();
    others.sort_by_key(|one| (Reverse(one.is_ahead(now, every)), one.begun_at));
    let stay = keep.saturating_sub(usize::from(made.is_some()));
    others.truncate(others.len().saturating_sub(stay));
    others
}

/// Removes what is too much in `folder`, where `made` was just made, if one was.
///
/// # Errors
/// When the folder cannot be read, or a file in it cannot be removed; the others go all the same.
pub(crate) fn prune(
    folder: &Path,
    made: Option<&Path>,
    keep: usize,
    now: Timestamp,
    every: Duration,
) -> io::Result<()> {
    let found = list(folder)?;
    let gone = surplus(&found, made, keep, now, every);
    let removed: Vec<_> = gone
        .into_iter()
        .map(|one| fs::remove_file(&one.path))
        .collect();
    removed.into_iter().collect()
}

/// Removes what backups have left in `folder` that were cut off. One that another process is
/// making stays, and so does what is no part of a backup.
pub(crate) fn clear_parts(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let whole = name.to_str().and_then(|name| name.strip_suffix(PART));
        if let Some(whole) = whole.filter(|whole| parse(whole).is_some()) {
            // It is removed as any part that does not come to its name.
            drop(Part::begin(&folder.join(whole)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An hour.
    const HOUR: Duration = Duration::from_secs(60 * 60);

    /// A backup by the time in its name.
    fn kept(time: &str) -> Kept {
        let begun_at = Timestamp::parse(time).expect("a time");
        Kept {
            path: PathBuf::from(name(begun_at)),
            begun_at,
            bytes: 1,
        }
    }

    #[test]
    fn a_name_is_read_as_it_is_written_and_no_other() {
        let at = Timestamp::parse("2026-11-29T19:51:22.123Z").expect("a time");
        assert_eq!(name(at), "invited-20261129T195122Z.db");
        let read = parse("invited-20261129T195122Z.db").expect("ours");
        assert_eq!(read.as_millis(), at.as_millis() - 123);
        for other in [
            "invited.db",
            "invited-Z.db",
            "invited-20261129T195122Z.db.part",
            "invited-20261129T195122Z.db.secret",
            "invited-20261129t195122Z.db",
            "invited-20261129_195122Z.db",
            "invited-20261329T195122Z.db",
            "invited-2026112T1195122Z.db",
            "invited-+0261129T195122Z.db",
            "invited-20261129T195122.0Z.db",
            "invited-20261129T19512éZ.db",
            "Invited-20261129T195122Z.db",
            " invited-20261129T195122Z.db",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_oldest_go_and_never_the_one_just_made() {
        let found: Vec<_> = ["01", "02", "03", "04"]
            .map(|hour| kept(&format!("2026-11-29T{hour}:00:00Z")))
            .into();
        let now = Timestamp::parse("2026-11-29T04:00:05Z").expect("a time");
        let gone = |keep, made: usize| {
            surplus(&found, Some(&found[made].path), keep, now, HOUR)
                .into_iter()
                .map(|one| one.begun_at.to_string()[11..13].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(gone(2, 3), ["01", "02"]);
        assert_eq!(gone(4, 3), [""; 0]);
        assert_eq!(gone(1, 3), ["01", "02", "03"]);
        // By a clock that was set back the new one has the oldest name.
        assert_eq!(gone(1, 0), ["02", "03", "04"]);
        assert_eq!(gone(3, 0), ["02"]);
    }

    #[test]
    fn what_is_named_by_a_time_far_ahead_is_not_the_newest_and_goes_first() {
        let found = [
            kept("2026-11-29T01:00:00Z"),
            kept("2026-11-29T02:00:00Z"),
            kept("2099-01-01T00:00:00Z"),
        ];
        let now = Timestamp::parse("2026-11-29T02:00:05Z").expect("a time");
        assert_eq!(newest(&found, now, HOUR), Some(&found[1]));
        assert_eq!(
            surplus(&found, Some(&found[1].path), 2, now, HOUR),
            [&found[2]]
        );
        // A clock that is corrected by a little changes nothing.
        let corrected = Timestamp::parse("2026-11-29T01:30:00Z").expect("a time");
        assert_eq!(newest(&found, corrected, HOUR), Some(&found[1]));
        assert_eq!(newest(&[], now, HOUR), None);
    }
}

//! The backups that the server makes by itself.

use super::family::{Family, Sample, Value};
use super::process::seconds;
use crate::backup::schedule::{Outlook, Schedule};

/// All of it. Without a schedule there are no values.
pub(super) fn families(schedule: Option<&Schedule>) -> Vec<Family> {
    let outlook = schedule.map(Schedule::outlook);
    let last = outlook.as_ref().and_then(|outlook| outlook.last.as_ref());
    let took = outlook.as_ref().and_then(|outlook| outlook.took);
    let failures = |outlook: &Outlook| Sample::new([], Value::Whole(outlook.failures));
    vec![
        Family::gauge(
            "invited_backup_last_success_timestamp_seconds",
            "When the server made its last scheduled backup, in seconds since 1970.",
            last.map(|last| seconds(last.begun_at)),
        ),
        Family::gauge(
            "invited_backup_last_duration_seconds",
            "How long the last scheduled backup took.",
            took.map(|took| took.as_secs_f64()),
        ),
        Family::counters(
            "invited_backup_failures",
            "Scheduled backups that came to nothing.",
            outlook.iter().map(failures).collect(),
        ),
    ]
}

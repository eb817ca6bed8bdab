//! What the checks of a server say of its backups. No word of it names a path.

use std::time::Duration;

use super::kept::{self, Kept};
use super::schedule::{Failed, Plan, Schedule};
use crate::base::clock::Timestamp;
use crate::doctor::Finding;

/// The name of the check.
const NAME: &str = "backup";
/// Bytes in a MiB.
const MIB: u64 = 1024 * 1024;

/// What a server says that makes backups by `schedule`, if it does.
pub(crate) fn of_server(schedule: Option<&Schedule>, now: Timestamp) -> Finding {
    let plan = schedule.map(|schedule| &schedule.plan);
    let failed = schedule.and_then(|schedule| schedule.outlook().failed);
    let finding = of_folder(plan, failed.as_ref(), now);
    let is_near = schedule.is_some_and(|schedule| schedule.is_near);
    if is_near && finding.fix.is_none() {
        let detail = finding.detail + "; they lie on the disk of the data file, and go with it";
        return Finding::ok(NAME, detail);
    }
    finding
}

/// What the folder of `plan` says, and the last try if it failed.
pub(crate) fn of_folder(plan: Option<&Plan>, failed: Option<&Failed>, now: Timestamp) -> Finding {
    let Some(plan) = plan else {
        return Finding::ok(NAME, "the server makes none by itself (--backup-dir)");
    };
    let found = match kept::list(&plan.folder) {
        Ok(found) => found,
        Err(error) => {
            return Finding::bad(
                NAME,
                format!(
                    "the folder of the backups cannot be read ({})",
                    error.kind()
                ),
                "bring the folder back, or name another one with --backup-dir",
            );
        }
    };
    let newest = kept::newest(&found, now, plan.every);
    let is_late = newest.is_none_or(|newest| newest.begun_at.plus(late(plan)) < now);
    let known = describe(found.len(), newest);
    match (failed, is_late) {
        (Some(Failed { at, hint }), true) => Finding::bad(NAME, fail(&known, *at), hint),
        (Some(Failed { at, hint }), false) => Finding::warn(NAME, fail(&known, *at), hint),
        (None, true) => Finding::warn(
            NAME,
            known,
            "a server makes the first one soon after its start; if it runs, look at its log",
        ),
        (None, false) => Finding::ok(NAME, known),
    }
}

/// After how long without a backup something is wrong: one was left out.
fn late(plan: &Plan) -> Duration {
    plan.every * 2
}

/// The backups that there are.
fn describe(count: usize, newest: Option<&Kept>) -> String {
    let Some(newest) = newest else {
        return "there is no backup yet".to_owned();
    };
    format!(
        "{count} {} there, the newest of {} ({} MiB)",
        if count == 1 { "is" } else { "are" },
        newest.begun_at,
        newest.bytes.div_ceil(MIB)
    )
}

/// The same where the last try failed.
fn fail(known: &str, at: Timestamp) -> String {
    format!("{known}; the last try failed at {at}, the log says why")
}

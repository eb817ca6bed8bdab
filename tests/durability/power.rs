//! R2: an acknowledged change survives a power loss.
//!
//! The file lies on an ext4 file system in a sparse file, mounted through a loop device; the
//! shutdown ioctl of ext4 drops what was not synced. A control with `synchronous=NORMAL` proves
//! that the recipe can lose something at all.
//!
//! Answers that arrive after the cut has begun count as not given: a machine without power answers
//! nothing, and a write that is under way may or may not reach the disk.

use std::thread;
use std::time::{Duration, Instant};

use crate::check::{
    History, answers_hold, ensure, no_panic, nothing_lost, nothing_resurfaced, sound,
};
use crate::compare::Findings;
use crate::faults::Mount;
use crate::ledger::Entry;
use crate::load::{Load, Told};
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, control, report};

/// Concurrent writers.
const WRITERS: usize = 16;

/// The power fails this long after the writers start.
const CUT_AFTER_MS: std::ops::RangeInclusive<u64> = 20..=600;

/// The control must lose within so many cycles, or the trial says nothing.
const CONTROL_CYCLES: u32 = 10;

/// The last restart may have a log to recover.
const READY_CEILING: Duration = Duration::from_secs(10);

/// A disk that loses its power under load loses nothing that was acknowledged.
pub fn acknowledged_changes_survive_power_loss(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let image = directory.path().join("image");
    let point = directory.path().join("disk");
    Mount::format_ext4(&image)?;
    let database = point.join("data").join("invited.db");
    let mut random = scale.random(2);
    let mut mount = Mount::ext4(&image, &point)?;
    let mut server = Launch::serve(&database).run()?;
    let key = server.admin_key()?;
    let mut history = History::default();
    for cycle in 0..scale.power_cycles {
        let load = Load {
            name: format!("power{cycle}"),
            writers: WRITERS,
            seed: random.u64(..),
            padding: 0,
        };
        let delay = Duration::from_millis(random.u64(CUT_AFTER_MS));
        let entries = load_until_dark(server, mount, &key, &load, delay)?;
        mount = Mount::ext4(&image, &point)?;
        server = Launch::serve(&database).run()?;
        server.wait_ready(READY_CEILING)?;
        let findings = answers_hold(&server, &key, &load.organizations(), &entries)?;
        nothing_lost(&findings)?;
        nothing_resurfaced(&findings)?;
        sound(&database)?;
        history.add(&load, entries);
    }
    let acknowledged = history.holds(&server, &key)?;
    // Where there was nothing to lose, nothing was tried.
    ensure(acknowledged.total() > 0, || {
        "nothing was acknowledged in any cycle".to_owned()
    })?;
    no_panic(&server.stop()?)?;
    mount.unmount()?;
    report(format!(
        "{} power losses, {acknowledged}, 0 lost",
        scale.power_cycles
    ));
    Ok(())
}

/// The same recipe loses acknowledged changes when commits are not synced; otherwise it proves
/// nothing.
pub fn power_loss_loses_without_full_sync(scale: &Scale) -> Outcome {
    let mut random = scale.random(3);
    for cycle in 1..=CONTROL_CYCLES {
        let load = Load {
            name: "control".to_owned(),
            writers: WRITERS,
            seed: random.u64(..),
            padding: 0,
        };
        let delay = Duration::from_millis(random.u64(CUT_AFTER_MS));
        if let Some(loss) = control_loss(&load, delay)? {
            report(format!("the control lost in cycle {cycle}: {loss}"));
            return Ok(());
        }
    }
    Err(format!("void: the control lost nothing in {CONTROL_CYCLES} cycles").into())
}

/// One cycle of the control; what it lost, if anything.
fn control_loss(load: &Load, delay: Duration) -> Outcome<Option<String>> {
    let directory = tempfile::tempdir()?;
    let image = directory.path().join("image");
    let point = directory.path().join("disk");
    Mount::format_ext4(&image)?;
    let mount = Mount::ext4(&image, &point)?;
    let database = point.join("data").join("invited.db");
    let server = Launch::serve(&database).run()?;
    let key = server.admin_key()?;
    server.stop()?;
    let server = Launch::control(control::ARGUMENT, &database)?.run()?;
    let entries = load_until_dark(server, mount, &key, load, delay)?;
    let _mount = Mount::ext4(&image, &point)?;
    let server = match Launch::serve(&database).start()? {
        Ok(server) => server,
        Err(refusal) => return Ok(Some(format!("the whole file: {refusal}"))),
    };
    let Findings {
        lost, acknowledged, ..
    } = answers_hold(&server, &key, &load.organizations(), &entries)?;
    Ok((!lost.is_empty()).then(|| format!("{} of {acknowledged}", lost.len())))
}

/// Runs the writers until the power of the disk fails, then takes the dead disk away.
fn load_until_dark(
    server: Server,
    mount: Mount,
    key: &str,
    load: &Load,
    delay: Duration,
) -> Outcome<Vec<Entry>> {
    let (dark, told) = load.run(&server, key, || {
        thread::sleep(delay);
        let dark = Instant::now();
        mount.cut_power()?;
        Ok(dark)
    })?;
    no_panic(&server.kill()?)?;
    mount.unmount()?;
    let in_time = |told: Told| {
        if told.at < dark {
            told.entry
        } else {
            told.entry.unanswered()
        }
    };
    Ok(told.into_iter().map(in_time).collect())
}

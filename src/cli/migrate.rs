//! `invited migrate`: the data file of an earlier version is brought up to date.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::format::OutputArgs;
use super::output::Output;
use super::progress::Display;
use crate::base::failure::Failure;
use crate::config::log::Format as LogFormat;
use crate::db::{self, Migrations, Source};
use crate::upgrade::{self, Migrated, Plan};

/// What is brought up to date.
#[derive(Args, Debug)]
pub(crate) struct MigrateArgs {
    /// Try all of it on a copy, and leave the file alone
    #[arg(long)]
    dry_run: bool,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// How to print what was done.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: MigrateArgs) -> Result<(), Failure> {
    // A mistyped path is told, and a file that no program of ours made.
    let path = Source::open(&super::database(args.database))?
        .path()
        .to_owned();
    let mut display = Display::new();
    let (plan, copy) = if args.dry_run {
        let plan = upgrade::rehearse(&path, Migrations::RELEASED, &mut |step| display.show(step))?;
        (plan, None)
    } else {
        let done = upgrade::migrate(&path, Migrations::RELEASED, &mut |step| display.show(step))?;
        done.map_or((None, None), |Migrated { plan, copy }| {
            (Some(plan), Some(copy))
        })
    };
    drop(display);
    let shown = shown(&path, plan.as_ref(), copy.as_deref());
    args.output
        .print(|| told(&path, plan.as_ref(), copy.as_deref()), &shown)
}

/// Brings the data file of a server that starts up to date. Returns what is told of that. Where the
/// log of `output` is for programs, nothing is shown on the way.
///
/// # Errors
/// When it cannot be: the server must not start.
pub(super) fn at_start(database: &Path, output: &Output) -> Result<Option<String>, Failure> {
    let mut display = (output.format == LogFormat::Text).then(Display::new);
    let done = upgrade::migrate(database, Migrations::RELEASED, &mut |step| {
        display.iter_mut().for_each(|display| display.show(step));
    })?;
    Ok(done.map(|Migrated { plan, copy }| {
        format!(
            "the data file was brought up to date, from schema version {} to {}; the file before \
             is {}",
            plan.from,
            plan.to,
            copy.display()
        )
    }))
}

/// What was done to the file at `path`, for programs.
fn shown(path: &Path, plan: Option<&Plan>, copy: Option<&Path>) -> Value {
    let copy = copy.map(|path| path.to_string_lossy());
    json!({
        "file": path.to_string_lossy(),
        "from": plan.map_or(db::SCHEMA_VERSION, |plan| plan.from),
        "to": plan.map_or(db::SCHEMA_VERSION, |plan| plan.to),
        "steps": plan.map_or(&[][..], |plan| &plan.steps),
        "counts": plan.map(|plan| plan.counts),
        "bytes": plan.map(|plan| plan.bytes),
        "free": plan.and_then(|plan| plan.free),
        "copy": copy,
    })
}

/// What was done to the file at `path`, for people. Without a copy it was only tried.
fn told(path: &Path, plan: Option<&Plan>, copy: Option<&Path>) -> String {
    let path = path.display();
    let Some(plan) = plan else {
        let version = db::SCHEMA_VERSION;
        return format!("{path}: nothing to do, it has the newest schema (version {version})\n");
    };
    let Plan { from, to, .. } = plan;
    let mut told = format!("{path}: from schema version {from} to {to}\n");
    told.extend(plan.steps.iter().map(|step| format!("  {step}\n")));
    told += &format!("  {}\n", plan.counts);
    let free = plan
        .free
        .map_or("unknown".to_owned(), |free| HumanBytes(free).to_string());
    told += &format!("  the copy has {}; free: {free}\n", HumanBytes(plan.bytes));
    told += &match copy {
        Some(copy) => format!("done; the file before is {}\n", copy.display()),
        None => {
            "all steps were tried on a copy, which is whole; the file was not touched\n".to_owned()
        }
    };
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::verify::Counts;

    #[test]
    fn what_is_to_be_done_or_was_done_is_told_with_versions_steps_rows_and_room() {
        let plan = Plan {
            from: 1,
            to: 3,
            steps: vec!["0002_one", "0003_two"],
            counts: Counts {
                invitations: 7,
                ..Counts::default()
            },
            bytes: 2_048,
            free: Some(4_096),
        };
        let (path, copy) = (Path::new("a.db"), Path::new("a.db.before-schema-2"));
        let start = "a.db: from schema version 1 to 3\n  0002_one\n  0003_two\n  invitations 7, \
                     organizations 0, events 0, keys 0, webhooks 0\n  the copy has 2.00 KiB; free: \
                     4.00 KiB\n";
        let tried = "all steps were tried on a copy, which is whole; the file was not touched\n";
        assert_eq!(told(path, Some(&plan), None), format!("{start}{tried}"));
        let done = "done; the file before is a.db.before-schema-2\n";
        assert_eq!(
            told(path, Some(&plan), Some(copy)),
            format!("{start}{done}")
        );
        let value = shown(path, Some(&plan), Some(copy));
        assert_eq!((&value["from"], &value["to"]), (&json!(1), &json!(3)));
        assert_eq!(value["steps"], json!(["0002_one", "0003_two"]));
        assert_eq!(
            (&value["bytes"], &value["free"]),
            (&json!(2_048), &json!(4_096))
        );
        assert_eq!(value["copy"], "a.db.before-schema-2");
    }
}

//! `invited import`: puts an export, or what a script wrote, into the data file.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use super::format::OutputArgs;
use super::progress::Display;
use crate::audit::By;
use crate::base::error::Error;
use crate::base::failure::Failure;
use crate::base::json::BYTE_ORDER_MARK;
use crate::base::origin::Origin;
use crate::db;
use crate::dev::seed;
use crate::transfer::import::{self, Imported, Manner};
use crate::transfer::{self, lines};

/// What is imported, and where to.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The export, or a seed that a script wrote; - for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Try all of it, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out organizations that are there already, with all that belongs to them
    #[arg(long)]
    skip_existing: bool,
    /// Data file [default: invited-data/invited.db]
    #[arg(long, env = "INVITED_DATABASE", value_name = "FILE")]
    database: Option<PathBuf>,
    /// How to print what was imported.
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the command.
pub(crate) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let unreadable = |error: io::Error| cannot_read(&args.file, &error);
    let mut file = open(&args.file).map_err(unreadable)?;
    begin(&mut file).map_err(unreadable)?;
    let database = super::database(args.database.clone());
    let is_export = begins_as_export(&mut file);
    let imported = if is_export.map_err(unreadable)? {
        import_export(args, file, &database)?
    } else if args.skip_existing {
        return Err(Failure::usage(
            format!("{} is no export, but a seed", args.file.display()),
            "--skip-existing is for exports: give a seed without it",
        ));
    } else {
        import_seed(args, file, &database)?
    };
    let shown = json!({
        "file": database.to_string_lossy(),
        "dryRun": args.dry_run,
        "counts": imported.counts,
        "skipped": imported.skipped,
        "unsent": imported.unsent,
        "checked": imported.is_checked,
    });
    args.output
        .print(|| told(&database, &imported, args.dry_run), &shown)
}

/// What was imported.
struct Done {
    /// How much: of a seed the organizations and invitations, of an export the events, too.
    counts: Value,
    /// Organizations that were there already.
    skipped: u64,
    /// Invitations whose mail still waited where they come from.
    unsent: u64,
    /// Whether a checksum has shown that it was whole.
    is_checked: bool,
}

/// Imports an export.
fn import_export(args: &ImportArgs, mut file: File, database: &Path) -> Result<Done, Failure> {
    let unreadable = |error: io::Error| cannot_read(&args.file, &error);
    let mut display = Display::new();
    let mut tell = |done| display.show_records("checking", done, None);
    let checked = lines::check(BufReader::new(&file), &mut tell).map_err(unreadable)?;
    let total = checked
        .map_err(|mistakes| refused(&args.file, &mistakes.to_string()))?
        .total();
    begin(&mut file).map_err(unreadable)?;
    let imported = db::write_unserved(database, |tx| {
        let manner = Manner {
            skips_existing: args.skip_existing,
            by: By::CLI,
        };
        let mut tell = |done| display.show_records("importing", done, Some(total));
        let imported = import::put(tx, BufReader::new(&file), manner, &mut tell)?;
        let is_kept = imported.is_ok() && !args.dry_run;
        Ok((imported, is_kept))
    });
    drop(display);
    let Imported {
        counts,
        skipped,
        unsent,
    } = imported?.map_err(|mistakes| refused(&args.file, &mistakes.to_string()))?;
    Ok(Done {
        counts: json!(counts),
        skipped,
        unsent,
        is_checked: true,
    })
}

/// Imports a seed, which somebody's script wrote.
fn import_seed(args: &ImportArgs, mut file: File, database: &Path) -> Result<Done, Failure> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| cannot_read(&args.file, &error))?;
    let refused = |error: &Error| refused(&args.file, &super::dev::reasons(error));
    let seed = seed::read(&bytes).map_err(|error| refused(&error))?;
    let origin = Origin {
        actor: By::CLI.actor.to_owned(),
        request_id: Uuid::new_v4().to_string(),
    };
    let (total, mut display) = (seed.invitations(), Display::new());
    let mut tell = |done| display.show_records("importing", done, Some(total));
    let seeded = db::write_unserved(database, |tx| {
        match seed::fill_beside(tx, seed, &origin, &mut tell) {
            Ok(seeded) => Ok((Ok(seeded), !args.dry_run)),
            Err(error) if error.code.meaning().status < 500 => Ok((Err(error), false)),
            Err(error) => Err(error),
        }
    });
    drop(display);
    let seeded = seeded?.map_err(|error| refused(&error))?;
    Ok(Done {
        counts: json!(seeded),
        skipped: 0,
        unsent: 0,
        is_checked: false,
    })
}

/// Whether `file` begins as an export does. It stands at its beginning before and after.
fn begins_as_export(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref()
        .take(u64::try_from(transfer::MAGIC.len()).unwrap_or_default())
        .read_to_end(&mut start)?;
    begin(file)?;
    Ok(start == transfer::MAGIC)
}

/// Goes to the beginning of what `file` says, which is behind a byte order mark.
fn begin(file: &mut File) -> io::Result<()> {
    file.rewind()?;
    let (mark, mut start) = (BYTE_ORDER_MARK, Vec::new());
    let length = u64::try_from(mark.len()).unwrap_or_default();
    file.by_ref().take(length).read_to_end(&mut start)?;
    if start == mark { Ok(()) } else { file.rewind() }
}

/// Opens what is imported. It is read twice, so what can be read only once is copied into a file
/// without a name.
fn open(path: &Path) -> io::Result<File> {
    let mut input: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Box::new(file)
    };
    let mut copy = tempfile::tempfile()?;
    io::copy(&mut input, &mut copy)?;
    copy.rewind()?;
    Ok(copy)
}

/// What is imported cannot be read.
fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::runtime(
        format!("cannot read {} ({error})", path.display()),
        "nothing was changed; name a file that this user can read",
    )
}

/// What is imported cannot be taken, because of `why`.
fn refused(path: &Path, why: &str) -> Failure {
    Failure::runtime(
        format!("cannot import {}:\n  {why}", path.display()),
        "nothing was changed; correct the file, or export it again; docs/move.md describes what can \
         be imported",
    )
}

/// What a person has to know of an import.
fn told(database: &Path, done: &Done, is_dry_run: bool) -> String {
    let counts = done.counts.as_object().into_iter().flatten();
    let counts: Vec<_> = counts
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    let mut told = format!("{}: {}\n", database.display(), counts.join(", "));
    told += if done.is_checked {
        "the checksum is right\n"
    } else {
        "no checksum was checked: it is a seed, and no export\n"
    };
    if done.skipped > 0 {
        let skipped = done.skipped;
        told += &format!("organizations that are there already, and were left out: {skipped}\n");
    }
    if done.unsent > 0 {
        let unsent = done.unsent;
        told += &format!(
            "invitations whose mail still waited: {unsent}; nothing sends it here, so send them \
             again\n"
        );
    }
    told += match (is_dry_run, done.is_checked) {
        (true, _) => "it was only tried: nothing was changed\n",
        (false, true) => "open links work only with a copy of the secret of where they come from\n",
        (false, false) => "nothing was mailed: send invitations again to reach people\n",
    };
    told
}

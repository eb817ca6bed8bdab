//! What the bench needs of the machine, and what a reader of its table should know about it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;

/// Which cores do what, as `taskset` reads them.
#[derive(Clone, Copy, Debug)]
pub struct Cores {
    /// Those of the server, or of the baseline in its place.
    pub server: &'static str,
    /// Those of the load.
    pub load: &'static str,
}

impl Cores {
    /// One core for the server, another one for the load.
    pub const ONE: Self = Self {
        server: "0",
        load: "1",
    };

    /// Two cores for the server, which the load shares where there is no third.
    pub fn two() -> Self {
        if has_third() {
            Self {
                server: "0,2",
                load: "1",
            }
        } else {
            Self {
                server: "0,1",
                load: "0,1",
            }
        }
    }
}

/// Whether there are cores to spare for a second worker.
fn has_third() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 2)
}

/// File systems that live in memory: a sync costs nothing there.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];
/// Processes that run or want to run, above which the figures are doubtful.
const BUSY: f64 = 1.0;

/// Checks that everything is there for counting instructions.
///
/// # Errors
/// With what is missing and what to do.
pub fn check_for_counting() -> Result<()> {
    need("valgrind", "valgrind", "--version")?;
    need("taskset", "util-linux", "-V")
}

/// Checks that everything is there for measuring time.
///
/// # Errors
/// With what is missing and what to do.
pub fn check(folder: &Path) -> Result<()> {
    need("wrk", "wrk", "-v")?;
    need("taskset", "util-linux", "-V")?;
    if std::thread::available_parallelism()?.get() < 2 {
        return Err("this needs two cores: one for the server, one for the load".into());
    }
    let kind = file_system(folder)?;
    if IN_MEMORY.contains(&kind.as_str()) {
        return Err(format!(
            "{} is on {kind}, in memory: name a folder on a disk by --folder",
            folder.display()
        )
        .into());
    }
    Ok(())
}

/// Fails where a program is missing that Debian has in `package`.
fn need(program: &str, package: &str, argument: &str) -> Result<()> {
    let found = Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_err() {
        let advice = format!("install it (Debian: apt-get install {package})");
        return Err(format!("`{program}` is missing: {advice}").into());
    }
    Ok(())
}

/// What the processor calls itself.
///
/// # Errors
/// When the machine does not tell.
pub fn model() -> Result<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown");
    Ok(model.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// One paragraph about where the figures come from.
///
/// # Errors
/// When the machine does not tell.
pub fn describe(folder: &Path) -> Result<String> {
    let Cores { server, load: wrk } = Cores::ONE;
    let two = if has_third() {
        ""
    } else {
        " With two workers wrk shares their cores: their rate says little, processor time does."
    };
    Ok(format!(
        "Machine: {}, {} cores, data on {} ({}).\nServer and baselines on core {server}, \
         wrk on core {wrk}.{two} {}",
        model()?,
        std::thread::available_parallelism()?,
        file_system(folder)?,
        folder.display(),
        load()?,
    ))
}

/// How busy the machine is, and whether that spoils the figures.
///
/// # Errors
/// When the machine does not tell.
pub fn load() -> Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let (now, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let before: f64 = rest.split(' ').nth(1).unwrap_or_default().parse()?;
    let advice = if before > BUSY {
        " Other programs may have been running: trust \"by CPU\" more."
    } else {
        ""
    };
    Ok(format!(
        "Load average {now} now, {before} over 15 minutes.{advice}"
    ))
}

/// The kind of file system that holds `folder`.
fn file_system(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let holding = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    let (_, kind) = holding
        .max_by_key(|(length, _)| *length)
        .ok_or("no mount holds the folder")?;
    Ok(kind.to_owned())
}

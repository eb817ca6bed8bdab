//! How faults are made: a disk that can lose its power, a disk that can fill up, calls that fail,
//! another user.
//!
//! All of it needs Linux and most of it root; each recipe is tried before the trials that need it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use rustix::ioctl::{Opcode, Setter, ioctl};

use crate::{Outcome, say};

/// `EXT4_IOC_SHUTDOWN`: the file system stops as if the power had failed.
const EXT4_SHUTDOWN: Opcode = 0x8004_587d;

/// `EXT4_GOING_FLAGS_NOLOGFLUSH`: what is not on the disk yet is lost, the journal included.
const WITHOUT_LOG_FLUSH: u32 = 2;

/// Room for the longest load; the image is sparse.
const IMAGE_BYTES: u64 = 256 << 20;

/// A user and a group without rights: `nobody`.
const NOBODY: &str = "65534";

/// Set in the copy of this process that has mounts of its own.
const NAMESPACE_VARIABLE: &str = "INVITED_DURABILITY_NAMESPACE";

/// A mounted file system, unmounted when dropped.
pub struct Mount {
    /// The mount point.
    point: PathBuf,
}

impl Mount {
    /// Makes an ext4 file system in a sparse file.
    pub fn format_ext4(image: &Path) -> Outcome {
        File::create(image)?.set_len(IMAGE_BYTES)?;
        run(
            "mkfs.ext4",
            [OsStr::new("-q"), OsStr::new("-F"), image.as_os_str()],
        )
    }

    /// Mounts the file as a disk of its own.
    pub fn ext4(image: &Path, point: &Path) -> Outcome<Self> {
        fs::create_dir_all(point)?;
        let loop_device = ["-o", "loop"].map(OsStr::new);
        run(
            "mount",
            loop_device
                .into_iter()
                .chain([image.as_os_str(), point.as_os_str()]),
        )?;
        Ok(Self {
            point: point.to_owned(),
        })
    }

    /// Mounts a file system in memory with options such as `size=8m`.
    pub fn tmpfs(point: &Path, options: &str) -> Outcome<Self> {
        fs::create_dir_all(point)?;
        let words = ["-t", "tmpfs", "-o", options, "tmpfs"].map(OsStr::new);
        run("mount", words.into_iter().chain([point.as_os_str()]))?;
        Ok(Self {
            point: point.to_owned(),
        })
    }

    /// Shows one file at another place as well.
    pub fn bind(source: &Path, point: &Path) -> Outcome<Self> {
        File::create_new(point)?;
        run(
            "mount",
            [OsStr::new("--bind"), source.as_os_str(), point.as_os_str()],
        )?;
        Ok(Self {
            point: point.to_owned(),
        })
    }

    /// Changes the options of a mounted file system.
    pub fn remount(&self, options: &str) -> Outcome {
        let options = format!("remount,{options}");
        run(
            "mount",
            [
                OsStr::new("-o"),
                OsStr::new(&options),
                self.point.as_os_str(),
            ],
        )
    }

    /// Where it is mounted.
    pub fn point(&self) -> &Path {
        &self.point
    }

    /// Cuts the power: nothing reaches the disk from here on, and what was not synced is lost.
    #[expect(
        unsafe_code,
        reason = "the shutdown of a file system has no safe interface"
    )]
    pub fn cut_power(&self) -> Outcome {
        let directory = File::open(&self.point)?;
        // SAFETY: the opcode takes a pointer to a 32-bit number, which `Setter` holds for the whole
        // call.
        unsafe {
            ioctl(
                &directory,
                Setter::<EXT4_SHUTDOWN, u32>::new(WITHOUT_LOG_FLUSH),
            )?;
        };
        Ok(())
    }

    /// Unmounts, once no process uses it.
    pub fn unmount(self) -> Outcome {
        run("umount", [self.point.as_os_str()])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(&self.point)
            .output();
    }
}

/// Runs a program of the system and expects it to succeed.
fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| Failed::from(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}: {}", output.status, text.trim()).into())
}

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFault {
    /// The calls, as strace names them.
    pub calls: &'static str,
    /// The error, as strace names it.
    pub error: &'static str,
}

impl CallFault {
    /// The command line that makes the n-th such call fail in each thread, for the files of one
    /// database only.
    ///
    /// The traced program stays the direct child (`-D`), so that killing the child kills the
    /// server.
    pub fn strace(self, position: u32, database: &Path, report: &Path) -> Vec<OsString> {
        let Self { calls, error } = self;
        let mut words: Vec<OsString> = ["strace", "-D", "-f", "-q", "-y", "-ttt", "-s", "0"]
            .map(OsString::from)
            .into();
        words.extend(["-e", "trace=write,pwrite64,fsync,fdatasync"].map(OsString::from));
        words.extend([
            "-e".into(),
            format!("inject={calls}:error={error}:when={position}").into(),
        ]);
        for suffix in ["", "-wal"] {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            words.extend(["-P".into(), path]);
        }
        words.extend(["-o".into(), report.into()]);
        words
    }
}

/// The command line that runs a program without the rights of root; nothing when there are none to
/// give up.
pub fn as_other_user() -> Vec<OsString> {
    if !is_root() {
        return Vec::new();
    }
    let user = format!("--reuid={NOBODY}");
    let group = format!("--regid={NOBODY}");
    ["setpriv", &user, &group, "--clear-groups"]
        .map(OsString::from)
        .into()
}

/// Whether this process has the rights of root.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Why file systems cannot be mounted here, if so.
pub fn mount_obstacle() -> Option<String> {
    let attempt = || -> Outcome {
        let directory = tempfile::tempdir()?;
        Mount::tmpfs(directory.path(), "size=1m")?.unmount()
    };
    reason(attempt())
}

/// Why a disk cannot be made to lose its power here, if so.
pub fn power_obstacle() -> Option<String> {
    let attempt = || -> Outcome {
        let directory = tempfile::tempdir()?;
        let image = directory.path().join("image");
        Mount::format_ext4(&image)?;
        let mount = Mount::ext4(&image, &directory.path().join("disk"))?;
        mount.cut_power()?;
        mount.unmount()
    };
    reason(attempt())
}

/// Why calls cannot be made to fail here, if so.
pub fn strace_obstacle() -> Option<String> {
    let words = [
        "-q",
        "-e",
        "trace=fsync",
        "-e",
        "inject=fsync:error=EIO",
        "true",
    ];
    reason(run("strace", words))
}

/// Why no program can be run without the rights of root here, if so.
pub fn other_user_obstacle() -> Option<String> {
    let words = as_other_user();
    let (program, arguments) = words.split_first()?;
    let program = program.to_str()?;
    reason(run(
        program,
        arguments
            .iter()
            .map(OsString::as_os_str)
            .chain([OsStr::new("true")]),
    ))
}

/// The text of a failed attempt in one line.
fn reason(attempt: Outcome) -> Option<String> {
    let failed = attempt.err()?;
    let text = failed
        .message()
        .and_then(|text| text.lines().next())
        .unwrap_or("unknown");
    Some(if is_root() {
        text.to_owned()
    } else {
        format!("not root: {text}")
    })
}

/// Runs this program again with mounts of its own, so that none outlives it, however it ends.
///
/// Returns where that is not possible or has been done.
pub fn with_own_mounts() {
    use std::os::unix::process::CommandExt as _;

    if std::env::var_os(NAMESPACE_VARIABLE).is_some()
        || run("unshare", ["--mount", "true"]).is_err()
    {
        return;
    }
    if let Ok(own) = std::env::current_exe() {
        let error = Command::new("unshare")
            .args(["--mount", "--"])
            .arg(own)
            .args(std::env::args_os().skip(1))
            .env(NAMESPACE_VARIABLE, "1")
            .exec();
        say(format!("mounts are not isolated: {error}"));
    }
}

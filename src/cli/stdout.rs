//! Whether anybody gets what a command prints.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::base::failure::Failure;

/// Where nothing is kept.
const NULL: &str = "/dev/null";

/// Checks that stdout was not closed (`>&-`), before a command makes `what`, which is of use only to
/// whoever reads it there. Such a stdout takes everything without an error.
///
/// # Errors
/// When it was closed: nothing may be made then.
pub(super) fn check(what: &str) -> Result<(), Failure> {
    if !is_closed() {
        return Ok(());
    }
    Err(Failure::runtime(
        format!("stdout is closed, or leads nowhere, so nobody would get {what}"),
        "nothing was made; let stdout go to a terminal, a file or a pipe",
    ))
}

/// Whether stdout was closed when the program was started. Rust's runtime opens the null device in
/// its place, for reading and writing, as some programs do for what they ignore; a shell that is told
/// to opens it for writing alone, and that was meant.
fn is_closed() -> bool {
    let stdout = io::stdout();
    let (Ok(own), Ok(flags)) = (rustix::fs::fstat(&stdout), rustix::fs::fcntl_getfl(&stdout))
    else {
        return true;
    };
    let Ok(null) = Path::new(NULL).metadata() else {
        return false;
    };
    let is_null =
        null.file_type().is_char_device() && (own.st_dev, own.st_ino) == (null.dev(), null.ino());
    is_null && flags.intersection(OFlags::RWMODE) == OFlags::RDWR
}

//! Files that hold one secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::base::failure::Failure;

/// The text of a file that holds one secret, and the rights of the file.
///
/// # Errors
/// When it cannot be read, or holds nothing.
pub(crate) fn read_secret(path: &Path, by: &str) -> Result<(String, u32), Failure> {
    let shown = path.display();
    let read = fs::read(path).and_then(|bytes| Ok((bytes, fs::metadata(path)?)));
    let (bytes, metadata) = read.map_err(|error| {
        let what = format!("cannot read the file {shown} that {by} names ({error})");
        Failure::usage(what, "name a file that this user can read")
    })?;
    let hint = "put the value into the file, as plain UTF-8";
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(
            format!("the file {shown} that {by} names is not text"),
            hint,
        )
    })?;
    let text = text
        .trim_start_matches('\u{feff}')
        .trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        let what = format!("the file {shown} that {by} names is empty");
        return Err(Failure::usage(what, hint));
    }
    Ok((text.to_owned(), metadata.permissions().mode()))
}

/// What is told of a file with a secret that others may read.
pub(crate) fn readable(path: &Path) -> String {
    format!(
        "others on this machine may read {}, which holds a secret",
        path.display()
    )
}

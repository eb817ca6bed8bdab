//! The file that has the port of a server as long as it listens.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::base::failure::Failure;

/// The longest file that can have a port, in bytes.
const MAX_BYTES: u64 = 16;
/// A port is no secret: a test that runs as another user may read it.
const MODE: u32 = 0o644;

/// A file with a port. It is removed when this is dropped, unless another server has written its
/// own there meanwhile.
#[derive(Debug)]
pub(super) struct PortFile {
    /// Where it is.
    path: PathBuf,
    /// Device and number of the file that was written.
    identity: (u64, u64),
    /// The file, open: no other one gets its number.
    _file: File,
}

impl PortFile {
    /// Removes what a server has left that was killed: whoever waits for the file would take a port
    /// from it on which nobody listens. That of a server which listens stays until this one does.
    ///
    /// # Errors
    /// When something else than a port is there, or it cannot be removed.
    pub(super) fn clear(path: &Path) -> Result<(), Failure> {
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unwritable(path, &error)),
        };
        let text = if found.is_file() && found.len() <= MAX_BYTES {
            fs::read_to_string(path).ok()
        } else {
            None
        };
        let port = text.and_then(|text| text.trim_end().parse().ok());
        let port = port.ok_or_else(|| {
            Failure::usage(
                format!("{} is there, and has no port", path.display()),
                "name another file with --port-file; one that has something else is not replaced",
            )
        })?;
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        fs::remove_file(path).map_err(|error| unwritable(path, &error))
    }

    /// Writes `port` and the end of a line, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(path: &Path, port: u16) -> Result<Self, Failure> {
        // The process may change its folder, but the file stays where it is.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let written = put(&path, port).and_then(|file| Ok((file.metadata()?, file)));
        let (found, file) = written.map_err(|error| unwritable(&path, &error))?;
        Ok(Self {
            path,
            identity: (found.dev(), found.ino()),
            _file: file,
        })
    }

    /// Removes the file.
    pub(super) fn remove(&self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if is_ours {
            // It may be gone already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for PortFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Writes a file under another name, and gives it its own then.
fn put(path: &Path, port: u16) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)?;
    writeln!(file, "{port}")?;
    Ok(file.persist(path)?)
}

/// The file cannot be written.
fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::runtime(
        format!("cannot write the port to {} ({error})", path.display()),
        "name another file with --port-file, in a folder that is there",
    )
}

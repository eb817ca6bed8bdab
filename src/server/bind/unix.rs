//! Sockets of paths.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Address, BACKLOG, Listener, refused};
use crate::base::failure::Failure;

/// The file of a socket that this server has made. Dropped, it goes, unless another server has
/// taken the path meanwhile.
pub(super) struct SocketFile {
    /// Its path.
    path: PathBuf,
    /// Its device and inode.
    id: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identify(&self.path).is_ok_and(|id| id == self.id) {
            // Whoever finds it sees that nobody listens.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Which file is at `path`.
fn identify(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Listens on `path`, where whoever `mode` lets may connect.
///
/// # Errors
/// When another program listens there, or the path cannot be used.
pub(super) fn bind(path: &Path, mode: u32) -> Result<Listener, Failure> {
    let place = format!("unix:{}", path.display());
    clear(path)
        .map_err(|why| Failure::runtime(format!("cannot listen on {place}: {}", why.0), why.1))?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    listen(&path, mode).map_err(|error| refused(&place, &error, hint(&error)))
}

/// Why a path is not free, and what to do about it.
struct Taken(String, &'static str);

/// Takes the socket of a server that is gone out of the way, and nothing else.
fn clear(path: &Path) -> Result<(), Taken> {
    let Ok(file) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !file.file_type().is_socket() {
        let what = "a file that is no socket is there".to_owned();
        return Err(Taken(
            what,
            "move it away, or give another path with --listen",
        ));
    }
    match connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)
            .map_err(|error| {
                Taken(
                    error.to_string(),
                    "remove the socket of a server that is gone",
                )
            }),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Taken(
            "another user's socket is there".to_owned(),
            "remove it, or give another path with --listen",
        )),
        _ => Err(Taken(
            "another program listens there".to_owned(),
            "stop it, or give another path with --listen",
        )),
    }
}

/// Tries whether anybody listens on `path`, without waiting for a place in a full queue.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Makes the socket. Its mode is set before anybody can connect.
fn listen(path: &Path, mode: u32) -> io::Result<Listener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile {
        path: path.to_owned(),
        id: identify(path)?,
    };
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)?;
    adopt(socket.into(), Some(file))
}

/// The listener of a socket that listens already; without `file`: of one of systemd.
pub(super) fn adopt(socket: UnixListener, file: Option<SocketFile>) -> io::Result<Listener> {
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let path = address.as_pathname().unwrap_or(Path::new("")).to_owned();
    Ok(Listener {
        socket: super::Socket::Unix(socket),
        address: Address::Unix(path),
        prefix: None,
        is_passed: file.is_none(),
        file,
    })
}

/// What to do about the cause.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "make its folder, or give another path with --listen",
        ErrorKind::PermissionDenied => {
            "give a path with --listen in a folder that this user can write"
        }
        _ => "give another path with --listen, as unix:/run/invited.sock?mode=660",
    }
}

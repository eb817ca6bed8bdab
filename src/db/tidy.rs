//! Commands that only read leave nothing beside the file that was not there before them.

use std::path::{Path, PathBuf};

use super::connection;
use super::place::{beside, resolve};

/// What SQLite puts beside a file for whoever reads it.
const LOG: [&str; 2] = ["-wal", "-shm"];

/// A file beside which nothing lay. What lies there when this is dropped goes, unless somebody has
/// the file open: a server may have started meanwhile. Whoever reads the file closes it before.
pub(super) struct Tidy(Option<PathBuf>);

impl Tidy {
    /// Looks what lies beside the file that `path` names.
    pub(super) fn before(path: &Path) -> Self {
        let path = resolve(path).ok();
        Self(path.filter(|path| !has_log(path)))
    }
}

impl Drop for Tidy {
    fn drop(&mut self) {
        if let Some(path) = self.0.as_ref().filter(|path| has_log(path)) {
            // What stays does no harm: the next server starts with it.
            let _ = connection::remove_log(path);
        }
    }
}

/// Whether a log lies beside the file at `path`, or the index of one.
fn has_log(path: &Path) -> bool {
    LOG.iter().any(|suffix| beside(path, suffix).exists())
}

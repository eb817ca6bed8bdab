//! The backups that the server makes by itself.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rustix::fs::{Access, access};

use super::parse::parse_number;
use crate::backup::schedule::{FIRST_AFTER, Plan, RETRY_AFTER};
use crate::base::duration;
use crate::base::failure::Failure;

/// The shortest time between two.
const MIN_EVERY: Duration = Duration::from_secs(60);
/// The longest time between two.
const MAX_EVERY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The settings of the backups that the server makes.
#[derive(Args, Clone, Debug)]
pub struct BackupSettings {
    /// Folder, for this server alone, into which it makes backups by itself; none: it makes none
    #[arg(long, env = "INVITED_BACKUP_DIR", value_name = "FOLDER")]
    pub backup_dir: Option<PathBuf>,

    /// Time between two of them: 1m to 30d, as 90m, 12h, 1d
    #[arg(long, env = "INVITED_BACKUP_EVERY", value_name = "DURATION", default_value = "1d",
        value_parser = parse_every)]
    pub backup_every: Duration,

    /// How many of them stay, 1 to 1000; older ones are removed
    #[arg(long, env = "INVITED_BACKUP_KEEP", value_name = "N", default_value_t = 7,
        value_parser = |text: &str| parse_number::<u16>(text, 1..=1_000))]
    pub backup_keep: u16,
}

impl BackupSettings {
    /// The plan that the settings make; none: no backups.
    ///
    /// # Errors
    /// When backups cannot be made in the folder.
    pub(crate) fn plan(&self) -> Result<Option<Plan>, Failure> {
        let Some(folder) = &self.backup_dir else {
            return Ok(None);
        };
        let is_usable = access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK);
        let why = match is_usable {
            _ if folder.exists() && !folder.is_dir() => Some("it is no folder".to_owned()),
            Ok(()) => None,
            Err(error) => Some(std::io::Error::from(error).to_string()),
        };
        if let Some(why) = why {
            return Err(Failure::usage(
                format!("cannot make backups in {} ({why})", folder.display()),
                "make the folder, for the user that the server runs as, or name another one with \
                 --backup-dir",
            ));
        }
        Ok(Some(Plan {
            folder: folder.clone(),
            every: self.backup_every,
            keep: usize::from(self.backup_keep),
            first_after: FIRST_AFTER,
            retry_after: RETRY_AFTER,
        }))
    }
}

/// Reads the time between two backups.
fn parse_every(text: &str) -> Result<Duration, String> {
    let range = MIN_EVERY.as_secs()..=MAX_EVERY.as_secs();
    duration::parse_within(text, range, "from a minute (1m) to 30 days (30d)")
}

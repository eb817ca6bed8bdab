//! The server's own secret, from which links and codes are derived. It never lies in the data file: whoever has only that, or a
//! backup of it, has nothing that opens an invitation.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::failure::Failure;
use crate::token::hex;

/// The fewest bytes of a secret that somebody chose: as many as the MAC has.
const MIN_LEN: usize = 32;
/// Random bytes of a secret that is made.
const MADE_LEN: usize = 32;

/// Where the secret comes from.
#[derive(Clone)]
pub enum Source {
    /// It was given itself (`INVITED_SECRET`).
    Given(String),
    /// It is in this file, which must be there.
    File(PathBuf),
    /// It is in this file, which is made if missing.
    Own(PathBuf),
}

/// The key of every MAC that this server makes. Clones are copies of it.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// Gets the secret, making it where it is ours to make.
    ///
    /// # Errors
    /// When it is too short, or its file cannot be used.
    pub fn load(source: &Source) -> Result<Self, Failure> {
        match source {
            Source::Given(text) => Self::parse(text, "INVITED_SECRET"),
            Source::File(path) => Self::read(path),
            Source::Own(path) => {
                if !path.exists() {
                    make(path).map_err(|error| unusable(path, &error))?;
                }
                Self::read(path)
            }
        }
    }

    /// The MAC (HMAC-SHA-256) of `parts`, for one `purpose`: what was made for one is worth nothing for another. Lengths go
    /// in front of the parts, so that none can run into the next.
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in [purpose.as_bytes()].iter().chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Reads the secret from a file.
    fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
        if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
            log::warn!("others on this machine may read the secret file; make it 0600 ({})", path.display());
        }
        Self::parse(&text, &path.display().to_string())
    }

    /// Takes a text as the secret, without the spaces around it.
    fn parse(text: &str, place: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if text.len() < MIN_LEN {
            return Err(Failure::usage(
                format!("the secret in {place} has {} bytes, fewer than {MIN_LEN}", text.len()),
                "give a random one, as `openssl rand -hex 32` prints it",
            ));
        }
        let key = Hmac::new_from_slice(text.as_bytes());
        key.map(Self).map_err(|error| Failure::usage(error.to_string(), "give another secret"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given(hidden)"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Own(path) => write!(f, "Own({})", path.display()),
        }
    }
}

/// Makes a secret of its own for the server: whole or not at all, for its owner alone.
fn make(path: &Path) -> std::io::Result<()> {
    let mut random = [0; MADE_LEN];
    getrandom::fill(&mut random)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // 0600, as every temporary file.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", hex(&random))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(folder)?.sync_all()
}

/// The file of the secret cannot be used.
fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::runtime(
        format!("cannot use the secret file {} ({error})", path.display()),
        "name a file that this user can read with --secret-file, or give the secret itself in INVITED_SECRET",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Result<Secret, Failure> {
        Secret::load(&Source::Given(text.to_owned()))
    }

    #[test]
    fn a_mac_depends_on_secret_purpose_and_where_the_parts_end() -> Result<(), Failure> {
        let (one, other) = (secret(&"1".repeat(32))?, secret(&"2".repeat(32))?);
        let mac = one.mac("link", &[b"ab", b"c"]);
        assert_eq!(mac, one.mac("link", &[b"ab", b"c"]));
        assert_ne!(mac, one.mac("link", &[b"a", b"bc"]));
        assert_ne!(mac, one.mac("code", &[b"ab", b"c"]));
        assert_ne!(mac, other.mac("link", &[b"ab", b"c"]));
        Ok(())
    }

    #[test]
    fn a_short_secret_is_refused_and_none_is_shown() {
        assert!(secret(&"x".repeat(31)).is_err());
        assert_eq!(format!("{:?}", secret(&"x".repeat(32))), "Ok(Secret(hidden))");
        assert_eq!(format!("{:?}", Source::Given("x".repeat(32))), "Given(hidden)");
    }

    #[test]
    fn a_made_secret_is_for_its_owner_alone_and_stays() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let source = Source::Own(folder.path().join("invited.db.secret"));
        let mac = Secret::load(&source)?.mac("link", &[]);
        let mode = fs::metadata(folder.path().join("invited.db.secret"))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Secret::load(&source)?.mac("link", &[]), mac);
        Ok(())
    }
}

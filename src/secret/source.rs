//! Reads the secrets of a file or a variable, and makes the first one.
//!
//! Both hold one secret or several, newest first, with spaces or line ends between them.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Secret, Weak};
use crate::base::failure::Failure;
use crate::base::hex::hex;
use crate::base::shell::shell_word;
use crate::db::adopt;

/// Random bytes of a secret that is made.
const MADE_LEN: usize = 32;
/// What to do about a text that is not a secret.
const GIVE_RANDOM: &str = "give a random one, as `openssl rand -hex 32` prints it";

/// Where the secrets come from.
#[derive(Clone)]
pub enum Source {
    /// They were given themselves (`INVITED_SECRET`).
    Given(String),
    /// They are in this file, which must be there.
    File(PathBuf),
    /// They are in this file, which is made if missing.
    Own(PathBuf),
}

/// The secrets of a source.
#[derive(Debug)]
pub struct Loaded {
    /// The first one, which signs.
    pub signing: Secret,
    /// Those behind it.
    pub earlier: Vec<Secret>,
    /// The file, if others than its owner may read it.
    pub readable: Option<PathBuf>,
}

impl Source {
    /// Gets the secrets. Where the file is missing, returns none unless `may_make` is set: then
    /// this makes the first secret, if the file is ours to make.
    ///
    /// # Errors
    /// When they cannot be read, or are no secrets.
    pub fn load(&self, may_make: bool) -> Result<Option<Loaded>, Failure> {
        let (path, is_own) = match self {
            Self::Given(text) => return Loaded::parse(text, "INVITED_SECRET").map(Some),
            Self::File(path) => (path, false),
            Self::Own(path) => (path, true),
        };
        let is_there = path.try_exists().map_err(|error| unusable(path, &error))?;
        match (is_there, may_make) {
            (false, false) => return Ok(None),
            (false, true) if is_own => make(path).map_err(|error| unusable(path, &error))?,
            _ => {}
        }
        Loaded::read(path).map(Some)
    }

    /// Checks the secrets. Those of a file that we make may be missing, and are not made.
    ///
    /// # Errors
    /// When they cannot be read, or are no secrets.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let must_be_there = matches!(self, Self::File(_));
        self.load(must_be_there).map(drop)
    }

    /// The text of the secrets, as a file holds it.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        match self {
            Self::Given(text) => Ok(format!("{}\n", text.trim_ascii_end())),
            Self::File(path) | Self::Own(path) => read_text(path).map(|(text, _)| text),
        }
    }

    /// The file of the secrets; none: they were given themselves.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Given(_) => None,
            Self::File(path) | Self::Own(path) => Some(path),
        }
    }
}

impl Loaded {
    /// Every secret, the signing one first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.signing).chain(&self.earlier)
    }

    /// Reads the secrets of a file.
    fn read(path: &Path) -> Result<Self, Failure> {
        let (text, mode) = read_text(path)?;
        let readable = (mode & 0o044 != 0).then(|| path.to_owned());
        Ok(Self {
            readable,
            ..Self::parse(&text, &path.display().to_string())?
        })
    }

    /// Reads the secrets of a text.
    fn parse(text: &str, place: &str) -> Result<Self, Failure> {
        let mut secrets = words(text, place)?.into_iter().map(|(_, secret)| secret);
        let signing = secrets.next().ok_or_else(|| empty(place))?;
        Ok(Self {
            signing,
            earlier: secrets.collect(),
            readable: None,
        })
    }
}

/// The text of a secret file, and the rights of the file. One that others may write is refused:
/// they could put a secret of their own in.
pub(super) fn read_text(path: &Path) -> Result<(String, u32), Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.read_to_end(&mut bytes)?;
        file.metadata()
    });
    let mode = read
        .map_err(|error| unusable(path, &error))?
        .permissions()
        .mode();
    if mode & 0o022 != 0 {
        return Err(Failure::runtime(
            format!(
                "others on this machine may write the secret file {} (mode {:04o})",
                path.display(),
                mode & 0o7777
            ),
            format!(
                "make it yours alone: chmod 600 {}",
                shell_word(&path.to_string_lossy())
            ),
        ));
    }
    let text = String::from_utf8(bytes);
    text.map(|text| (text, mode))
        .map_err(|_| no_text(&format!("the secret file {}", path.display())))
}

/// The secrets of a text, each with its own text.
pub(super) fn words<'a>(text: &'a str, place: &str) -> Result<Vec<(&'a str, Secret)>, Failure> {
    if text.starts_with('\u{feff}') {
        return Err(Failure::usage(
            format!("the secret in {place} begins with a byte order mark"),
            "it would be a part of the secret: save the file without one, as plain UTF-8",
        ));
    }
    let text = text.trim_ascii_end();
    if text.replace("\r\n", "\n").contains('\r') {
        return Err(Failure::usage(
            format!("the secret in {place} has a carriage return that is not at a line's end"),
            GIVE_RANDOM,
        ));
    }
    if text
        .chars()
        .any(|char| char.is_control() && !char.is_ascii_whitespace())
    {
        return Err(no_text(&format!("the secret in {place}")));
    }
    let secret = |word| {
        Secret::new(word)
            .map(|secret| (word, secret))
            .map_err(|weak| refused(place, weak))
    };
    text.split_ascii_whitespace().map(secret).collect()
}

/// The text of a new secret.
pub(super) fn random() -> io::Result<String> {
    let mut random = [0; MADE_LEN];
    getrandom::fill(&mut random)?;
    Ok(hex(&random))
}

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Makes a secret of its own for the server: whole or not at all, for its owner alone.
fn make(path: &Path) -> io::Result<()> {
    // 0600, as every temporary file.
    let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
    writeln!(file, "{}", random()?)?;
    // What root makes is its server's.
    adopt(file.as_file(), folder(path))?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(folder(path))?.sync_all()
}

/// A text cannot be a secret.
fn refused(place: &str, weak: Weak) -> Failure {
    let hint = format!("{GIVE_RANDOM}; spaces and line ends separate several");
    Failure::usage(format!("a secret in {place} {weak}"), hint)
}

/// Bytes are not a text.
fn no_text(what: &str) -> Failure {
    Failure::usage(format!("{what} is not text"), GIVE_RANDOM)
}

/// There is no secret where one should be.
fn empty(place: &str) -> Failure {
    Failure::usage(
        format!("there is no secret in {place}: it is empty"),
        "bring back its copy; where no data file needs it yet, give a random one, as `openssl \
         rand -hex 32` prints it",
    )
}

/// The file of the secret cannot be used.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        "give it to the user of the server, as `chown --reference` of the data file does"
    } else {
        "name a file that this user can read with --secret-file, or give the secret itself in \
         INVITED_SECRET"
    };
    Failure::runtime(
        format!("cannot use the secret file {} ({error})", path.display()),
        hint,
    )
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

/// For people: the variable, or the file.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            None => f.write_str("INVITED_SECRET"),
            Some(path) => write!(
                f,
                "{}",
                fs::canonicalize(path)
                    .unwrap_or_else(|_| path.to_owned())
                    .display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_secret_is_for_its_owner_alone_and_stays() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let source = Source::Own(folder.path().join("invited.db.secret"));
        assert!(
            source.load(false)?.is_none(),
            "nothing is made without leave"
        );
        let made = source.load(true)?.ok_or("it is made")?;
        let mode = fs::metadata(folder.path().join("invited.db.secret"))?
            .permissions()
            .mode();
        assert_eq!((mode & 0o777, &made.readable), (0o600, &None));
        let again = source.load(false)?.ok_or("it is there")?;
        assert_eq!(again.signing.id(), made.signing.id());
        Ok(())
    }

    #[test]
    fn a_source_never_shows_what_was_given() {
        assert_eq!(
            format!("{:?}", Source::Given("x".repeat(32))),
            "Given(hidden)"
        );
    }
}

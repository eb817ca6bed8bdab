//! Where the values of settings come from: the flags, the environment, the configuration file.
//!
//! What the environment and the file say is checked by the parser of the flag, one value at a time,
//! and then stands in the place of the default. So there is one parser for each setting, and an
//! error names the variable or the line that it is about.

mod secret_file;
mod value;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::file::ConfigFile;
use super::masked::masked;
use crate::base::alike::slip;
use crate::base::failure::Failure;

pub(crate) use secret_file::{read_secret, readable};
use value::{check, on_or_off};
pub(crate) use value::{default_of, is_switch, is_value, key_of, names_flag};

/// The flag of the configuration file.
pub(crate) const CONFIG: &str = "config";

/// What the names of all variables begin with.
const PREFIX: &str = "INVITED_";

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command line.
    Flag,
    /// This variable.
    Variable(String),
    /// This line of the configuration file.
    File(PathBuf, usize),
    /// Nothing says otherwise.
    Default,
}

/// For people.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(path, line) => write!(f, "{}, line {line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting of a command.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The name of its flag, without dashes: its key in the file.
    pub key: String,
    /// Its variable.
    pub variable: String,
    /// Its value as the command line would have it, without secrets; none: it has none.
    pub value: Option<String>,
    /// What holds where nothing is set, in words; none: nothing does.
    pub default: Option<String>,
    /// Where the value comes from.
    pub source: Source,
}

/// What is known of the settings of a command, once it is called.
#[derive(Debug, Default)]
pub struct Sources {
    /// The configuration file.
    file: ConfigFile,
    /// Each setting that the command has.
    pub(crate) settings: Vec<Setting>,
    /// What is wrong with the values that the environment and the file give.
    pub(crate) failures: Vec<Failure>,
    /// The keys of the settings whose values are wrong.
    pub(crate) refused: Vec<String>,
    /// What the person who starts a server has to know, a sentence each.
    pub(crate) notes: BTreeSet<String>,
}

/// A value that was given.
struct Given {
    /// The value; several for a setting that takes a list.
    texts: Vec<OsString>,
    /// Where it comes from.
    source: Source,
}

impl Sources {
    /// Reads the configuration file that `matches` or the environment name. Its keys are `known`.
    pub(crate) fn read(matches: &ArgMatches, known: &[String]) -> Self {
        let mut sources = Self::default();
        let flag = matches.try_get_one::<PathBuf>(CONFIG);
        let path = match flag {
            // This command has no settings.
            Err(_) => None,
            Ok(Some(path)) => Some(path.clone()),
            Ok(None) => variable("INVITED_CONFIG").map(PathBuf::from),
        };
        if let Some(path) = path {
            sources.file = ConfigFile::read(&path, known, &mut sources.failures);
        }
        sources
    }

    /// `command` with what the environment and the file give in the place of its defaults, where
    /// `matches` has no flag.
    pub(crate) fn apply(&mut self, command: Command, matches: &ArgMatches) -> Command {
        let Some((name, inner)) = matches.subcommand() else {
            return self.apply_here(command, matches);
        };
        // The root has the settings of `serve`, which are not those of its subcommands.
        let is_root = command.get_name() == "invited";
        let command = if is_root {
            without_own_variables(command)
        } else {
            self.apply_here(command, matches)
        };
        command.mut_subcommand(name, |command| self.apply(command, inner))
    }

    /// The same for the arguments of `command` itself.
    fn apply_here(&mut self, command: Command, matches: &ArgMatches) -> Command {
        command.mut_args(|arg| match arg.get_env().map(ToOwned::to_owned) {
            None => arg,
            Some(name) => {
                let arg = arg.env(Resettable::Reset);
                self.apply_to(arg, &name.to_string_lossy(), matches)
            }
        })
    }

    /// The same for one argument.
    fn apply_to(&mut self, arg: Arg, name: &str, matches: &ArgMatches) -> Arg {
        let found = self
            .find(&arg, name, matches)
            .and_then(|given| match given {
                Some(given) => check(&arg, &given).map(|()| Some(given)),
                None => Ok(None),
            });
        let given = found.unwrap_or_else(|failure| {
            self.failures.push(failure);
            self.refused.push(key_of(&arg));
            None
        });
        let from_flag = is_flag(matches, arg.get_id().as_str());
        let source = match &given {
            Some(given) => given.source.clone(),
            None if from_flag => Source::Flag,
            None => Source::Default,
        };
        self.settings.push(Setting {
            key: key_of(&arg),
            variable: name.to_owned(),
            value: None,
            default: default_of(&arg),
            source,
        });
        match given {
            Some(given) => arg.default_values(given.texts),
            None => arg,
        }
    }

    /// What gives the value of `arg`, unless its own flag or nothing does.
    ///
    /// # Errors
    /// When two of a kind do, or a file that is named cannot be read.
    fn find(
        &mut self,
        arg: &Arg,
        name: &str,
        matches: &ArgMatches,
    ) -> Result<Option<Given>, Failure> {
        let key = key_of(arg);
        let is_secret = arg.is_hide_env_values_set();
        let file_key = format!("{key}-file");
        let flag = is_flag(matches, arg.get_id().as_str());
        if is_secret && let Some(path) = file_flag(matches, &file_key) {
            if flag {
                return Err(both(&format!("--{key}"), &format!("--{file_key}")));
            }
            return self
                .read_secret(&path, &format!("--{file_key}"), Source::Flag)
                .map(Some);
        }
        if flag || (key == "secret-file" && variable("INVITED_SECRET").is_some()) {
            return Ok(None);
        }
        if let Some(given) = self.in_environment(name, is_secret)? {
            return Ok(Some(given));
        }
        self.in_file(&key, is_secret)
    }

    /// The value that the environment gives.
    fn in_environment(&mut self, name: &str, is_secret: bool) -> Result<Option<Given>, Failure> {
        let file_name = format!("{name}_FILE");
        let path = variable(&file_name).filter(|_| is_secret);
        match (variable(name), path) {
            (Some(_), Some(_)) => Err(both(name, &file_name)),
            (Some(text), None) => Ok(Some(Given {
                texts: vec![text],
                source: Source::Variable(name.to_owned()),
            })),
            (None, Some(path)) => {
                let source = Source::Variable(file_name.clone());
                self.read_secret(Path::new(&path), &file_name, source)
                    .map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// The value that the configuration file gives.
    fn in_file(&mut self, key: &str, is_secret: bool) -> Result<Option<Given>, Failure> {
        let Some(path) = self.file.path().map(ToOwned::to_owned) else {
            return Ok(None);
        };
        let file_key = format!("{key}-file");
        let named = self.file.find(&file_key).filter(|_| is_secret).cloned();
        let entry = self.file.find(key).cloned();
        match (entry, named) {
            (Some(_), Some(_)) => {
                let place = |key: &str| format!("`{key}` of {}", path.display());
                Err(both(&place(key), &place(&file_key)))
            }
            (Some(entry), None) => {
                if is_secret && self.file.is_readable() {
                    self.notes.insert(readable(&path));
                }
                Ok(Some(Given {
                    texts: entry.texts.into_iter().map(OsString::from).collect(),
                    source: Source::File(path, entry.line),
                }))
            }
            (None, Some(entry)) => {
                let by = format!("{}, line {},", path.display(), entry.line);
                let source = Source::File(path, entry.line);
                let named = entry.texts.first().map(String::as_str);
                let named = Path::new(named.unwrap_or_default());
                self.read_secret(named, &by, source).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// The secret in the file at `path`, which `by` names: without a byte order mark, and without
    /// the end of the line.
    fn read_secret(&mut self, path: &Path, by: &str, source: Source) -> Result<Given, Failure> {
        let (text, mode) = read_secret(path, by)?;
        if mode & 0o004 != 0 {
            self.notes.insert(readable(path));
        }
        Ok(Given {
            texts: vec![text.into()],
            source,
        })
    }

    /// Notes each variable that is none of the `known` ones, and was surely meant to be one of them:
    /// it does nothing. Others are left alone, since other programs may have names like ours.
    pub(crate) fn note_slips(&mut self, known: &BTreeSet<String>) {
        for name in unknown_variables(known) {
            if let Some(meant) = slip(&name, known.iter().map(String::as_str)) {
                self.notes.insert(no_setting(&name, Some(meant)));
            }
        }
    }

    /// Notes what each setting has come to, by the `matches` of the command and its `command`.
    pub(crate) fn take_values(&mut self, command: &Command, matches: &ArgMatches) {
        if let Some((name, inner)) = matches.subcommand()
            && let Some(command) = command.find_subcommand(name)
        {
            self.take_values(command, inner);
        }
        for arg in command.get_arguments() {
            let key = key_of(arg);
            let mut settings = self.settings.iter_mut();
            // The settings of the root are those of another command.
            let Some(setting) = settings.find(|one| one.key == key && one.value.is_none()) else {
                continue;
            };
            let Ok(Some(values)) = matches.try_get_raw(arg.get_id().as_str()) else {
                continue;
            };
            let texts: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
            let text = match texts.join(",") {
                text if is_switch(arg) => on_or_off(&text).to_owned(),
                text => text,
            };
            setting.value = Some(masked(&text, arg.is_hide_env_values_set()));
        }
    }

    /// `failure`, which says where the values come from whose flags it names.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let told: Vec<_> = self
            .settings
            .iter()
            .filter(|setting| {
                matches!(setting.source, Source::Variable(_) | Source::File(..))
                    && names_flag(failure.what(), &setting.key)
            })
            .map(|setting| format!("--{} is set by {}", setting.key, setting.source))
            .collect();
        if told.is_empty() {
            return failure;
        }
        failure.with_note(&told.join("; "))
    }
}

/// The variables that look like settings and are none of the `known` ones.
pub(crate) fn unknown_variables(known: &BTreeSet<String>) -> impl Iterator<Item = String> {
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    set.filter(|name| name.starts_with(PREFIX) && !known.contains(name))
}

/// Says that the variable `name` is no setting, and which one may have been `meant`.
pub(crate) fn no_setting(name: &str, meant: Option<&str>) -> String {
    meant.map_or_else(
        || format!("{name} is no setting"),
        |meant| format!("{name} is no setting: did you mean {meant}?"),
    )
}

/// `command` and all its subcommands without their variables.
pub(crate) fn without_variables(command: Command) -> Command {
    without_own_variables(command).mut_subcommands(without_variables)
}

/// `command` without the variables of its own arguments.
fn without_own_variables(command: Command) -> Command {
    command.mut_args(|arg| arg.env(Resettable::Reset))
}

/// A variable that is set; an empty one is not.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Two of a kind give one value.
fn both(one: &str, other: &str) -> Failure {
    Failure::usage(
        format!("both {one} and {other} are set"),
        "keep one of them",
    )
}

/// Whether the command line gives the argument `id`.
fn is_flag(matches: &ArgMatches, id: &str) -> bool {
    matches!(matches.try_contains_id(id), Ok(true))
        && matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// The file that a flag names, for a secret.
fn file_flag(matches: &ArgMatches, key: &str) -> Option<PathBuf> {
    let named = matches.try_get_one::<PathBuf>(key).ok().flatten();
    named.cloned()
}

//! `invited config init`: a configuration file to begin with, made of the arguments themselves.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory};
use tempfile::NamedTempFile;

use crate::base::failure::Failure;
use crate::cli::Cli;
use crate::cli::arguments::complete;
use crate::cli::stdout;
use crate::config::sources::{CONFIG, default_of, is_switch, is_value, key_of};

/// What the file begins with.
const HEAD: &str = "\
# Settings of invited, by the names of the flags. `invited --config FILE` reads this file, and so
# does each command where INVITED_CONFIG names it.
#
# Each setting stands here with its default: take the # away to change one. An empty text is none.
# A flag wins over the environment, the environment over this file, this file over the default.
# `invited config check` looks for what is wrong, `invited config show` tells what holds.
";
/// What stands before the settings that only `dev` has.
const DEV: &str = "\n# Of `invited dev` alone\n";
/// The width of comments, without their `# `.
const WIDTH: usize = 98;

/// Runs the command.
pub(super) fn run(file: Option<&Path>, force: bool) -> Result<(), Failure> {
    let text = text();
    match file {
        None => stdout::check("the settings").and_then(|()| crate::cli::print(&text)),
        Some(path) => {
            write(path, &text, force).map_err(|error| refused(path, &error))?;
            crate::cli::print(&format!("{}\n", path.display()))
        }
    }
}

/// The whole file.
fn text() -> String {
    let command = complete(Cli::command());
    let serve = settings(&command, "serve");
    let is_new = |arg: &&&Arg| !serve.iter().any(|known| key_of(known) == key_of(arg));
    let dev = settings(&command, "dev");
    let of_dev: String = dev.iter().filter(is_new).map(|arg| entry(arg)).collect();
    let of_all: String = serve.iter().map(|arg| entry(arg)).collect();
    format!("{HEAD}{of_all}{DEV}{of_dev}")
}

/// The settings of a subcommand.
fn settings<'a>(command: &'a Command, name: &str) -> Vec<&'a Arg> {
    let command = command.find_subcommand(name);
    let arguments = command.into_iter().flat_map(Command::get_arguments);
    arguments
        .filter(|arg| arg.get_env().is_some() && key_of(arg) != CONFIG)
        .collect()
}

/// The lines of a setting.
fn entry(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let possible: Vec<_> = arg
        .get_possible_values()
        .iter()
        .map(|value| value.get_name().to_owned())
        .collect();
    let possible = if possible.is_empty() || is_switch(arg) {
        String::new()
    } else {
        format!(" [possible values: {}]", possible.join(", "))
    };
    let variable = arg.get_env().unwrap_or_default().to_string_lossy();
    let mut lines = wrapped(&format!("{help}{possible}"));
    lines.push(format!("[env: {variable}]"));
    let comment: String = lines.iter().map(|line| format!("# {line}\n")).collect();
    format!("\n{comment}#{} = {}\n", key_of(arg), default_value(arg))
}

/// The default of a setting as TOML; where it is told in words only, what sets nothing.
fn default_value(arg: &Arg) -> String {
    // Without a value; but one of a closed set may have that name.
    let is_none = |text: &str| text == "none" && arg.get_possible_values().is_empty();
    let default =
        default_of(arg).filter(|text| !text.contains(' ') && is_value(arg, text) && !is_none(text));
    match (arg.get_action(), default) {
        (ArgAction::SetTrue, _) => "false".to_owned(),
        (ArgAction::Append, None) => "[]".to_owned(),
        (ArgAction::Append, Some(text)) => {
            let items: Vec<_> = text.split(',').map(|item| format!("{item:?}")).collect();
            format!("[{}]", items.join(", "))
        }
        (_, None) => "\"\"".to_owned(),
        (_, Some(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => text,
        (_, Some(text)) => format!("{text:?}"),
    }
}

/// A text in lines.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Writes the file, for its owner alone: it may come to hold secrets. One that takes the place of
/// another has the owner and the mode of that. It gets its name once it is whole, so that a full
/// disk takes nothing away.
fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let before = fs::metadata(path).ok().filter(|_| force);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    if let Some(before) = before {
        file.as_file().set_permissions(before.permissions())?;
        std::os::unix::fs::fchown(&file, Some(before.uid()), Some(before.gid()))?;
    }
    file.as_file().sync_all()?;
    if force {
        file.persist(path)?;
    } else {
        file.persist_noclobber(path)?;
    }
    Ok(())
}

/// The file cannot be made.
fn refused(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Failure::exists(path);
    }
    let hint = if error.kind() == io::ErrorKind::StorageFull {
        "make room there; nothing was changed"
    } else {
        "name a file in a folder that this user can write"
    };
    Failure::runtime(format!("cannot make {} ({error})", path.display()), hint)
}

//! What is added to clap's words about a command line that is wrong.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// Names that other programs have for what is done here, and those that it has here.
const ELSEWHERE: [(&str, &str); 6] = [
    ("add", "create"),
    ("new", "create"),
    ("ls", "list"),
    ("delete", "revoke"),
    ("remove", "revoke"),
    ("rm", "revoke"),
];

/// `error` about the command line of `command` with what else there is to say.
pub(super) fn add(command: &Command, mut error: clap::Error) -> clap::Error {
    // What is no text is no subcommand either.
    let words = std::env::args_os().skip(1);
    let words: Vec<_> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let leaf = leaf_of(command, &words);
    let hint = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            name_own_command(leaf, &mut error);
            commands(leaf, &error)
        }
        ErrorKind::UnknownArgument => {
            name_own_flag(leaf, &mut error);
            of_version(&error).or_else(|| of_command(leaf, &error))
        }
        _ => None,
    };
    if let Some(hint) = hint {
        let hint = ContextValue::StyledStrs(vec![hint.into()]);
        error.insert(ContextKind::Suggested, hint);
    }
    error
}

/// The last subcommand that `words` name.
fn leaf_of<'c>(command: &'c Command, words: &[String]) -> &'c Command {
    let mut leaf = command;
    for word in words {
        match leaf.find_subcommand(word) {
            Some(inner) => leaf = inner,
            None if word.starts_with('-') => {}
            None => break,
        }
    }
    leaf
}

/// The text of `error` of one kind.
fn text_of(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// Proposes the subcommand of `leaf` in place of one that only other programs have.
fn name_own_command(leaf: &Command, error: &mut clap::Error) {
    let named = text_of(error, ContextKind::InvalidSubcommand);
    let known = ELSEWHERE
        .iter()
        .find(|(foreign, _)| named == Some(*foreign));
    if let Some((_, own)) = known.filter(|(_, own)| leaf.find_subcommand(own).is_some()) {
        let own = ContextValue::Strings(vec![(*own).to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, own);
    }
}

/// The commands that there are, where none is alike; or the one that has the name deeper down.
fn commands(leaf: &Command, error: &clap::Error) -> Option<String> {
    let named = text_of(error, ContextKind::InvalidSubcommand)?;
    let known = || leaf.get_subcommands().filter(|inner| !inner.is_hide_set());
    let mut deeper = known().filter(|inner| inner.find_subcommand(named).is_some());
    if let Some(inner) = deeper.next() {
        let (whole, inner) = (leaf.get_name(), inner.get_name());
        return Some(format!(
            "it is a part of another one: '{whole} {inner} {named}'"
        ));
    }
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return None;
    }
    let names: Vec<_> = known().map(Command::get_name).collect();
    Some(format!("the commands are: {}", names.join(", ")))
}

/// Proposes the flag of this program in place of one that only other programs have.
fn name_own_flag(leaf: &Command, error: &mut clap::Error) {
    let proposed = text_of(error, ContextKind::SuggestedArg);
    let is_foreign = |arg: &Arg| {
        let own = arg.get_long().map(|long| format!("--{long}"));
        arg.is_hide_set() && own.as_deref() == proposed
    };
    let mut arguments = leaf.get_arguments();
    let own = arguments
        .find(|arg| is_foreign(arg))
        .and_then(|arg| super::arguments::own_flag(arg.get_long()?));
    if let Some(own) = own {
        let own = ContextValue::String(format!("--{own}"));
        error.insert(ContextKind::SuggestedArg, own);
    }
}

/// Where the command stands that runs beside the server of `leaf`.
fn of_command(leaf: &Command, error: &clap::Error) -> Option<String> {
    let word = text_of(error, ContextKind::InvalidArg)?;
    let takes_command = leaf.get_arguments().any(Arg::is_last_set);
    (takes_command && !word.starts_with('-'))
        .then(|| format!("a command follows '--', as in '-- {word}'"))
}

/// What to write in place of `-v`.
fn of_version(error: &clap::Error) -> Option<String> {
    (text_of(error, ContextKind::InvalidArg) == Some("-v"))
        .then(|| "'-V' prints the version; '--log' of a server says how much is logged".to_owned())
}

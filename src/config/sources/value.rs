//! One argument and the value that a variable or the file gives it.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::{Given, Source};
use crate::base::failure::Failure;

/// The key of an argument in the file.
pub(crate) fn key_of(arg: &Arg) -> String {
    arg.get_long().unwrap_or_default().to_owned()
}

/// What holds where nothing is set, by the argument or the end of its help.
pub(crate) fn default_of(arg: &Arg) -> Option<String> {
    let values: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if !values.is_empty() {
        return Some(values.join(","));
    }
    if is_switch(arg) {
        return Some("off".to_owned());
    }
    let help = arg.get_help()?.to_string();
    let (_, told) = help.rsplit_once("[default: ")?;
    let told = told.split([';', ']']).next()?;
    Some(told.to_owned())
}

/// Whether an argument takes no value.
pub(crate) fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// The state of a switch, as people write it.
pub(super) fn on_or_off(text: &str) -> &'static str {
    let on = ["on", "true", "yes", "y", "t", "1"];
    if on.contains(&text.to_lowercase().as_str()) {
        "on"
    } else {
        "off"
    }
}

/// Whether `text` has the flag `key` as a word.
pub(crate) fn names_flag(text: &str, key: &str) -> bool {
    let flag = format!("--{key}");
    text.match_indices(&flag).any(|(place, _)| {
        let rest = &text[place + flag.len()..];
        !rest.starts_with(|next: char| next == '-' || next.is_ascii_alphanumeric())
    })
}

/// Whether the flag of `arg` would take `text`.
pub(crate) fn is_value(arg: &Arg, text: &str) -> bool {
    let given = Given {
        texts: vec![text.into()],
        source: Source::Default,
    };
    check(&arg.clone().env(Resettable::Reset), &given).is_ok()
}

/// Checks a value by the parser of its flag.
pub(super) fn check(arg: &Arg, given: &Given) -> Result<(), Failure> {
    let key = key_of(arg);
    let alone = if is_switch(arg) {
        arg.clone().action(ArgAction::Set).num_args(1)
    } else {
        arg.clone()
    };
    if given.texts.len() > 1 && !matches!(arg.get_action(), ArgAction::Append) {
        let what = format!("{key} in {} takes one value", given.source);
        return Err(Failure::usage(what, "give one, without brackets"));
    }
    let words = given.texts.iter().map(|text| {
        let mut word = OsString::from(format!("--{key}="));
        word.push(text);
        word
    });
    let command = Command::new("invited").no_binary_name(true).arg(alone);
    match command.try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(arg, given, &error)),
    }
}

/// The value of a variable or of the file is not one.
fn refused(arg: &Arg, given: &Given, error: &clap::Error) -> Failure {
    let key = key_of(arg);
    let place = match &given.source {
        Source::File(path, line) => format!("{key} in {}, line {line}", path.display()),
        source => source.to_string(),
    };
    if error.kind() == ErrorKind::InvalidUtf8 {
        let hint = format!("give the value of --{key} as plain UTF-8");
        return Failure::usage(format!("{place} is not text (UTF-8)"), hint);
    }
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if !arg.is_hide_env_values_set() => {
            format!(" '{}'", value.escape_debug())
        }
        _ => String::new(),
    };
    let reason = std::error::Error::source(error).map(|reason| format!(": {reason}"));
    let what = format!(
        "invalid value{value} for {place}{}",
        reason.unwrap_or_default()
    );
    Failure::usage(what, hint(&key, error))
}

/// What to do about a value that is none.
fn hint(key: &str, error: &clap::Error) -> String {
    let texts = |kind| match error.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let (valid, alike) = (
        texts(ContextKind::ValidValue),
        texts(ContextKind::SuggestedValue),
    );
    if !alike.is_empty() {
        format!("did you mean {alike}? (possible values: {valid})")
    } else if !valid.is_empty() {
        format!("possible values: {valid}")
    } else {
        format!("`invited serve --help` says what --{key} takes")
    }
}

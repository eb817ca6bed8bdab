//! The reference of all commands as Markdown, made from the command line itself.

use clap::{Arg, Command, CommandFactory};

use super::Cli;
use super::arguments::complete;
use crate::config::sources::{default_of, is_switch};

/// What the page begins with.
const HEAD: &str = "\
# Commands

Every command with its arguments, their variables and their defaults, as the program itself knows
them: `invited man --markdown` prints this page.
What the settings of a server mean together: [operations.md](operations.md#settings).
What commands print for programs: [operations.md](operations.md#output-for-programs).

An argument with a variable may also stand in the
[configuration file](operations.md#the-configuration-file), under its name without dashes.
Exit codes: 0 done, 1 failed, 2 called wrongly.
";

/// The whole page.
pub(super) fn reference() -> String {
    let mut root = complete(Cli::command()).disable_help_subcommand(true);
    root.build();
    let commands = leaves(&root, "invited");
    let contents: String = commands
        .iter()
        .map(|(name, command)| {
            let anchor = name.replace(' ', "-");
            format!("| [`{name}`](#{anchor}) | {} |\n", about(command))
        })
        .collect();
    let sections: String = commands
        .iter()
        .map(|(name, command)| section(name, command, &root))
        .collect();
    format!("{HEAD}\n| command | what it does |\n|---|---|\n{contents}{sections}")
}

/// Every command below `command` that does something itself, with its whole name.
fn leaves<'a>(command: &'a Command, name: &str) -> Vec<(String, &'a Command)> {
    let below = command.get_subcommands().filter(|one| !one.is_hide_set());
    below
        .flat_map(|one| {
            let name = format!("{name} {}", one.get_name());
            if one.has_subcommands() {
                leaves(one, &name)
            } else {
                vec![(name, one)]
            }
        })
        .collect()
}

/// What a command does.
fn about(command: &Command) -> String {
    cell(
        &command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default(),
    )
}

/// The arguments of a command that people write.
fn arguments(command: &Command) -> Vec<&Arg> {
    let of_all = |arg: &Arg| matches!(arg.get_id().as_str(), "help" | "version");
    command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !of_all(arg))
        .collect()
}

/// The section of a command. The settings of `serve` stand in its own section only.
fn section(name: &str, command: &Command, root: &Command) -> String {
    let serve = root.find_subcommand("serve").map(arguments);
    let serve = serve.unwrap_or_default();
    let own = arguments(command);
    let is_in = |arg: &Arg, others: &[&Arg]| others.iter().any(|one| one.get_id() == arg.get_id());
    let has_settings =
        command.get_name() != "serve" && serve.iter().all(|setting| is_in(setting, &own));
    let rows: String = own
        .iter()
        .filter(|arg| !has_settings || !is_in(arg, &serve))
        .map(|arg| row(arg))
        .collect();
    let mut text = format!("\n## {name}\n\n{}.\n", about(command));
    if has_settings {
        text += "It takes every argument of [`invited serve`](#invited-serve)";
        text += if rows.is_empty() { ".\n" } else { ", and:\n" };
    }
    if rows.is_empty() {
        return text;
    }
    text += "\n| argument | variable | default | meaning |\n|---|---|---|---|\n";
    text + &rows
}

/// The row of an argument.
fn row(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let value = names.first().map(ToString::to_string).unwrap_or_default();
    let named = match arg.get_long() {
        Some(long) if is_switch(arg) => format!("--{long}"),
        Some(long) => format!("--{long} <{value}>"),
        None => format!("<{value}>"),
    };
    let variable = arg
        .get_env()
        .map(|name| format!("`{}`", name.to_string_lossy()));
    let help = arg.get_long_help().or(arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let (meaning, told) = match help.rsplit_once(" [") {
        Some((meaning, told)) if told.contains("default: ") || told.starts_with("dev: ") => {
            let told = told.trim_end_matches(']');
            let told = told.strip_prefix("default: ").unwrap_or(told);
            (meaning, Some(told.to_owned()))
        }
        _ => (help.as_str(), None),
    };
    let default = match (told, default_of(arg)) {
        (Some(told), _) => told,
        (None, _) if is_switch(arg) => "off".to_owned(),
        (None, Some(value)) => format!("`{value}`"),
        (None, None) if arg.is_required_set() => "required".to_owned(),
        (None, None) => String::new(),
    };
    let values: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|_| !is_switch(arg))
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let values = if values.is_empty() {
        String::new()
    } else {
        format!(": {}", values.join(", "))
    };
    format!(
        "| `{}` | {} | {} | {}{values} |\n",
        cell(&named),
        variable.unwrap_or_default(),
        cell(&default),
        cell(meaning)
    )
}

/// A text on one line, without what would end a cell.
fn cell(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

//! The command line, read with the environment and the configuration file.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::builder::UnknownArgumentValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, value_parser};

use super::{Cli, groups, hints};
use crate::config::listen::{DEFAULT_PORT, parse_listen};
use crate::config::sources::{CONFIG, Sources, key_of, without_variables};

/// Flags that other programs have, the flag that they are here, and how it is written with their
/// value.
const ELSEWHERE: [(&str, &str, &str); 6] = [
    ("port", "listen", "--listen 127.0.0.1:VALUE"),
    ("host", "listen", "--listen VALUE"),
    ("bind", "listen", "--listen VALUE"),
    ("data-dir", "database", "--database VALUE/invited.db"),
    ("json", "output", "--output json"),
    ("verbose", "log", "--log debug"),
];

/// The flag here that is `flag` of other programs.
pub(super) fn own_flag(flag: &str) -> Option<&'static str> {
    let known = ELSEWHERE.iter().find(|(foreign, ..)| *foreign == flag);
    known.map(|(_, own, _)| *own)
}

/// Reads the command line, the environment and the configuration file. Ends the process where the
/// command line is wrong, or asks for help.
pub(super) fn read() -> (Cli, Sources) {
    let command = hinting(complete(Cli::command()));
    let flags = without_variables(command.clone()).try_get_matches();
    let flags = flags.unwrap_or_else(|error| end(&command, &hints::add(&command, error)));
    let mut sources = Sources::read(leaf(&flags), &known_keys(&command));
    sources.note_slips(&known_variables(&command));
    let command = sources.apply(command, &flags);
    let read = command.clone().try_get_matches();
    let matches = read.unwrap_or_else(|error| end(&command, &error));
    sources.take_values(&command, &matches);
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => (cli, sources),
        Err(error) => end(&command, &error),
    }
}

/// Prints what is wrong with the command line, or the help that it asks for, and ends the process.
fn end(command: &Command, error: &clap::Error) -> ! {
    match error.kind() {
        // With the names of the variables, which were taken out to read the flags alone.
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            match command.clone().try_get_matches() {
                Err(error) => error.exit(),
                Ok(_) => error.exit(),
            }
        }
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            let text = error.render();
            let shown = text.to_string().replace('\r', "\\r");
            if shown == text.to_string() {
                error.exit();
            }
            let _ = std::io::Write::write_all(&mut std::io::stderr(), shown.as_bytes());
            std::process::exit(error.exit_code());
        }
        _ => error.exit(),
    }
}

/// `command` with what all its parts have in common: the configuration file, and a file for each
/// secret.
pub(super) fn complete(command: Command) -> Command {
    let command = command.mut_subcommands(complete);
    let settings: Vec<Arg> = command
        .get_arguments()
        .filter(|arg| arg.get_env().is_some())
        .cloned()
        .collect();
    if settings.is_empty() {
        return command;
    }
    let is_global = settings.iter().any(Arg::is_global_set);
    let files = settings.iter().filter(|arg| arg.is_hide_env_values_set());
    groups::grouped(command.args(files.map(secret_file))).arg(
        Arg::new(CONFIG)
            .long(CONFIG)
            .env("INVITED_CONFIG")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .global(is_global)
            .help(
                "TOML file with settings, by the names of the flags; `invited config init` makes one",
            ),
    )
}

/// `command` with what to say to flags of other programs.
fn hinting(command: Command) -> Command {
    let mut command = command.mut_subcommands(hinting);
    for (flag, of, instead) in ELSEWHERE {
        let has = |long: &str| {
            let mut arguments = command.get_arguments();
            arguments.any(|arg| arg.get_long() == Some(long))
        };
        if has(of) && !has(flag) {
            command = command.arg(foreign(flag, instead));
        }
    }
    command
}

/// A flag that other programs have.
fn foreign(flag: &'static str, instead: &'static str) -> Arg {
    let arg = Arg::new(flag).long(flag).hide(true).value_name("VALUE");
    if !instead.contains("VALUE") {
        let parser = UnknownArgumentValueParser::suggest(format!("the flag here is {instead}"));
        return arg.action(ArgAction::SetTrue).value_parser(parser);
    }
    arg.value_parser(move |value: &str| {
        let instead = match flag {
            "host" => format!("--listen {}", place_of(value)),
            _ => instead.replace("VALUE", value),
        };
        Err::<String, _>(format!("the flag here is {instead}"))
    })
}

/// The place to listen on that is meant by `host`: with the default port, if it names none.
fn place_of(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, DEFAULT_PORT).to_string(),
        Err(_) if parse_listen(host).is_ok() => host.to_owned(),
        Err(_) => format!("{host}:{DEFAULT_PORT}"),
    }
}

/// The flag for a file that holds the secret `arg`.
fn secret_file(arg: &Arg) -> Arg {
    let key = key_of(arg);
    let variable = arg.get_env().unwrap_or_default().to_string_lossy();
    Arg::new(format!("{key}-file"))
        .long(format!("{key}-file"))
        .env(format!("{variable}_FILE"))
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(format!("File that holds the value of --{key}"))
}

/// The keys that a configuration file may have: the settings of servers.
fn known_keys(command: &Command) -> Vec<String> {
    let servers = ["serve", "dev"].into_iter();
    let commands = servers.filter_map(|name| command.find_subcommand(name));
    let settings = commands.flat_map(Command::get_arguments);
    let mut keys: Vec<_> = settings
        .filter(|arg| arg.get_env().is_some())
        .map(key_of)
        .filter(|key| key != CONFIG)
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The variables that `command` and its subcommands read. That of the secret has no flag, since the
/// file of the secret has one.
pub(super) fn known_variables(command: &Command) -> BTreeSet<String> {
    let mut names = variables_of_flags(command);
    names.insert("INVITED_SECRET".to_owned());
    names
}

/// The variables of the flags of `command` and its subcommands.
fn variables_of_flags(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(Arg::get_env);
    let own = own.map(|name| name.to_string_lossy().into_owned());
    let inner = command.get_subcommands().flat_map(variables_of_flags);
    own.chain(inner).collect()
}

/// The matches of the last subcommand.
fn leaf(matches: &ArgMatches) -> &ArgMatches {
    matches
        .subcommand()
        .map_or(matches, |(_, inner)| leaf(inner))
}

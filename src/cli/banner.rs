//! What the person at the terminal is told of a server that starts.

use std::net::SocketAddr;
use std::path::Path;

use env_logger::fmt::style::Style;
use log::Level;

use super::log_line::Line;
use super::output::Output;
use super::{DEFAULT_DATABASE, login};
use crate::base::clock::Clock;
use crate::base::failure::Failure;
use crate::base::mode::Mode;
use crate::base::shell::shell_word;
use crate::config::listen::{DEFAULT, local_url, scheme};
use crate::config::log::Format;
use crate::server::{Address, Program};

/// Where the console of `program` is, and how one gets into it; none: it has none.
fn console(program: &Program, file: &Path) -> Option<String> {
    if !program.offer().console {
        return None;
    }
    let url = &program.local_url;
    Some(match &program.sign_in {
        Some(token) => format!(
            "{}\n             signs you in once, within ten minutes; `{}` makes another",
            login::link(url, token),
            login_command(program, file)
        ),
        None if program.admin_key.is_some() => {
            let login = login_command(program, file);
            format!("{url}/console\n             `{login}` prints a link that signs you in")
        }
        None => format!("{url}/console"),
    })
}

/// The command that prints a link which signs in to the console of `program` with the data file
/// `file`: it is told what this start was told.
fn login_command(program: &Program, file: &Path) -> String {
    let mut command = on_file("invited login", file);
    let url = program.public_url.as_str().trim_end_matches('/');
    if url != local_url(&[DEFAULT], false) {
        command += &format!(" --public-url {}", quoted(url));
    }
    command
}

/// `command` on the data file `file`, which is named where it is not the default one.
fn on_file(command: &str, file: &Path) -> String {
    let default = crate::db::resolve(Path::new(DEFAULT_DATABASE));
    if default.is_ok_and(|default| default == file) {
        return command.to_owned();
    }
    format!("{command} --database {}", quoted(&file.to_string_lossy()))
}

/// The line of the banner about a key that was shown at an earlier start; none: this start shows
/// one, or none is needed.
fn lost_key(program: &Program, file: &Path) -> Option<String> {
    if program.admin_key.is_some() || program.offer().mode == Mode::Dev {
        return None;
    }
    let create = on_file("invited key create --name admin --scope admin", file);
    Some(format!("  lost key?  `{create}` makes another\n"))
}

/// A word of a command line as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/.:_-[]".contains(&byte);
    if word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        shell_word(word)
    }
}

/// Says what there is to know of a server that starts as records of the log, for programs that read
/// it: whatever is logged, as the banner is said. Its first key stands in a file.
fn say_records(program: &Program, file: &Path, output: &Output) {
    let record =
        |level, message: String| Line::plain(Clock::System.now(), level, module_path!(), message);
    let say = |line: &Line<'_>| output.say(&line.write(output.format, Style::new()));
    let links = program.dead_links.map(|what| format!("links {what}"));
    for note in program.notes.iter().cloned().chain(links) {
        say(&record(Level::Warn, note));
    }
    if let Some(file) = &program.key_file {
        let told = format!("the first admin key is in {}", file.path.display());
        say(&record(Level::Warn, told));
    }
    let mut start = record(Level::Info, "listening".to_owned());
    let metrics = program.metrics_address().map(metrics_url);
    for (name, value) in [
        ("version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("url", Some(program.local_url.clone())),
        ("places", Some(listening(program, " "))),
        ("metrics", metrics),
        (
            "clickhouse",
            program.dialect_address().map(|own| place(program, own)),
        ),
        ("dataFile", Some(file.to_string_lossy().into_owned())),
        ("mail", Some(program.mail())),
    ] {
        let value = value.map(|value| (name.to_owned(), value.into()));
        start.fields.extend(value);
    }
    say(&start);
}

/// Why there is no server, as a record of the log.
pub(super) fn refusal(failure: &Failure) -> String {
    let now = Clock::System.now();
    let mut record = Line::plain(now, Level::Error, module_path!(), failure.what());
    record
        .fields
        .insert("hint".to_owned(), failure.hint().into());
    record.write(Format::Json, Style::new())
}

/// Where metrics are that have a port of their own.
fn metrics_url(address: SocketAddr) -> String {
    format!("http://{address}/metrics")
}

/// The lines of the banner about the first key; none: this start made none.
fn first_key(program: &Program) -> Option<String> {
    let key = program.admin_key.as_ref()?;
    Some(match &program.key_file {
        None => format!(
            "  admin key  {}\n             shown only this once: keep it\n",
            key.reveal()
        ),
        Some(file) => {
            let told = if file.is_given {
                "is the one that --admin-key-file names"
            } else {
                "has it, for this user alone: keep the key elsewhere, and remove the file"
            };
            format!(
                "  admin key  {}\n             {told}\n",
                on_one_line(&file.path)
            )
        }
    })
}

/// Whether a path has nothing in it that would break a line.
fn is_on_one_line(path: &Path) -> bool {
    !path.to_string_lossy().chars().any(char::is_control)
}

/// A path as it is, or quoted where it would break the line.
fn on_one_line(path: &Path) -> String {
    if is_on_one_line(path) {
        path.display().to_string()
    } else {
        format!("{path:?}")
    }
}

/// What authorizes a first call by `curl`.
fn authorization(program: &Program) -> String {
    match (&program.admin_key, &program.key_file) {
        (Some(_), Some(file)) if is_on_one_line(&file.path) => {
            let path = shell_word(&file.path.to_string_lossy());
            format!("-H \"Authorization: Bearer $(cat {path})\" ")
        }
        (Some(key), None) => format!("-H 'Authorization: Bearer {}' ", key.reveal()),
        (Some(_), Some(_)) => "-H 'Authorization: Bearer ivk_...' ".to_owned(),
        (None, _) if program.offer().mode == Mode::Dev => String::new(),
        (None, _) => "-H \"Authorization: Bearer $KEY\" ".to_owned(),
    }
}

/// Prints what a person needs to know of a server that starts: version, URL, file, where mail goes,
/// the new key, a first call.
pub(super) fn announce(program: &Program, database: &Path, output: &Output) {
    let url = &program.local_url;
    let file = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    if output.format == Format::Json {
        return say_records(program, &file, output);
    }
    let mut banner = format!(
        "invited {}\n  listening  {}\n  data file  {}\n",
        env!("CARGO_PKG_VERSION"),
        listening(program, "\n             "),
        on_one_line(&file)
    );
    banner.extend(
        program
            .metrics_address()
            .map(|address| format!("  metrics    {}\n", metrics_url(address))),
    );
    banner.extend(
        program
            .dialect_address()
            .map(|own| format!("  clickhouse {}\n", place(program, own))),
    );
    banner.extend(console(program, &file).map(|line| format!("  console    {line}\n")));
    banner += &format!("  mail       {}\n", program.mail());
    banner.extend(
        program
            .dead_links
            .map(|what| format!("  links      {what}\n")),
    );
    banner.extend(
        program
            .notes
            .iter()
            .map(|note| format!("  note       {note}\n")),
    );
    banner.extend(first_key(program));
    banner.extend(lost_key(program, &file));
    let header = authorization(program);
    let socket = match (program.address(), program.addresses().next()) {
        (None, Some(Address::Unix(path))) => {
            format!("--unix-socket {} ", quoted(&path.to_string_lossy()))
        }
        _ => String::new(),
    };
    banner += &format!("\n  curl {header}{socket}{url}/v1/organizations/acme/invitations\n\n");
    output.say(&banner);
}

/// Prints what a person needs to know where another program has the terminal: where the server is.
pub(super) fn announce_shortly(program: &Program, output: &Output) {
    let (version, url) = (env!("CARGO_PKG_VERSION"), &program.local_url);
    let mut banner = format!("invited {version} listens on {url}\n");
    banner.extend(
        program
            .notes
            .iter()
            .map(|note| format!("  note       {note}\n")),
    );
    output.say(&banner);
}

/// Where `program` listens, with `between` the places.
fn listening(program: &Program, between: &str) -> String {
    let lines: Vec<_> = program.addresses().map(|own| place(program, own)).collect();
    lines.join(between)
}

/// How a place that a server listens on is reached.
fn place(program: &Program, address: &Address) -> String {
    match address {
        Address::Tcp(address) => format!("{}://{address}", scheme(program.has_tls())),
        Address::Unix(_) => address.to_string(),
    }
}

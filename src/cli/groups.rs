//! The headings under which `--help` shows the settings of a server.

use clap::{Arg, Command};

/// Each heading with what the names of its flags begin with. All others stand before them.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Network",
        &[
            "listen",
            "tls-",
            "metrics-listen",
            "clickhouse-listen",
            "public-url",
            "trusted-",
            "ca-file",
        ],
    ),
    (
        "Mail",
        &["smtp-", "mail-", "templates-", "remind-", "notify-"],
    ),
    (
        "Pages",
        &[
            "accept-url",
            "acceptance",
            "sign-in-url",
            "cors-origins",
            "console",
            "docs",
        ],
    ),
    ("Identity provider", &["oidc-"]),
    ("Backups", &["backup-"]),
    ("Limits", &["limit-", "max-"]),
    ("Log", &["log", "access-log"]),
];

/// `command` with its settings under headings, where it has those of a server.
pub(super) fn grouped(command: Command) -> Command {
    let is_server = command
        .get_arguments()
        .any(|arg| arg.get_long() == Some("limit-key"));
    if is_server {
        command.mut_args(with_heading)
    } else {
        command
    }
}

/// `arg` under its heading, if it has one.
fn with_heading(arg: Arg) -> Arg {
    let name = arg.get_long().unwrap_or_default();
    let begins = |beginnings: &&[&str]| beginnings.iter().any(|begin| name.starts_with(begin));
    let group = GROUPS.iter().find(|(_, beginnings)| begins(beginnings));
    match group {
        Some((heading, _)) => arg.help_heading(*heading),
        None => arg,
    }
}

//! What the help of the binary shows, and where.

use crate::support::process::run;

#[test]
fn the_help_groups_what_a_server_can_be_told_and_has_examples() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).expect("text");
    let place = |text: &str| {
        help.find(text)
            .unwrap_or_else(|| panic!("{text} is not in {help}"))
    };
    for (heading, flag, next) in [
        ("Options:", "--database", "Network:"),
        ("Network:", "--listen", "Pages:"),
        ("Network:", "--tls-cert", "Pages:"),
        ("Network:", "--clickhouse-listen", "Pages:"),
        ("Pages:", "--cors-origins", "Backups:"),
        ("Pages:", "--console", "Backups:"),
        ("Backups:", "--backup-dir", "Mail:"),
        ("Mail:", "--smtp-url", "Limits:"),
        ("Limits:", "--limit-key", "Identity provider:"),
        ("Log:", "--log-format", "Examples:"),
    ] {
        let flag = format!("      {flag} ");
        let (begin, end) = (
            place(&format!("\n{heading}\n")),
            place(&format!("\n{next}\n")),
        );
        assert!(
            help[begin..end].contains(&flag),
            "{flag} is not below {heading}: {help}"
        );
    }
    assert!(help[place("Examples:")..].contains("\n  invited dev "));
}

#[test]
fn only_what_belongs_to_no_group_stands_without_a_heading() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).expect("text");
    let (_, rest) = help.split_once("\nOptions:\n").expect("options");
    let (options, _) = rest.split_once("\nNetwork:\n").expect("a group");
    let words = options.lines().filter_map(|line| line.get(6..));
    let flags: Vec<_> = words
        .filter(|words| words.starts_with("--"))
        .filter_map(|words| words.split(' ').next())
        .collect();
    let expected = [
        "--database",
        "--default-expiry",
        "--roles",
        "--redirect-origins",
        "--secret-file",
        "--admin-key-file",
        "--new-secret",
        "--resend-cooldown",
        "--keep-closed",
        "--webhook-allow",
        "--config",
        "--help",
        "--version",
    ];
    assert_eq!(flags, expected, "{help}");
}

//! What the binary says of a command line: what is wrong, and what would be right.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::words_of_parsers;
use crate::support::process::{invited, run};

/// What a command prints that must fail, with 2 where it is the command line.
fn told(words: &[&str], code: i32) -> String {
    let output = run(words);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    assert_eq!(words_of_parsers(&text), [""; 0], "{words:?}: {text}");
    text
}

/// Checks what each command line is told.
fn check(rows: &[(&[&str], &str)]) {
    for (words, says) in rows {
        let text = told(words, 2);
        assert!(text.contains(says), "{words:?}: {says:?} is not in {text}");
    }
}

#[test]
fn a_command_that_is_none_is_told_the_one_that_was_meant_or_all_that_there_are() {
    check(&[
        (&["srve"], "'serve'"),
        (&["server"], "'serve'"),
        (&["keys"], "'key'"),
        (
            &["foo"],
            "the commands are: serve, dev, key, audit, login, ",
        ),
        (&["listen"], "'invited webhook listen'"),
        (
            &["key", "make"],
            "the commands are: create, generate, list, revoke",
        ),
        (
            &["key", "delete", "x"],
            "a similar subcommand exists: 'revoke'",
        ),
        (&["key", "ls"], "'list'"),
        (&["key", "new"], "'create'"),
        (
            &["dev", "--port", "0", "npm", "test"],
            "a command follows '--', as in '-- npm'",
        ),
        (&["--output", "json", "foo"], "error: "),
    ]);
}

#[test]
fn words_that_are_no_text_are_refused_as_any_others() {
    for words in [
        &[][..],
        &["serve"],
        &["key"],
        &["dev", "--port"],
        &["serve", "--databse"],
    ] {
        let mut command = invited();
        let output = command.args(words).arg(OsStr::from_bytes(b"\xff")).output();
        let output = output.expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
        assert!(text.starts_with("error: "), "{words:?}: {text}");
    }
}

#[test]
fn a_log_that_would_be_silent_is_refused() {
    let levels = "one of error, warn, info, debug, trace, off, or MODULE=LEVEL";
    check(&[
        (&["serve", "--log", "verbose"], levels),
        (&["serve", "--log", "inf"], levels),
        (&["serve", "--log", "all"], levels),
        (&["serve", "--log", "warn,invitd"], levels),
        (&["dev", "--verbose"], "the flag here is --log debug"),
        (&["serve", "--verbose"], "the flag here is --log debug"),
    ]);
    for level in [
        "DEBUG",
        "off",
        "warn,invited=debug",
        "invited",
        "error,invited::db",
    ] {
        let output = run(&["config", "check", "--log", level]);
        assert_eq!(output.status.code(), Some(0), "{level}: {output:?}");
    }
}

#[test]
fn a_flag_that_is_none_is_told_the_one_that_was_meant() {
    check(&[
        (&["serve", "--databse", "x"], "'--database'"),
        (
            &["key", "create", "--organisation", "x"],
            "'--organization'",
        ),
        (&["--verison"], "'--version'"),
        (&["-v"], "'-V' prints the version"),
        (&["--port", "9"], "the flag here is --listen 127.0.0.1:9"),
        (
            &["serve", "--port", "9"],
            "the flag here is --listen 127.0.0.1:9",
        ),
        (
            &["serve", "--host", "0.0.0.0"],
            "the flag here is --listen 0.0.0.0:8080",
        ),
        (
            &["dev", "--host", "localhost:80"],
            "the flag here is --listen localhost:80\n",
        ),
        (
            &["dev", "--host", "::1"],
            "the flag here is --listen [::1]:8080",
        ),
        (&["serve", "--bind", ":9"], "the flag here is --listen :9"),
        (
            &["serve", "--data-dir", "d"],
            "the flag here is --database d/invited.db",
        ),
        (&["--prot", "9"], "'--listen'"),
        (&["serve", "--prot", "9"], "'--listen'"),
        (&["dev", "--prot", "9"], "'--port'"),
    ]);
}

#[test]
fn a_place_to_listen_at_that_is_none_is_told_what_would_be_one() {
    let forms = "127.0.0.1:8080, localhost:8080, :8080 for all addresses";
    check(&[
        (
            &["--listen", "8080"],
            "127.0.0.1:8080 for this machine only, :8080 for all addresses",
        ),
        (
            &["serve", "--listen", "localhost"],
            "a port is missing, as localhost:8080",
        ),
        (
            &["serve", "--listen", "127.0.0.1"],
            "a port is missing, as 127.0.0.1:8080",
        ),
        (&["serve", "--listen", ":http"], forms),
        (&["serve", "--listen", "1.2.3:9"], forms),
        (
            &["serve", "--listen", "127.0.0.1:99999"],
            "a port is a number from 0 to 65535",
        ),
    ]);
}

#[test]
fn a_url_without_its_scheme_is_told_to_have_one() {
    let url = |host: &str| format!("begins with its scheme, as https://{host}");
    let example = url("invites.example.com");
    check(&[
        (&["--public-url", "invites.example.com"], &example),
        (&["serve", "--public-url", "ftp://x"], &example),
        (&["serve", "--public-url", ""], &example),
        (
            &["serve", "--public-url", "localhost:8080"],
            "begins with its scheme, as http://localhost:8080",
        ),
        (
            &["healthcheck", "--url", "127.0.0.1:8080"],
            "begins with its scheme, as http://127.0.0.1:8080",
        ),
        (
            &["healthcheck", "--url", "[::1]:8080"],
            "begins with its scheme, as http://[::1]:8080",
        ),
        (
            &["serve", "--accept-url", "app.test/accept"],
            &url("app.test/accept"),
        ),
        (
            &["serve", "--redirect-origins", "app.test"],
            &url("app.test"),
        ),
        (&["healthcheck", "--url", "foo"], &url("foo")),
        (
            &["serve", "--public-url", "https://a.test/?b"],
            "without user name, password, query",
        ),
    ]);
}

#[test]
fn a_length_of_time_or_a_number_that_is_none_is_told_what_would_be() {
    let forms = "a length of time, as 90s, 10m, 12h or 8d, or whole seconds";
    check(&[
        (
            &["serve", "--default-expiry", "7"],
            "7 is 7 seconds; whole seconds, from a minute (1m)",
        ),
        (&["serve", "--default-expiry", "never"], forms),
        (&["key", "create", "--expires-in", "never"], forms),
        (&["serve", "--resend-cooldown", "x"], forms),
        (
            &["serve", "--keep-closed", "x"],
            "a whole number from 1 to 3650",
        ),
        (
            &["serve", "--keep-closed", "0"],
            "a whole number from 1 to 3650",
        ),
        (
            &["serve", "--keep-closed", "30d"],
            "whole days, without a unit: 30",
        ),
        (
            &["serve", "--limit-key", "10/s"],
            "requests a minute, as 600; 0 is no limit",
        ),
        (&["dev", "--port", "abc"], "a whole number from 0 to 65535"),
        (
            &["dev", "--port", "70000"],
            "a whole number from 0 to 65535",
        ),
        (
            &["serve", "--limit-key=-1"],
            "a whole number from 0 to 4294967295",
        ),
        (
            &["serve", "--limit-key", "many"],
            "a whole number from 0 to 4294967295",
        ),
        (
            &["serve", "--max-streams", "1"],
            "a whole number from 2 to 100000",
        ),
        (
            &["serve", "--backup-keep", "1.5"],
            "a whole number from 1 to 1000",
        ),
        (&["dev", "--seed-ids", ""], "a whole number from 0 to "),
    ]);
}

#[test]
fn any_other_value_that_is_none_is_told_what_would_be() {
    check(&[
        (
            &["key", "create", "--scope", "read"],
            "one of: invitations:read, invitations:write, ",
        ),
        (
            &["serve", "--roles", "Team Lead"],
            "1 to 64 characters: a letter, then letters",
        ),
        (&["serve", "--access-log", "yes"], "on or off"),
        (
            &["serve", "--trusted-proxies", "x"],
            "a network, as 10.0.0.0/8, or an address, or unix",
        ),
        (&["serve", "--mail-from", "x"], "an address needs an @"),
        (
            &["webhook", "listen", "--forward-to", "3000"],
            "as http://localhost:3000/webhooks",
        ),
        (
            &[
                "webhook",
                "listen",
                "--forward-to",
                "http://localhost:3000",
                "--types",
                "invitation.accept",
            ],
            "did you mean invitation.accepted?",
        ),
        (&["dev", "--clock", "yesterday"], "as 2026-01-01T00:00:00Z"),
        (
            &["key", "revoke", "xyz"],
            "an id is the 16 hex digits after ivk_",
        ),
        (&["completions"], "<bash|elvish|fish|powershell|zsh>"),
        (&["backup"], "<FILE>"),
        (
            &["dev", "--listen", "0.0.0.0:0"],
            "dev listens on loopback addresses only",
        ),
    ]);
    let text = told(&["serve", "--smtp-url", "smtp://a.b"], 2);
    assert!(
        text.contains("end it with ?tls=starttls, ?tls=tls or ?tls=none"),
        "{text}"
    );
}

#[test]
fn an_origin_is_one_of_pages_that_are_named() {
    let wildcards = "no wildcards: list each origin, as https://app.example.com";
    check(&[
        (&["serve", "--cors-origins", "*"], wildcards),
        (&["dev", "--cors-origins", "https://*"], wildcards),
        (
            &["serve", "--cors-origins", "https://*.app.test"],
            wildcards,
        ),
        (
            &["serve", "--redirect-origins", "https://*.app.test"],
            wildcards,
        ),
        (
            &["serve", "--cors-origins", "null"],
            "list origins, as https://app.example.com",
        ),
    ]);
}

#[test]
fn a_file_that_is_imported_is_told_of_as_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("README.md");
    std::fs::write(&file, "# invited\n").expect("it is written");
    let database = folder.path().join("invited.db");
    let (file, database) = (file.to_string_lossy(), database.to_string_lossy());
    let text = told(&["import", &file, "--database", &database], 1);
    assert!(text.contains("The file is not JSON: "), "{text}");
    let text = told(&["dev", "--port", "0", "--seed", &file], 1);
    assert!(text.contains("The file is not JSON: "), "{text}");
}

#[test]
fn a_variable_is_told_as_a_flag_is() {
    for (name, value, says) in [
        (
            "INVITED_LISTEN",
            "8080",
            "for INVITED_LISTEN: 127.0.0.1:8080 for this machine only",
        ),
        (
            "INVITED_PUBLIC_URL",
            "a.test",
            "begins with its scheme, as https://a.test",
        ),
        ("INVITED_KEEP_CLOSED", "x", "a whole number from 1 to 3650"),
    ] {
        let output = invited().arg("serve").env(name, value).output();
        let output = output.expect("the binary runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        assert!(
            text.contains(says) && words_of_parsers(&text).is_empty(),
            "{name}: {text}"
        );
    }
}

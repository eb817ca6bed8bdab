//! What can be a secret, where it may lie, and what is told of it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{OTHER, Place, SECRET, lookup, notes, refused, stop, token, write};
use crate::support::process::Server;

/// Texts that are refused, with the exit code and the words for it.
fn bad_texts() -> Vec<(Vec<u8>, &'static str)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (text(""), "it is empty"),
        (text(" \r\n\n"), "it is empty"),
        (text("0123456789abcdef0123456789abcde"), "31 bytes"),
        (text(&"a".repeat(64)), "1 different characters"),
        (text(&"0101".repeat(16)), "2 different characters"),
        (text(&format!("\u{feff}{SECRET}")), "byte order mark"),
        (
            text("a passphrase of several words, with spaces in it"),
            "spaces and line ends separate",
        ),
        (text(&format!("{SECRET}\n{}", &OTHER[1..])), "31 bytes"),
        (text(&format!("{SECRET}\r{OTHER}")), "carriage return"),
        (text(&format!("{SECRET}\x07")), "is not text"),
        (vec![0xff; 40], "is not text"),
        (
            SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "is not text",
        ),
    ]
}

#[test]
fn a_file_with_a_bad_secret_is_refused_with_what_is_wrong() {
    for (text, words) in bad_texts() {
        let place = Place::new();
        write(&place.secret_file(), &text);
        let path = place.secret_file().display().to_string();
        refused(&mut place.command(), 2, &[words, &path]);
        assert_eq!(
            fs::read(place.secret_file()).expect("it reads"),
            text,
            "it is not touched"
        );
        assert!(!place.database.exists(), "there is no data file yet");
    }
}

#[test]
fn a_variable_with_a_bad_secret_is_refused_with_what_is_wrong_and_never_shown() {
    // A variable without a value is as good as none, and a variable holds no zero bytes.
    for (text, words) in bad_texts()
        .into_iter()
        .filter(|(text, _)| !text.is_empty() && !text.contains(&0))
    {
        let place = Place::new();
        refused(
            place
                .command()
                .env("INVITED_SECRET", OsString::from_vec(text)),
            2,
            &[words, "INVITED_SECRET"],
        );
        assert!(!place.secret_file().exists(), "no other one is made");
        assert!(!place.database.exists(), "there is no data file yet");
    }
    let place = Place::new();
    let (_, printed) = super::ended(place.command().env("INVITED_SECRET", &SECRET[1..]));
    assert!(!printed.contains(&SECRET[1..9]), "{printed}");
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let place = Place::new();
    let served = place.begin_by(place.command().env("INVITED_SECRET", ""));
    served.stop();
    assert!(place.secret_file().exists());
}

#[test]
fn line_ends_of_any_kind_and_spaces_around_a_secret_are_not_part_of_it() {
    let place = Place::new();
    let served = place.begin_by(place.command().env("INVITED_SECRET", SECRET));
    let link = token(&served.server, &served.key, &served.invitation);
    served.stop();
    for text in [
        format!("{SECRET}\n"),
        format!("{SECRET}\r\n"),
        format!(" {SECRET}\t"),
        format!("{SECRET}\r"),
    ] {
        let server = Server::spawn(place.command().env("INVITED_SECRET", &text));
        assert_eq!(lookup(&server, &link), 200, "{text:?}");
        stop(server);
    }
}

#[test]
fn a_flag_beside_the_variable_is_refused_and_a_variable_for_the_file_is_not() {
    let place = Place::new();
    let file = place.database.with_file_name("file");
    write(&file, OTHER);
    let mut both = place.command();
    refused(
        both.env("INVITED_SECRET", SECRET)
            .arg("--secret-file")
            .arg(&file),
        2,
        &["INVITED_SECRET", "--secret-file"],
    );
    let mut variables = place.command();
    stop(Server::spawn(
        variables
            .env("INVITED_SECRET", SECRET)
            .env("INVITED_SECRET_FILE", &file),
    ));
    stop(Server::spawn(place.command().env("INVITED_SECRET", SECRET)));
}

#[test]
fn a_secret_file_that_others_may_write_is_refused_and_one_that_they_may_read_is_told() {
    let place = Place::new();
    stop(place.serve());
    let mode = |mode| {
        fs::set_permissions(place.secret_file(), fs::Permissions::from_mode(mode))
            .expect("it is set");
    };
    let file = fs::canonicalize(place.secret_file()).expect("a path");
    let advice = format!("chmod 600 '{}'", file.display());
    for writable in [0o620, 0o602, 0o666, 0o777] {
        mode(writable);
        refused(
            place.command().args(["--log", "error"]),
            1,
            &["may write", "invited.db.secret", &advice],
        );
    }
    for readable in [0o640, 0o604, 0o644, 0o444] {
        mode(readable);
        let server = Server::spawn(place.command().args(["--log", "error"]));
        assert!(
            notes(&server)[0].contains(&format!("may read the secret file: {advice}")),
            "{:?}",
            server.banner
        );
        stop(server);
    }
    for private in [0o600, 0o400, 0o700] {
        mode(private);
        assert_eq!(notes(&place.serve()), Vec::<&str>::new(), "{private:o}");
    }
}

#[test]
fn a_secret_that_an_orchestrator_mounts_as_a_link_works_and_is_told_when_others_may_read_it() {
    let place = Place::new();
    let mounted = place.database.with_file_name("..data");
    fs::create_dir(&mounted).expect("a folder");
    fs::write(mounted.join("secret"), SECRET).expect("it is written");
    fs::set_permissions(mounted.join("secret"), fs::Permissions::from_mode(0o644))
        .expect("its rights are set");
    let link = place.database.with_file_name("secret");
    symlink("..data/secret", &link).expect("a link");
    let server = Server::spawn(place.command().arg("--secret-file").arg(&link));
    assert_eq!(notes(&server).len(), 1, "{:?}", server.banner);
}

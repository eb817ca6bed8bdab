//! The first admin key: shown to a person at a terminal, written to a file elsewhere, or chosen by
//! the operator.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{fresh, mode, refused};
use crate::support::process::{Server, invited, run, skipped};
use crate::support::{forged, invitations};

/// The status of a list with `key`.
fn status(server: &Server, key: &str) -> u16 {
    let request = server.request("GET", &invitations("acme"));
    request.bearer(key).send().status
}

/// Stops a server. Returns all that it printed.
fn stop(server: Server) -> String {
    let banner = server.banner.join("\n");
    server.signal("TERM");
    let (ended, _, rest) = server.wait();
    assert_eq!(ended.code(), Some(0));
    format!("{banner}\n{rest}")
}

/// A first start on `database` with `words` and a key file by variable.
fn start(database: &Path, words: &[&str], key_file: Option<&Path>) -> Server {
    let mut command = invited();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database"]);
    command.arg(database).args(words);
    if let Some(file) = key_file {
        command.env("INVITED_BOOTSTRAP_KEY_FILE", file);
    }
    Server::spawn(&mut command)
}

#[test]
fn where_no_terminal_shows_it_the_key_is_in_a_file_and_in_nothing_that_is_printed() {
    for format in ["text", "json"] {
        let (folder, _) = fresh();
        let database = folder.path().join("it's here/invited.db");
        let server = start(&database, &["--log-format", format, "--log", "trace"], None);
        let file = database.with_file_name("invited.db.admin-key");
        assert_eq!(mode(&file), 0o600);
        let text = std::fs::read_to_string(&file).expect("text");
        let key = text.trim_end().to_owned();
        assert_eq!((key.len(), text.len()), (93, 94));
        assert_eq!(status(&server, &key), 200);
        let curl = server.banner.last().expect("a line").clone();
        let printed = stop(server);
        assert!(
            !printed.contains("ivk_") && !printed.contains("ivl_"),
            "{printed}"
        );
        assert!(printed.contains(&*file.to_string_lossy()), "{printed}");
        if format == "text" {
            // A shell finds the key.
            let header = curl.split(" http://").next().expect("a header");
            let words = header.trim().replace("curl ", "printf '%s ' ");
            let output = Command::new("sh")
                .args(["-c", &words])
                .output()
                .expect("a shell");
            let words = String::from_utf8(output.stdout).expect("text");
            assert_eq!(words, format!("-H Authorization: Bearer {key} "));
        }
        // Whoever keeps the key removes the file, and has the key in a variable.
        std::fs::remove_file(&file).expect("it goes");
        let server = start(&database, &[], None);
        assert_eq!(
            (server.banner_value("admin key"), status(&server, &key)),
            (None, 200)
        );
        assert!(!file.exists());
        let curl = server.banner.last().expect("a line");
        let says = r#"curl -H "Authorization: Bearer $KEY" http://"#;
        assert!(curl.contains(says), "{curl}");
    }
}

#[test]
fn the_login_that_a_first_start_tells_of_is_one_for_its_server() {
    let (folder, _) = fresh();
    let database = folder.path().join("it's here/invited.db");
    for words in [&[][..], &["--public-url", "https://invites.test/a"]] {
        let server = start(&database, words, None);
        let url = match words {
            [_, url] => (*url).to_owned(),
            _ => server.banner_value("listening").expect("a place"),
        };
        let banner = server.banner.join("\n");
        let login = banner.split('`').nth(1).expect("a command");
        let (name, flags) = login.split_once(' ').expect("flags");
        assert_eq!(name, "invited", "{banner}");
        let binary = invited();
        let words = format!("'{}' {flags}", binary.get_program().to_string_lossy());
        let mut shell = Command::new("sh");
        for (name, _) in binary.get_envs() {
            shell.env_remove(name);
        }
        let output = shell.args(["-c", &words]).output().expect("a shell");
        let link = String::from_utf8(output.stdout).expect("text");
        let expected = format!("{url}/console/sign-in#ivl_");
        assert!(link.starts_with(&expected), "{words}: {link}");
        drop(server);
        std::fs::remove_dir_all(folder.path().join("it's here")).expect("it goes");
    }
}

#[test]
fn a_person_at_a_terminal_sees_the_key_and_a_link_and_there_is_no_file() {
    let (_folder, database) = fresh();
    let binary = invited();
    let words = format!(
        "exec '{}' serve --listen 127.0.0.1:0 --database '{}'",
        binary.get_program().to_string_lossy(),
        database.display()
    );
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-f", "-c", &words, "/dev/null"]);
    for (name, _) in binary.get_envs() {
        command.env_remove(name);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        return skipped("the first key at a terminal: there is no `script`");
    };
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut banner = String::new();
    while !banner.contains("curl ") {
        banner += &lines.next().expect("it goes on").expect("text");
        banner.push('\n');
    }
    let lock = database.with_file_name("invited.db.lock");
    let holder = std::fs::read_to_string(lock).expect("a lock");
    let process = holder
        .split_whitespace()
        .next()
        .expect("a process")
        .to_owned();
    assert!(
        Command::new("kill")
            .arg(&process)
            .status()
            .expect("kill runs")
            .success()
    );
    child.wait().expect("it ends");
    let words: Vec<_> = banner.split_whitespace().collect();
    let key = words
        .iter()
        .find(|word| word.starts_with("ivk_"))
        .expect("a key");
    assert_eq!(key.len(), 93, "{banner}");
    assert!(
        banner.contains(&format!("-H 'Authorization: Bearer {key}'")),
        "{banner}"
    );
    assert!(banner.contains("/console/sign-in#ivl_"), "{banner}");
    assert!(!database.with_file_name("invited.db.admin-key").exists());
}

#[test]
fn the_operators_own_key_is_the_first_one_and_is_printed_nowhere() {
    let generated = String::from_utf8(run(&["key", "generate"]).stdout).expect("text");
    for text in [
        generated.clone(),
        generated.trim_end().to_owned(),
        format!("\u{feff}{}\r\n", generated.trim_end()),
    ] {
        let (folder, database) = fresh();
        let file = folder.path().join("key");
        std::fs::write(&file, &text).expect("it is written");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("a mode");
        let server = start(&database, &[], Some(&file));
        assert_eq!(status(&server, generated.trim_end()), 200);
        let printed = stop(server);
        assert!(
            !printed.contains("ivk_") && !printed.contains("ivl_"),
            "{printed}"
        );
        assert!(
            printed.contains("--admin-key-file") && !printed.contains("note"),
            "{printed}"
        );
        assert!(!database.with_file_name("invited.db.admin-key").exists());
        let list = run(&["key", "list", "--database", &database.to_string_lossy()]);
        let list = String::from_utf8(list.stdout).expect("text");
        assert_eq!(list.lines().count(), 2, "{list}");
        assert!(
            list.contains(&generated[4..20]) && list.contains("admin"),
            "{list}"
        );
        // Later starts go on without the file, and take no other key from it.
        let again = start(&database, &[], Some(&file));
        assert_eq!(again.banner_value("note"), None);
        stop(again);
        let other = forged("0123456789abcdef");
        std::fs::write(&file, &other).expect("it is written");
        let again = start(&database, &[], Some(&file));
        let note = again.banner_value("note").expect("a note");
        assert!(
            note.contains("0123456789abcdef") && !note.contains(&other),
            "{note}"
        );
        assert_eq!(
            (status(&again, &other), status(&again, generated.trim_end())),
            (401, 200)
        );
        stop(again);
        std::fs::remove_file(&file).expect("it goes");
        stop(start(&database, &[], Some(&file)));
    }
}

#[test]
fn a_later_start_says_how_a_lost_key_is_replaced_and_that_command_does_it() {
    let (folder, _) = fresh();
    let database = folder.path().join("it's here/invited.db");
    let first = start(&database, &[], None);
    assert_eq!(
        first.banner_value("lost key?"),
        None,
        "it has just been made"
    );
    stop(first);
    let server = start(&database, &[], None);
    let told = server.banner_value("lost key?").expect("a line");
    let words = told.split('`').nth(1).expect("a command");
    let flags = words.strip_prefix("invited ").expect("our command");
    let binary = invited();
    let words = format!("'{}' {flags}", binary.get_program().to_string_lossy());
    let output = Command::new("sh").args(["-c", &words]).output();
    let output = output.expect("a shell");
    let key = String::from_utf8(output.stdout).expect("text");
    let asked = server.request("GET", "/v1/keys").bearer(key.trim()).send();
    assert_eq!(asked.status, 200, "{told}");
    let page = server.request("GET", "/console/sign-in").send().text();
    let create = "<code>invited key create --scope admin</code>";
    assert!(page.contains("<code>invited login</code>") && page.contains(create));
    stop(server);
    let dev = Server::start(&["dev", "--listen", "127.0.0.1:0"]);
    assert_eq!(dev.banner_value("lost key?"), None);
}

#[test]
fn a_file_without_a_key_is_refused_before_anything_is_made() {
    let (folder, database) = fresh();
    let file = folder.path().join("key");
    let good = forged("0123456789abcdef");
    let other_end = if good.ends_with('0') { "1" } else { "0" };
    let altered = format!("{}{other_end}", &good[..92]);
    let name = file.to_string_lossy().into_owned();
    for text in [
        Some("secret"),
        Some(""),
        Some(&altered),
        Some(&good[..92]),
        None,
    ] {
        match text {
            Some(text) => std::fs::write(&file, text).expect("it is written"),
            None => std::fs::remove_file(&file).expect("it goes"),
        }
        let path = database.to_string_lossy().into_owned();
        for command in ["serve", "config check"] {
            let mut words: Vec<_> = command.split(' ').collect();
            words.extend(["--listen", "127.0.0.1:0", "--admin-key-file", &name]);
            words.extend(["--database", &path]);
            let output = run(&words);
            assert_eq!(output.status.code(), Some(2), "{text:?}");
            let printed = [output.stdout, output.stderr].concat();
            let printed = String::from_utf8_lossy(&printed).into_owned();
            assert!(
                printed.contains(&name) && printed.contains("hint: "),
                "{printed}"
            );
            assert!(!printed.contains("ivk_0"), "{printed}");
        }
        assert!(!database.exists());
    }
    std::fs::write(&file, &good).expect("it is written");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .expect("a mode");
    let server = start(&database, &["--admin-key-file", &name], None);
    let note = server.banner_value("note").expect("a note");
    assert!(note.contains(&name) && note.contains("may read"), "{note}");
}

#[test]
fn a_key_that_cannot_be_written_is_none_and_the_next_start_makes_one() {
    let (_folder, database) = fresh();
    let file = database.with_file_name("invited.db.admin-key");
    std::fs::create_dir_all(file.join("in the way")).expect("a folder");
    let words = ["serve", "--listen", "127.0.0.1:0", "--database"];
    let (code, printed) = refused(&[&words[..], &[&database.to_string_lossy()]].concat());
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains(&*file.to_string_lossy()), "{printed}");
    std::fs::remove_dir_all(&file).expect("it goes");
    let server = Server::serve(&database);
    let key = server.admin_key().expect("a key");
    assert_eq!(status(&server, &key), 200);
}

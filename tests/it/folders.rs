//! The temporary folders of development: each goes with its process, however that ends.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::process::{Server, invited, wrapped};
use crate::support::{Request, invitations};

/// `invited dev` with `words`, with its temporary folders in `place`.
fn dev(place: &Path, words: &[&str]) -> Command {
    let mut command = wrapped("env", &["--default-signal=HUP"]);
    command
        .env("TMPDIR", place)
        .args(["dev", "--listen", "127.0.0.1:0"])
        .args(words);
    command
}

/// The names of what lies in a folder.
fn names(place: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(place).expect("a folder");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

#[test]
fn every_signal_that_ends_development_takes_its_folder_along() {
    for signals in [
        &["TERM"][..],
        &["INT"],
        &["TERM", "TERM"],
        &["INT", "TERM"],
        &["TERM", "INT"],
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let server = Server::spawn(&mut dev(place.path(), &[]));
        assert_eq!(names(place.path()).len(), 1, "{signals:?}");
        // What is not read to its end keeps a stop waiting, so that a second signal finds it.
        let mut stream = std::net::TcpStream::connect(server.address).expect("it accepts");
        let request = Request::new(server.address, "POST", &invitations("acme"))
            .header("Content-Length", "9")
            .bytes();
        std::io::Write::write_all(&mut stream, &request).expect("it is sent");
        if signals.len() == 1 {
            drop(stream);
        }
        for signal in signals {
            server.signal(signal);
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let status = server.wait().0;
        assert_eq!(
            status.code(),
            Some(i32::from(signals.len() > 1)),
            "{signals:?}"
        );
        assert_eq!(names(place.path()), [""; 0], "{signals:?}");
    }
}

#[test]
fn a_start_that_fails_leaves_no_folder_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for words in [
        &["--listen", &taken][..],
        &["--seed", "/nonexistent.json"],
        &["--listen", "0.0.0.0:0"],
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let mut command = invited();
        command
            .env("TMPDIR", place.path())
            .arg("dev")
            .args(words)
            .stdin(Stdio::null());
        let output = command.output().expect("it runs");
        assert!(
            output.status.code().is_some_and(|code| code > 0),
            "{words:?}"
        );
        assert_eq!(names(place.path()), [""; 0], "{words:?}");
    }
}

#[test]
fn a_start_removes_the_folders_of_dead_processes_and_of_no_others() {
    let place = tempfile::tempdir().expect("a folder");
    let living = Server::spawn(&mut dev(place.path(), &[]));
    for _ in 0..3 {
        let dead = Server::spawn(&mut dev(place.path(), &[]));
        dead.signal("KILL");
        dead.wait();
    }
    let others = ["invited-dev-young", "invited-develop", "other"];
    others
        .iter()
        .for_each(|name| std::fs::create_dir(place.path().join(name)).expect("it is made"));
    std::fs::write(place.path().join("invited-dev-file"), "").expect("it is made");
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::fs::write(elsewhere.path().join("process"), "").expect("it is made");
    std::os::unix::fs::symlink(elsewhere.path(), place.path().join("invited-dev-link"))
        .expect("it is made");
    let old = place.path().join("invited-dev-old");
    std::fs::create_dir(&old).expect("it is made");
    let touched = Command::new("touch")
        .args(["-d", "2 hours ago"])
        .arg(&old)
        .status()
        .expect("touch runs");
    assert!(touched.success());
    let last = Server::spawn(&mut dev(place.path(), &[]));
    let file = |server: &Server| server.banner_value("data file").expect("a file");
    let folder = |server: &Server| {
        Path::new(&file(server))
            .parent()
            .and_then(Path::file_name)
            .expect("a name")
            .to_owned()
    };
    let mut left = names(place.path());
    left.sort();
    let mut expected: Vec<_> = [&living, &last]
        .map(|server| folder(server).to_string_lossy().into_owned())
        .to_vec();
    expected.extend(
        others
            .into_iter()
            .chain(["invited-dev-file", "invited-dev-link"])
            .map(str::to_owned),
    );
    expected.sort();
    assert_eq!(left, expected);
    assert!(elsewhere.path().join("process").exists());
    assert_eq!(
        living.request("GET", &invitations("acme")).send().status,
        200
    );
}

#[test]
fn a_folder_is_made_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    for mask in ["000", "077", "027"] {
        let place = tempfile::tempdir().expect("a folder");
        let mut command = crate::support::process::after(&format!("umask {mask}"));
        command
            .env("TMPDIR", place.path())
            .args(["dev", "--listen", "127.0.0.1:0"]);
        let _server = Server::spawn(&mut command);
        let made = place.path().join(&names(place.path())[0]);
        assert_eq!(
            std::fs::metadata(made)
                .expect("it is there")
                .permissions()
                .mode()
                & 0o777,
            0o700,
            "{mask}"
        );
    }
}

#[test]
fn without_a_place_for_a_folder_the_hint_names_what_to_set_and_a_data_file_needs_none() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for place in [Path::new("/nonexistent"), Path::new("/proc"), file.path()] {
        let output = dev(place, &[])
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(
            printed.contains("TMPDIR") && printed.contains(&place.display().to_string()),
            "{printed}"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("invited.db");
        let server = Server::spawn(&mut dev(
            place,
            &["--database", &database.to_string_lossy()],
        ));
        server.signal("TERM");
        assert_eq!(server.wait().0.code(), Some(0));
        assert!(database.exists());
    }
}

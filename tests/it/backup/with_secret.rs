//! R13 with the secret beside the backup: what a kill leaves is in nobody's way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Instant;

use super::{Place, addresses, back_up, on, refused};
use crate::support::process::invited;

/// Invitations in the file that is copied.
const ROWS: usize = 500;

#[test]
fn what_a_kill_left_beside_a_backup_is_used_by_the_next_one() {
    let place = Place::new();
    place.fill("a", ROWS);
    let secret = fs::read_to_string(place.database.with_added_extension("secret")).expect("read");
    let (file, beside) = (place.path("backup.db"), place.path("backup.db.secret"));
    let part = place.path("backup.db.secret.part");
    for (left, what) in [(&beside, secret.as_str()), (&part, &secret), (&part, "")] {
        fs::write(left, what).expect("it is written");
        fs::set_permissions(left, fs::Permissions::from_mode(0o600)).expect("they are set");
        back_up(&place.database, &file, &["--with-secret"]);
        assert_eq!(addresses(&file).len(), ROWS);
        assert_eq!(fs::read_to_string(&beside).expect("it reads"), secret);
        let mode = fs::metadata(&beside)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!((mode & 0o777, part.exists()), (0o600, false));
        fs::remove_file(&file).expect("it goes");
        fs::remove_file(&beside).expect("it goes");
    }
    // Whatever else is there stays as it is.
    let words = |path: &std::path::Path| {
        let path = path.to_string_lossy().into_owned();
        on(&place.database, &["backup", &path, "--with-secret"])
    };
    for (left, what) in [(&part, "somebody's notes"), (&beside, "another secret")] {
        fs::write(left, what).expect("it is written");
        let said = refused(&words(&file), 1);
        assert!(said.contains("is there already"), "{said}");
        assert_eq!(fs::read_to_string(left).expect("it reads"), what);
        assert!(!file.exists());
        fs::remove_file(left).expect("it goes");
    }
    // One that others may read is not taken for ours.
    fs::write(&beside, &secret).expect("it is written");
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).expect("they are set");
    let said = refused(&words(&file), 1);
    assert!(said.contains("is there already"), "{said}");
}

#[test]
fn a_backup_with_its_secret_that_is_killed_anywhere_can_be_made_again() {
    let place = Place::new();
    place.fill("a", ROWS);
    let (file, beside) = (place.path("backup.db"), place.path("backup.db.secret"));
    let begun = Instant::now();
    back_up(&place.database, &file, &["--with-secret"]);
    let took = begun.elapsed();
    for kill in 0..12 {
        for made in [&file, &beside] {
            fs::remove_file(made).expect("it goes");
        }
        let mut command = invited();
        command.arg("backup").arg(&file).arg("--with-secret");
        command.arg("--database").arg(&place.database);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // The secret is written near the end.
        std::thread::sleep(took.mul_f64(0.4 + f64::from(kill) * 0.06));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        if file.exists() {
            assert!(beside.exists(), "a backup has its name after its secret");
            fs::remove_file(&file).expect("it goes");
        }
        back_up(&place.database, &file, &["--with-secret"]);
        assert_eq!(addresses(&file).len(), ROWS);
        let mut names: Vec<_> = fs::read_dir(file.parent().expect("a folder"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name.to_string_lossy().starts_with("backup"))
            .collect();
        names.sort();
        assert_eq!(names, ["backup.db", "backup.db.secret"]);
    }
}

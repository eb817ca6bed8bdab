//! What binds a data file to its secret while that is rotated.

use std::fs;

use super::{OTHER, Place, ended, lookup, refused, stop, token, write};
use crate::support::process::invited;

#[test]
fn rotations_without_a_start_between_leave_the_data_file_bound_to_its_secret() {
    for (keeps, old_link) in [
        (&["0s", "30d"][..], 404),
        (&["0s", "0s"], 404),
        (&["30d", "0s"], 404),
        (&["0s", "0s", "0s"], 404),
        (&["30d", "30d", "30d"], 200),
    ] {
        let place = Place::new();
        let served = place.begin();
        let before = token(&served.server, &served.key, &served.invitation);
        let (key, invitation) = served.stop();
        for keep in keeps {
            let data = fs::read(&place.database).expect("it reads");
            assert_eq!(place.rotate(&["--keep-old", keep]).0, Some(0));
            let rotated = fs::read(&place.database).expect("it reads");
            // Only the secret: as if the rotation had been killed.
            fs::write(&place.database, data).expect("it is written");
            is_bound(&place);
            fs::write(&place.database, rotated).expect("it is written");
        }
        is_bound(&place);
        let server = place.serve();
        let after = token(&server, &key, &invitation);
        assert_eq!(
            (lookup(&server, &before), lookup(&server, &after)),
            (old_link, 200),
            "{keeps:?}"
        );
        stop(server);
        is_bound(&place);
        assert_eq!(place.rotate(&[]).0, Some(0));
        assert!(
            count(&place) <= 3,
            "{keeps:?}: what nothing needs is dropped"
        );
    }
}

/// Makes sure that the data file is not served with a foreign secret, and fits to its own.
fn is_bound(place: &Place) {
    let right = fs::read(place.secret_file()).expect("it reads");
    write(&place.secret_file(), OTHER);
    refused(
        &mut place.command(),
        1,
        &["does not belong", "1 pending link opens nothing"],
    );
    write(&place.secret_file(), right);
    let folder = tempfile::tempdir().expect("a folder");
    let mut backup = invited();
    backup.args(["backup", "--with-secret", "--database"]);
    backup
        .arg(&place.database)
        .arg(folder.path().join("copy.db"));
    let (code, printed) = ended(&mut backup);
    assert_eq!(code, Some(0), "{printed}");
}

/// How many secrets a place has.
fn count(place: &Place) -> usize {
    let text = fs::read_to_string(place.secret_file()).expect("it reads");
    text.lines().count()
}

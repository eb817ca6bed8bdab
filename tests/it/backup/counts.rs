//! The counts that a file keeps are compared with its rows.

use serde_json::Value;

use super::{Place, back_up, on, refused, succeeded, text, verify};
use crate::support::process::Server;
use crate::support::tally;

/// What a command printed as JSON.
fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

#[test]
fn a_count_that_is_not_that_of_its_rows_is_a_finding_that_stops_nothing_and_is_set_right() {
    let place = Place::new();
    place.fill("p", 3);
    for (sql, said) in [
        (
            "update tally set count = count + 2 where id = 0",
            "the count of \"invitation pending\" is 5, and there are 3",
        ),
        (
            "update tally set count = 1 where id = 17",
            "the count of \"mail code retrying\" is 1, and there are 0",
        ),
        (
            "update tally set count = -4 where id = 31",
            "the count of \"webhook event retrying\" is -4, and there are 0",
        ),
    ] {
        succeeded(&on(&place.database, &["verify"]));
        let conn = rusqlite::Connection::open(&place.database).expect("it opens");
        assert_eq!(conn.execute(sql, []).expect("it runs"), 1);
        drop(conn);
        let found = on(&place.database, &["verify"]);
        assert!(refused(&found, 1).contains("verify --recount"));
        assert_eq!(text(&found.stdout), format!("{said}\n"));
        let found = json(&on(&place.database, &["verify", "--output", "json"]));
        assert_eq!(
            (&found["ok"], &found["findingsTotal"]),
            (&false.into(), &1.into())
        );
        assert_eq!(found["findings"][0], said);
        let findings = json(&on(
            &place.database,
            &["doctor", "--offline", "--output", "json"],
        ));
        let mut findings = findings.as_array().expect("an array").iter();
        let counts = findings
            .find(|one| one["name"] == "counts")
            .expect("it is there");
        assert_eq!(
            (&counts["state"], &counts["detail"]),
            (&"warn".into(), &said.into())
        );
        // It is no damage: the file is copied, and the copy is served.
        let copy = place.path("copy.db");
        back_up(&place.database, &copy, &["--force", "--with-secret"]);
        refused(&verify(&copy), 1);
        drop(Server::serve(&copy));
        std::fs::remove_file(&copy).expect("it goes");
        succeeded(&on(&place.database, &["verify", "--recount"]));
        assert_eq!(tally::check(&place.database), 3);
    }
    let copy = place.path("copy.db");
    refused_by_use(&place, &copy);
}

/// A backup is looked through and never changed.
fn refused_by_use(place: &Place, copy: &std::path::Path) {
    back_up(&place.database, copy, &["--force"]);
    let mut command = crate::support::process::invited();
    command.arg("verify").arg(copy).arg("--recount");
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

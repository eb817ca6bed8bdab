//! Heads of histories that were written down: what nothing inside of a file can prove.

use std::fs;

use invited::base::clock::Timestamp;
use invited::event;
use invited::event::chain::EventRow;
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::chain::{changed, found, heads, id, look, put, sample, saved, write};
use super::{Place, refused, succeeded, text, verify};
use crate::support::invitations;
use crate::support::process::Server;

/// Makes every history of a file anew, by somebody else, so that each fits in itself.
fn forge(file: &std::path::Path) {
    let forge = |tx: &invited::db::WriteTx<'_>| {
        let rows = {
            let sql = "select organization_id, id, type, invitation_id, request_id, created_at,
                              before, after
                       from event
                       order by rowid";
            let mut statement = tx.prepare(sql)?;
            let read = |row: &rusqlite::Row<'_>| {
                let texts: [Option<String>; 5] = [
                    row.get(0)?,
                    row.get(2)?,
                    row.get(4)?,
                    row.get(6)?,
                    row.get(7)?,
                ];
                let invitation: Option<[u8; 16]> = row.get(3)?;
                let ids = (row.get::<_, [u8; 16]>(1)?, invitation);
                Ok((texts, ids, row.get::<_, i64>(5)?))
            };
            let rows = statement.query_map([], read)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()?
        };
        tx.execute("delete from event", [])?;
        for ([organization, kind, request_id, before, after], (id, invitation), time) in rows {
            event::store::row::insert(
                tx,
                &EventRow {
                    organization: &organization.unwrap_or_default(),
                    id: Uuid::from_bytes(id),
                    kind: &kind.unwrap_or_default(),
                    invitation: invitation.map(Uuid::from_bytes),
                    actor: "somebody else",
                    request_id: &request_id.unwrap_or_default(),
                    created_at: Timestamp::from_millis(time),
                    before: before.as_deref(),
                    after: after.as_deref(),
                },
            )?;
        }
        Ok(())
    };
    invited::db::write_file(file, forge).expect("it is forged");
    let conn = Connection::open(file).expect("it opens");
    conn.execute_batch("pragma wal_checkpoint(truncate)")
        .expect("it runs");
}

#[test]
fn events_taken_off_the_end_are_found_with_the_head_that_was_written_down() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    let heads = heads(folder.path(), &file);
    let last = id(&file, 16);
    // The last two events of `acme` are those of an invitation that nobody misses.
    // Whoever does that takes it out of the counts, too.
    let sql = "update tally set count = count - 1
               where id in (select state from invitation where email = 'two@b.co');
               delete from event where organization_id = 'acme' and position >= 15;
               delete from invitation where email = 'two@b.co'";
    let file = changed(folder.path(), &bytes, sql);
    succeeded(&verify(&file));
    let lines = found(&look(&file, &["--against", &heads]));
    let expected = format!(
        "the event {last} of the head of acme that was written down is not in the history any more"
    );
    assert_eq!(lines, [expected]);
}

#[test]
fn a_history_that_was_made_anew_as_a_whole_is_found_with_the_head_that_was_written_down() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    let heads = heads(folder.path(), &file);
    let last = id(&file, 16);
    forge(&file);
    succeeded(&verify(&file));
    let lines = found(&look(&file, &["--against", &heads]));
    let expected = format!(
        "the history of acme up to the event {last} is not the one whose head was written down"
    );
    assert!(lines.len() == 2 && lines[0] == expected, "{lines:?}");
}

#[test]
fn heads_are_lines_that_stay_good_while_a_history_goes_on() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    let heads = heads(folder.path(), &file);
    let written = fs::read_to_string(&heads).expect("it reads");
    let last = id(&file, 16);
    let line = format!(r#"{{"organization":"acme","count":16,"event":"{last}","chain":""#);
    assert!(written.starts_with(&line), "{written}");
    let lines: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2, "{written}");
    assert_eq!(
        (&lines[1]["organization"], &lines[1]["count"]),
        (&json!("globex"), &json!(2))
    );
    assert_eq!(lines[0]["chain"].as_str().map(str::len), Some(64));
    // To stdout, with what is said on stderr.
    let output = look(&file, &["--heads", "-"]);
    assert_eq!(succeeded(&output), written);
    assert!(
        text(&output.stderr).contains("ok: "),
        "{}",
        text(&output.stderr)
    );
    // A file that is there is replaced only once it was compared.
    let said = refused(&look(&file, &["--heads", &heads]), 1);
    assert!(said.contains("is there already"), "{said}");
    succeeded(&look(&file, &["--against", &heads, "--heads", &heads]));
    assert_eq!(fs::read_to_string(&heads).expect("it reads"), written);
    // Not even where something is wrong.
    let damaged = changed(
        folder.path(),
        &bytes,
        "update event set actor = 'x' where position = 2",
    );
    refused(
        &look(&damaged, &["--against", &heads, "--heads", &heads]),
        1,
    );
    assert_eq!(fs::read_to_string(&heads).expect("it reads"), written);
}

#[test]
fn a_file_of_heads_that_is_none_is_refused_with_its_line() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    let place = folder.path().join("none.jsonl");
    for (written, what) in [
        ("{}\n", "line 1 is no head"),
        ("x", "line 1 is no head"),
        (
            r#"{"organization":"a","count":1,"event":"x","chain":""}"#,
            "line 1 is no head",
        ),
    ] {
        fs::write(&place, written).expect("it is written");
        let said = refused(&look(&file, &["--against", &place.to_string_lossy()]), 2);
        assert!(said.contains(what), "{said}");
    }
    refused(&look(&file, &["--against", "/no/such/file"]), 2);
    // Nothing to compare is not "all is well".
    fs::write(&place, "").expect("it is written");
    let place = place.to_string_lossy();
    for words in [
        &["--against", &place][..],
        &["--against", &place, "--heads", &place],
    ] {
        let said = refused(&look(&file, words), 2);
        assert!(said.contains("there is no head in it"), "{said}");
    }
    let said = refused(&look(&file, &["--against", "/dev/null"]), 2);
    assert!(said.contains("there is no head in it"), "{said}");
}

#[test]
fn how_many_heads_were_compared_is_told() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    let heads = heads(folder.path(), &file);
    let json = |words: &[&str]| -> Value {
        let output = look(&file, &[words, &["--output", "json"]].concat());
        serde_json::from_str(&succeeded(&output)).expect("JSON")
    };
    let said = succeeded(&look(&file, &["--against", &heads]));
    assert!(
        said.starts_with("heads that were compared: 2\nok: "),
        "{said}"
    );
    assert_eq!(json(&["--against", &heads])["headsCompared"], 2);
    let one = fs::read_to_string(&heads).expect("it reads");
    fs::write(&heads, one.lines().next().expect("a line")).expect("it is written");
    assert_eq!(json(&["--against", &heads])["headsCompared"], 1);
    assert_eq!(json(&[])["headsCompared"], 0);
    assert!(succeeded(&look(&file, &[])).starts_with("ok: "));
}

#[test]
fn heads_and_a_report_for_programs_do_not_share_stdout() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    let heads = heads(folder.path(), &file);
    for words in [
        &["--heads", "-", "--output", "json"][..],
        &["--output", "json", "--heads=-"],
        &["--heads", "-", "--output", "json", "--against", &heads],
    ] {
        let output = look(&file, words);
        let said = refused(&output, 2);
        assert!(said.contains("so does --heads -"), "{said}");
        assert_eq!(output.stdout, b"");
    }
    let place = folder.path().join("h.jsonl");
    let output = look(
        &file,
        &["--heads", &place.to_string_lossy(), "--output", "json"],
    );
    let report: Value = serde_json::from_str(&succeeded(&output)).expect("JSON");
    assert_eq!(report["ok"], true);
    assert!(place.exists());
}

#[test]
fn an_erasure_keeps_the_chain_and_what_an_erased_event_still_says_is_looked_at() {
    let place = Place::new();
    place.fill("filler", 3);
    let invitation = place.invite("erased.person@b.co");
    let path = format!(
        "{}/{}",
        invitations("acme"),
        invitation["id"].as_str().expect("an id")
    );
    place.post(&format!("{path}/revoke"), &json!({}));
    place.invite("other.person@b.co");
    let before = place.path("before.db");
    super::back_up(&place.database, &before, &[]);
    let heads = heads(place.folder.path(), &before);
    let path = "/v1/invitations?email=erased.person@b.co";
    let erased = place
        .server
        .request("DELETE", path)
        .bearer(&place.key)
        .send();
    assert_eq!((erased.status, &erased.json()["events"]), (200, &json!(1)));
    let (folder, bytes) = saved(place);
    assert!(!bytes.windows(13).any(|bytes| bytes == b"erased.person"));
    let file = write(folder.path(), &bytes);
    succeeded(&look(&file, &["--against", &heads]));
    let named = format!("the event {} of acme at", id(&file, 4));
    for set in [
        "actor = 'x'",
        "created_at = created_at + 1",
        "after = replace(after, 'developer', 'owner')",
        "after = json_set(after, '$.email', 'another@b.co')",
        "seals = x''",
        "seals = cast(substr(seals, 1, 20) || x'00' || substr(seals, 22) as blob)",
    ] {
        let sql = format!("update event set {set} where organization_id = 'acme' and position = 4");
        let lines = found(&look(&changed(folder.path(), &bytes, &sql), &[]));
        assert!(
            lines.len() == 1
                && lines[0].starts_with(&named)
                && lines[0].ends_with("what it says was changed"),
            "{set}: {lines:?}"
        );
    }
    // The file goes on to be served, and so does the chain.
    let database = folder.path().join("data").join("invited.db");
    let server = Server::serve(&database);
    server.signal("TERM");
    assert!(server.wait().0.success());
    succeeded(&super::on(&database, &["verify", "--against", &heads]));
}

#[test]
fn an_organization_that_was_deleted_and_made_again_has_a_history_of_its_own() {
    let place = Place::new();
    place.fill("filler", 3);
    place.invite("one@b.co");
    let before = place.path("before.db");
    super::back_up(&place.database, &before, &[]);
    let heads = heads(place.folder.path(), &before);
    let path = "/v1/organizations/acme";
    let deleted = place
        .server
        .request("DELETE", path)
        .bearer(&place.key)
        .send();
    assert!([200, 204].contains(&deleted.status), "{}", deleted.text());
    let said = "acme was deleted since its head was written down\n";
    let look = |words: &[&str]| succeeded(&super::on(&place.database, words));
    assert!(look(&["verify", "--against", &heads]).starts_with(said));
    assert_eq!(put(&place, "acme"), 201);
    place.invite("one@b.co");
    assert!(look(&["verify", "--against", &heads]).starts_with(said));
    assert!(!look(&["verify"]).contains("deleted"));
    let written = look(&["verify", "--heads", "-"]);
    assert!(
        written.starts_with(r#"{"organization":"acme","count":2,"#),
        "{written}"
    );
}

#[test]
fn a_history_that_goes_while_its_organization_is_deleted_is_no_finding() {
    let (folder, bytes) = sample();
    let sql = "insert into purge values (zeroblob(16), 0, 'acme');
               delete from event where organization_id = 'acme' and position < 5";
    let file = changed(folder.path(), &bytes, sql);
    assert!(succeeded(&look(&file, &["--heads", "-"])).starts_with(r#"{"organization":"globex","#));
}

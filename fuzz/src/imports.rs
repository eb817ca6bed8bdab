//! Exports and seeds: what is read is within the limits, and a mistake names a line that is there.

use invited::dev::seed::Start;
use invited::transfer::lines::{Lines, Trouble};
use invited::transfer::record::Record;

/// Checks `data` as an export, and as whatever a file of development may hold.
pub fn check(data: &[u8]) {
    check_export(data);
    if let Ok(Start::Seed(seed)) = Start::read(data) {
        assert!(
            seed.organizations
                .is_none_or(|list| list.len() <= data.len())
        );
    }
}

/// Reads an export to its end.
fn check_export(data: &[u8]) {
    let count = data.split(|byte| *byte == b'\n').count();
    let (mut lines, mut read) = (Lines::new(data), 0);
    loop {
        match lines.next_record() {
            Ok(Some(record)) => check_record(&record),
            Ok(None) => return,
            Err(Trouble::Line(mistake)) => {
                let line = usize::try_from(mistake.line).expect("few lines");
                assert!((1..=count).contains(&line), "{mistake} of {count}");
                assert!(!mistake.what.is_empty());
            }
            Err(Trouble::Input(error)) => panic!("memory can be read: {error}"),
        }
        read += 1;
        assert!(read <= count + 1, "it comes to an end");
    }
}

/// Checks what a data file relies on.
fn check_record(record: &Record) {
    match record {
        Record::Organization(id, _) => assert!(!id.as_str().is_empty()),
        Record::Invitation(whole) => {
            assert_eq!(whole.id.get_version_num(), 7);
            assert!(
                whole.id.as_u128() >> 80 >= u128::from(whole.created_at.as_millis().unsigned_abs())
            );
        }
        Record::Event(event) => {
            for facts in event.before.iter().chain(&event.after) {
                let value: serde_json::Value = serde_json::from_str(facts).expect("JSON");
                assert!(value.is_object(), "{facts}");
            }
        }
    }
}

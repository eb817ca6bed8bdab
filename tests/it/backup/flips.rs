//! R32: bits that flip where events lie, and batches that are cut off.

use std::time::Duration;

use serde_json::json;

use super::chain::{look, sample, write};
use super::{Place, SCALE_VARIABLE, on, succeeded};
use crate::support::process::Server;
use crate::support::{invitations, scale};

/// A number of SQLite's (a varint) at the beginning of `bytes`, and how many bytes it has.
fn number(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(8) {
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return (value, at + 1);
        }
    }
    panic!("no such number is in our files");
}

/// A number of two bytes.
fn short(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Where in the file the rows of a table lie, from and to, by its first page.
fn rows(file: &[u8], root: usize) -> Vec<(usize, usize)> {
    let size = short(&file[16..]);
    let start = (root - 1) * size;
    let page = &file[start..start + size];
    let cells = (0..short(&page[3..])).map(|cell| cell * 2);
    let child = |at: usize| u32::from_be_bytes(page[at..at + 4].try_into().expect("four")) as usize;
    match page[0] {
        5 => {
            let left = cells.map(|cell| child(short(&page[12 + cell..])));
            let children = left.chain([child(8)]);
            children.flat_map(|root| rows(file, root)).collect()
        }
        13 => {
            let row = |cell: usize| {
                let at = short(&page[8 + cell..]);
                let (payload, len) = number(&page[at..]);
                let (_, id_len) = number(&page[at + len..]);
                assert!(payload < size / 2, "it lies in this page as a whole");
                (start + at, start + at + len + id_len + payload)
            };
            cells.map(row).collect()
        }
        kind => panic!("no page of a table: {kind}"),
    }
}

#[test]
fn any_bit_that_flips_in_a_row_of_an_event_is_found() {
    let (folder, bytes) = sample();
    let file = write(folder.path(), &bytes);
    let conn = rusqlite::Connection::open(&file).expect("it opens");
    let sql = "select rootpage from sqlite_schema where name = 'event'";
    let root: u32 = conn.query_row(sql, [], |row| row.get(0)).expect("a table");
    drop(conn);
    let rows = rows(&bytes, root as usize);
    assert_eq!(rows.len(), 18);
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..scale(SCALE_VARIABLE, 40, 200) {
        let (from, to) = rows[random.usize(..rows.len())];
        let (at, bit) = (random.usize(from..to), random.u8(..8));
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << bit;
        let output = look(&write(folder.path(), &damaged), &[]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "bit {bit} of byte {at} in the row from {from} to {to}, seed {seed}"
        );
    }
}

#[test]
fn a_kill_in_the_middle_of_a_batch_leaves_a_chain_that_goes_on() {
    let place = Place::new();
    place.fill("first", 20);
    let (
        Place {
            folder,
            database,
            mut server,
            key,
        },
        mut made,
    ) = (place, 20);
    for kill in 0..6 {
        let row = |number| json!({"email": format!("k{kill}.{number}@b.co"), "role": "x"});
        let rows: Vec<_> = (0..1_000).map(row).collect();
        let body = json!({ "invitations": rows }).to_string();
        let path = format!("{}/batch", invitations("acme"));
        let request = server.request("POST", &path).bearer(&key).json(body);
        let pid = server.child.id().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20 + 25 * kill));
            let killed = std::process::Command::new("kill")
                .args(["-9", &pid])
                .status();
            assert!(killed.expect("it runs").success());
        });
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| request.send()));
        killer.join().expect("it kills");
        server.child.wait().expect("it ends");
        let said = succeeded(&on(&database, &["verify"]));
        let now: usize = said
            .split("events ")
            .nth(1)
            .and_then(|rest| rest.split(',').next())
            .and_then(|count| count.parse().ok())
            .expect("a count");
        assert!(
            now == made || now == made + 1_000,
            "all of a batch or none: {said}"
        );
        made = now;
        server = Server::serve(&database);
    }
    drop(folder);
}
